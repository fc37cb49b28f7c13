"""The people of the demonstration at their desks: every act goes through the public API, as it would in earnest."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519

from audit.canon import b64, stamp
from audit.trust import Ed25519Signer, record_sig_bytes
from bidding.keys import Keyset, Statement, make_keyset
from trading.accounts import demo_code
from trading.client import PREFIX, Platform
from trading.demo.cast import ORIGIN, SINCE, Cast, Member
from trading.demo.tenders import SourceTender
from trading.demo.ways import ORDINARY, Way
from trading.law.regimes import SELL, regime
from trading.tools.registration import by_authority

SCHEMA = {"price": {"kind": "fen", "min": 1}, "days": {"kind": "int", "min": 1, "max": 3650}}
"""What is read out at the opening: the price in fen, and the days the bidder needs."""
TWO = ("termination", "deadline")
"""Acts that one person proposes and another approves."""
WINDOW = 600_000
"""Seconds of the demonstration's clock for late releases: five or so of the machine's."""


@dataclass
class Bidder:
    """A bidder: an organisation with a signing key and a token; the same firm bids in both runs of its tender."""

    code: str
    name: str
    signer: Ed25519Signer
    token: str = ""


@dataclass
class Run:
    """One tender run under one regime in one way, and what became of it."""

    source: SourceTender
    regime: str
    way: Way = ORDINARY
    after: Run | None = None
    """The run whose lot, having come to nothing, is tendered again."""
    beside: Run | None = None
    """The run whose project this is another lot of."""
    project: str = ""
    lot: str = ""
    tender: str = ""
    deadline: datetime | None = None
    papers: dict[str, str] = field(default_factory=dict)
    """The documents issued: file name → SHA-256."""
    reserve: str = ""
    """The box of the sealed reserve price, where there is one."""
    security: int = 0
    """What each bidder pays as bid security, in fen."""
    draw: str = ""
    """The draw of its panel, and the one before it whose pool was exhausted."""
    replaced: str = ""
    report: bytes = b""
    """The committee's report, as the tenderee received it."""
    bids: dict[str, str] = field(default_factory=dict)
    """Tenderer of the source → bid id."""
    outcome: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lawful(self) -> bool:
        """Run under a law of ours, with its periods and its minimum of bidders, rather than as the source had it."""
        return self.regime != "source-law"

    @property
    def direction(self) -> str:
        """Sales where the regime only sells."""
        return regime(self.regime).directions[0]


