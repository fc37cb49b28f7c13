"""Grants of land and minerals end in a written contract; a sale of state property may, and waits for none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from audit.refusal import Refused
from trading.law.life import Happened, Life, ask, live
from trading.law.regimes import REGIMES
from trading.law.rulebook import pin

DAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def awarded(regime: str) -> Life:
    steps = ("make-keyset", "announce", "close", "unseal", "publish-candidates", "award")
    return live(pin(REGIMES[regime], DAY), [Happened(act, DAY) for act in steps])


def ends_in_a_written_contract(regime: str) -> None:
    life = awarded(regime)
    with pytest.raises(Refused) as no:
        ask(life, "archive", DAY)
    assert no.value.code == "E-STAGE"
    signed = life.after(Happened("sign-contract", DAY))
    assert ask(signed, "archive", DAY).stage == "archived"


def test_ld_03() -> None:
    ends_in_a_written_contract("land")


def test_mn_04() -> None:
    ends_in_a_written_contract("minerals")


def test_a_sale_of_state_property_may_be_archived_when_it_is_awarded() -> None:
    assert ask(awarded("property"), "archive", DAY).stage == "archived"
    assert ask(awarded("property"), "sign-contract", DAY).stage == "contracted"
