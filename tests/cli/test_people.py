"""`trading people`: the administrator's and a colleague's commands against a running platform."""

from __future__ import annotations

import pytest

from tests.cli.platform import Platform, trading
from trading.web.models import RoleName

pytestmark = pytest.mark.slow


def test_invited_recovered_and_told_what_one_is(running: Platform) -> None:
    market = running.story.market
    admin = market.as_("security_admin")
    code = admin.get("/whoami")["organisation"]
    body = {"name": "新同事", "organisation": code, "roles": [RoleName.AUDIT_ADMIN]}
    person = admin.post("/people", body, key="a-new-colleague")["id"]
    where = ("--url", market.url, "--token", market.tokens["security_admin"])
    invited = trading("people", "invite", person, *where)
    assert invited.code == 0 and len(invited.value["code"]) == 26, invited.err
    never = trading("people", "recover", person, *where)
    assert never.code == 1 and "T-NEVER-IN" in never.err
    both = trading("people", "recover", person, "--approve", "x", *where)
    assert both.code == 2
    changed = trading("people", "roles", person, "--role", "custodian", *where)
    assert changed.code == 0 and changed.value["roles"] == ["custodian"], changed.err
    ended = trading("people", "sessions", person, *where)
    assert ended.code == 0, ended.err
    stranger = trading("people", "invite", person, "--url", market.url, "--token", market.tokens["tenderee"])
    assert stranger.code == 1 and "W-DENIED" in stranger.err