class Market:
    """Who has which token, and the acts of each desk. `platform(role)` is a client with that role's token."""

    def __init__(self, url: str, lang: str, cast: Cast, administrator: str) -> None:
        self.url, self.lang, self.cast = url, lang, cast
        self.tokens: dict[str, str] = {"security_admin": administrator}
        self.bidders: dict[tuple[str, str], Bidder] = {}
        self._deputies: dict[str, str] = {}
        self._clients: dict[str, Platform] = {}
        self._numbers = 0
        self.tenderee = ""

    def close(self) -> None:
        """Give all connections back."""
        for client in self._clients.values():
            client.close()

    def as_(self, who: str) -> Platform:
        """The client of a desk: a role's name, or a custodian's id."""
        return self.client(self.tokens[who])

    def client(self, token: str) -> Platform:
        """The client with a token, made once."""
        if token not in self._clients:
            self._clients[token] = Platform(self.url, token=token, lang=self.lang)
        return self._clients[token]

    # -- people ------------------------------------------------------------------------------------------------------

    def code(self) -> str:
        """The next made-up unified social credit code, with a valid check character; area 000000 exists nowhere."""
        self._numbers += 1
        return demo_code(self._numbers)

    def enrol(self, name: str, role: str, identity: str | None = None) -> tuple[str, str]:
        """An organisation with one person in one role; returns its code and the token."""
        admin, code = self.as_("security_admin"), self.code()
        admin.post("/organisations", {"code": code, "name": name, "identity": identity})
        person = admin.post("/people", {"name": f"{name}经办人", "organisation": code, "roles": [role]})
        token = admin.post("/tokens", {"person": person["id"], "role": role})
        return code, str(token["token"])

    def fill_desks(self) -> None:
        """The centre, the tenderee, the supervisor, and three custodians who know none of each other's keys; the first one's
        stands in `parties.txt`, the others' are vouched for."""
        for role, name in (
            ("operator", "示范公共资源交易中心"),
            ("tenderee", "示范招标人"),
            ("supervisor", "行政监督部门"),
        ):
            identity = self.cast.tenderee.id if role == "tenderee" else None
            code, self.tokens[role] = self.enrol(name, role, identity=identity)
            if role == "tenderee":
                self.tenderee = code
            if role == "operator":  # 三员分立: beside the security administrator two others
                for office, person in (("system_admin", "系统管理员"), ("audit_admin", "审计管理员")):
                    people = {"name": person, "organisation": code, "roles": [office]}
                    self.as_("security_admin").post("/people", people)
        for one in self.cast.custodians:
            _, self.tokens[one.id] = self.enrol(one.name, "custodian", identity=one.id)
        for one in self.cast.custodians[1:]:
            self.vouch(one, "custodian")

    def vouch(self, member: Member, role: str) -> None:
        """An authority publishes whose key this is (envelope.md §2)."""
        authority = self.cast.authorities[0]
        said: dict[str, Any] = {
            "id": member.id, "role": role, "vkey": member.vkey, "from": SINCE, "until": None, "by": authority.id,
        }  # fmt: skip
        signed = record_sig_bytes({"type": "trading.identity-vouched/v1", "subject": member.id, **said})
        self.as_("supervisor").post("/identities", {**said, "sig": [authority.signer.sign(signed)]})

    def admit(self, name: str) -> Bidder:
        """A bidder with a fresh signing key that an authority vouches for (envelope.md §5)."""
        code, token = self.enrol(name, "bidder")
        return self._registered(code, name, token)

    def seller(self) -> Bidder:
        """The tenderee's own officer who seals its reserve price: a person and a key of its organisation."""
        admin = self.as_("security_admin")
        person = admin.post("/people", {"name": "底价经办人", "organisation": self.tenderee, "roles": ["bidder"]})
        token = admin.post("/tokens", {"person": person["id"], "role": "bidder"})
        return self._registered(self.tenderee, "示范招标人", str(token["token"]))

    def _registered(self, code: str, name: str, token: str) -> Bidder:
        signer, authority = Ed25519Signer(ed25519.Ed25519PrivateKey.generate()), self.cast.authorities[0]
        registration, sig = by_authority(ORIGIN, code, signer, authority.id, authority.signer)
        self.client(token).post("/registrations", {"registration": b64(registration), "sig": sig})
        return Bidder(code, name, signer, token)

    # -- projects ----------------------------------------------------------------------------------------------------

    def register(self, run: Run) -> None:
        """Project and lot; another lot of a project that is there, or the lot of a tender that came to nothing."""
        tenderee, source = self.as_("tenderee"), run.source
        if run.after is not None:
            run.project, run.lot = run.after.project, run.after.lot
            return
        if run.beside is not None:
            run.project = run.beside.project
        else:
            facts = {
                "title": source.title,
                "regime": run.regime,
                "direction": run.direction,
                "currency": source.currency,
                "description": source.description,
                "source": f"{source.publisher} {source.ocid} · {source.buyer}",
                **run.way.registration(run),
            }
            run.project = tenderee.post("/projects", facts, key=secrets.token_hex(8))["id"]
        lot = tenderee.post(f"/projects/{run.project}/lots", {"title": source.title, "baseline": source.baseline})
        run.lot = lot["id"]

    def name(self, run: Run) -> None:
        """The box family's id, bound to the log as it is now."""
        run.tender = self.as_("tenderee").post("/tenders", {"lot": run.lot}, key=secrets.token_hex(8))["id"]

    def name_reserve(self, run: Run) -> None:
        """A box of the same lot for the sealed reserve price."""
        body = {"lot": run.lot, "kind": "reserve"}
        run.reserve = self.as_("tenderee").post("/tenders", body, key=secrets.token_hex(8))["id"]

    def make_boxes(self, run: Run, statements: Mapping[datetime, Sequence[Statement]]) -> None:
        """A key set for each stage, 2 of 3, of the keys stated for its hour."""
        assert run.deadline is not None
        hours = run.way.hours(run, run.deadline)
        self._box(run.tender, hours, statements)
        if run.reserve:
            self._box(run.reserve, {"form": hours["form"]}, statements)

    def _box(
        self, tender: str, hours: Mapping[str, datetime], statements: Mapping[datetime, Sequence[Statement]]
    ) -> None:
        keysets: dict[str, Keyset] = {
            stage: make_keyset(statements[hour], origin=ORIGIN, tender=tender, stage=stage, k=2, opens_at=hour)
            for stage, hour in hours.items()
        }
        body = {"keysets": {stage: b64(keyset.data) for stage, keyset in keysets.items()}}
        self.as_("tenderee").post(f"/tenders/{tender}/keysets", body)

    def announce(self, run: Run, unvouched: Sequence[str] = (), **more: Any) -> None:
        """The notice. The window for late releases is a week of the demonstration's clock."""
        assert run.deadline is not None
        body = {
            "deadline": stamp(run.deadline), "opening_schema": SCHEMA, "window": WINDOW, "unvouched": list(unvouched),
            **more,
        }  # fmt: skip
        self.as_("tenderee").post(f"/tenders/{run.tender}/announcement", body)

    # -- acts of a tender ----------------------------------------------------------------------------------------------

    def act(self, role: str, run: Run, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """One act of a desk on a tender, under `/tenders/{id}/…`."""
        made = self.as_(role).post(f"/tenders/{run.tender}/{path}", body or {}, key=secrets.token_hex(8))
        if path in TWO:
            made = self.deputy(role).post(f"/proposals/{made['id']}/approval", key=secrets.token_hex(8))["answer"]
        return made

    def deputy(self, role: str) -> Platform:
        """A second person at the same desk, for what one alone may not do."""
        if role not in self._deputies:
            admin, code = self.as_("security_admin"), self.as_(role).get("/whoami")["organisation"]
            person = admin.post("/people", {"name": "复核人", "organisation": code, "roles": [role]})
            token = admin.post("/tokens", {"person": person["id"], "role": role})
            self._deputies[role] = str(token["token"])
        return self.client(self._deputies[role])

    def paper(self, role: str, run: Run, title: str) -> str:
        """Keep a paper of a desk: a line that says what it stands for. Its SHA-256."""
        text = f"{title}\n{run.source.title}\n{run.tender}\n（演示文本）\n"
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        kept = self.as_(role).request("POST", f"{PREFIX}/papers", content=text.encode(), headers=headers)
        return str(kept.json()["sha256"])

    # -- after the opening ---------------------------------------------------------------------------------------------

    def reject(self, run: Run) -> int:
        """The real rejections under the source's own law; by ours the prices no bid may have. How many bids stand."""
        standing, ceiling = 0, run.source.baseline
        for bid in run.source.bids:
            if not run.lawful and bid.rejected:
                why = {
                    "reason": "disqualified_by_the_source",
                    "article": "source-law: published award status unsuccessful",
                }
            elif run.lawful and run.direction != SELL and bid.price > ceiling:
                why = {"reason": "over_ceiling", "article": "招标投标法实施条例 51(5)"}
            else:
                standing += 1
                continue
            body = {"bid": run.bids[bid.tenderer], **why}
            self.as_("tenderee").post(f"/tenders/{run.tender}/rejections", body)
        return standing

    def read(self, run: Run) -> Any:
        """The tender as everybody sees it."""
        return self.as_("operator").get(f"/tenders/{run.tender}")


def spans(runs: Sequence[Run]) -> list[datetime]:
    """The distinct opening hours: a custodian whose tool works unattended makes a key for each day it guards."""
    dated = [(run, run.deadline) for run in runs if run.deadline is not None]
    return sorted({hour for run, deadline in dated for hour in run.way.hours(run, deadline).values()})


def day_around(hour: datetime) -> tuple[datetime, datetime]:
    """The span of a box key for one opening hour: unattended keys guard a day (envelope.md §2)."""
    return hour - timedelta(hours=12), hour + timedelta(hours=12)
