"""What the law asks of a tender's acts, said a second time and otherwise: which acts must lie before which, which may not
lie after which, and a list of conditions with the numbers of the statutes. It knows no stage and imports no trading/law.

`judge` says which rows an act breaks and which longest periods it comes too late for. `plain`: without the calendar of
holidays, as log.md §8 lets a verifier count.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from typing import Any

import chinese_calendar

BEIJING = timezone(timedelta(hours=8))
DAY = timedelta(days=1)


# ---- counting


def day_of(t: datetime) -> date:
    return t.astimezone(BEIJING).date()


@cache
def midnight(day: date) -> datetime:
    """Where a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=BEIJING).astimezone(UTC)


@cache
def works(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day))


@cache
def last_day(day: date, n: int, unit: str) -> date:
    """The last day of so many 日 or 工作日 that begin on a day which is not counted."""
    if unit == "月":
        month = day.month - 1 + n
        year, month = day.year + month // 12, month % 12 + 1
        day, n = date(year, month, min(day.day, monthrange(year, month)[1])), 0
    if unit == "工作日":
        while n:
            day += DAY
            n -= works(day)
        return day
    day += n * DAY
    while not works(day):
        day += DAY
    return day


@dataclass(frozen=True)
class Act:
    """An act as it is asked for."""

    what: str
    t: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    plain: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.facts.get(name)

    def least(self, since: datetime, n: int, unit: str = "日") -> date:
        """The last day of what must have run."""
        return day_of(since) + n * DAY if self.plain else last_day(day_of(since), n, unit)

    def most(self, since: datetime, n: int, unit: str = "日") -> datetime:
        """From when on it is too late."""
        if not self.plain:
            return midnight(last_day(day_of(since), n, unit) + DAY)
        return midnight(day_of(since) + ((2 * n if unit == "工作日" else n) + 11) * DAY)


@dataclass
class Past:
    """What was done so far."""

    regime: str
    region: str = ""
    acts: list[Act] = field(default_factory=list)

    def has(self, *whats: str) -> bool:
        return any(one.what in whats for one in self.acts)

    def all(self, what: str) -> list[Act]:
        return [one for one in self.acts if one.what == what]

    def last(self, what: str) -> Act | None:
        return next((one for one in reversed(self.acts) if one.what == what), None)

    def t(self, what: str) -> datetime | None:
        found = self.last(what)
        return found.t if found else None

    def first(self, what: str) -> datetime | None:
        return next((one.t for one in self.acts if one.what == what), None)

    @property
    def announced(self) -> Mapping[str, Any]:
        found = self.last("announce")
        return found.facts if found else {}

    @property
    def deadline(self) -> datetime | None:
        told = [one["deadline"] for one in self.acts if one.what in ("announce", "move-deadline")]
        return max(told, default=None)

    @property
    def candidates(self) -> list[str]:
        out = {one["bid"] for one in self.all("reject")}
        published = self.last("publish-candidates")
        return [bid for bid in (published["ranking"] if published else ()) if bid not in out]

    @property
    def signed(self) -> datetime | None:
        contract = self.last("sign-contract")
        return contract["signed"] if contract else None

    def remedy(self, id: str | None) -> Act | None:
        return next((one for one in self.all("file-remedy") if one["remedy"] == id), None)

    def ended(self, id: str) -> datetime | None:
        """When a remedy was answered or refused."""
        done = [one.t for one in self.acts if one.what in ("answer-remedy", "refuse-remedy") and one["remedy"] == id]
        return done[0] if done else None

    def accepted(self, id: str) -> datetime | None:
        return next((one.t for one in self.all("accept-remedy") if one["remedy"] == id), None)

    def pauses(self, a: Act) -> list[tuple[datetime, datetime | None, bool]]:
        """Since when, until when (None: it goes on), and whether the contract alone waits."""
        found: list[tuple[datetime, datetime | None, bool]] = []
        for one in self.all("file-remedy"):
            if (one["kind"] == "objection" and one["about"] != "opening") or one["kind"] in ("inquiry", "challenge"):
                found.append((one.t, self.ended(one["remedy"]), one["kind"] != "objection"))
        for one in self.all("order-suspension"):
            lifted = next((x.t for x in self.all("lift-suspension") if x["order"] == one["order"]), None)
            until = one["until"]
            if until is None and one["ground"] == "complaint" and self.regime == "gov":
                until = midnight(a.least(self.first_order(one), 30) + DAY)
            ends = [x for x in (lifted, until) if x is not None]
            found.append((one.t, min(ends, default=None), False))
        return sorted(found, key=lambda one: one[0])

    def first_order(self, order: Act) -> datetime:
        if order["remedy"] is None:
            return order.t
        return next(x.t for x in [*self.all("order-suspension"), order] if x["remedy"] == order["remedy"])


# ---- what lies before, and what may not lie before

ORDER = """
make-keyset         |                                           | announce terminate
announce            | make-keyset                               | announce terminate
issue-documents     | make-keyset                               | issue-documents close leave-shut terminate
amend-documents     | announce                                  | close leave-shut terminate
ask-question        | announce                                  | close leave-shut terminate
answer-question     | announce                                  | close leave-shut terminate
move-deadline       | announce                                  | close leave-shut terminate
register-key        | announce                                  | close leave-shut terminate
hand-in             | announce                                  | close leave-shut terminate
withdraw            | announce                                  | close leave-shut terminate
refuse              | announce                                  | close leave-shut terminate
receive-security    | announce                                  | unseal leave-shut terminate
return-security     | announce terminate                        |
settle-securities   | leave-shut award fail terminate           | settle-securities
close               | announce                                  | close leave-shut terminate
leave-shut          | announce                                  | close leave-shut terminate
abandon             | terminate                                 |
erase               | leave-shut                                |
release             | close                                     | publish-candidates fail terminate
store               | close                                     | publish-candidates fail terminate
end-window          | close                                     | publish-candidates fail terminate
unseal              | close                                     | publish-candidates fail terminate
settle-stage        | unseal                                    | publish-candidates fail terminate
reject              | unseal                                    | award fail terminate
enter-scores        | unseal                                    | publish-candidates fail terminate
ask-explanation     | unseal                                    | publish-candidates fail terminate
give-explanation    | unseal                                    | publish-candidates fail terminate
correct-price       | unseal                                    | publish-candidates fail terminate
receive-report      | unseal                                    | receive-report publish-candidates fail terminate
open-auction        | unseal                                    | publish-candidates fail terminate
resume-auction      | unseal                                    | publish-candidates fail terminate
close-auction       | unseal                                    | publish-candidates fail terminate
publish-candidates  | unseal                                    | publish-candidates fail terminate
close-evaluation    | unseal fail terminate                     | sign-contract
award               | publish-candidates                        | award fail terminate
notify-award        | award                                     | notify-award sign-contract fail terminate
file-report         | award                                     | file-report fail terminate
sign-contract       | award                                     | sign-contract fail terminate
correct-line        | award                                     | fail terminate
publish-contract    | sign-contract                             | publish-contract
file-contract       | sign-contract                             | file-contract
file-remedy         | announce                                  |
accept-remedy       | file-remedy                               |
refuse-remedy       | file-remedy                               |
answer-remedy       | file-remedy                               |
order-suspension    | announce                                  | leave-shut sign-contract fail terminate
lift-suspension     | order-suspension                          | leave-shut sign-contract fail terminate
warn-idle           |                                           | close leave-shut terminate
fail                | unseal                                    | sign-contract fail terminate
terminate           |                                           | leave-shut sign-contract fail terminate
archive             | leave-shut unseal fail terminate          |
"""
"""act | one of these lies before it | none of these does. Nothing comes after the archive but a correction of the books."""
TURNS = {
    act: (needs.split(), bars.split())
    for act, needs, bars in ([part.strip() for part in line.split("|")] for line in ORDER.strip().splitlines())
}
ACTS = tuple(TURNS)
MOVES = [
    "close", "leave-shut", "unseal", "settle-stage", "open-auction", "resume-auction", "close-auction",
    "publish-candidates", "award", "notify-award", "sign-contract", "fail",
]  # fmt: skip
"""What waits while everything waits."""

# ---- conditions: (name, acts, regimes, what must hold). "!": in an archive judged elsewhere (V6, moves), or not known

Row = tuple[str, str, str, Callable[[Past, Act], bool]]
WORKS, GOV = "works", "gov"
CONTRACTED = "works gov land minerals"
LETTERED = "works gov"


def _unpaused(p: Past, a: Act) -> bool:
    return not any((end is None or a.t < end) and _waits(a.what, alone) for _, end, alone in p.pauses(a))


def _waits(what: str, contract_alone: bool) -> bool:
    return what == "sign-contract" if contract_alone else what in MOVES


def _amended(p: Past, a: Act) -> bool:
    return all(
        day_of(one.t) + 15 * DAY <= day_of(p.deadline or a.t) for one in p.all("amend-documents") if one["affects"]
    )


def _extended(p: Past, a: Act) -> bool:
    if not a["affects"] or a["moved"] is None or p.deadline is None:
        return True
    early = day_of(a.t) <= _before(day_of(p.deadline), 15)
    return early or (day_of(a["moved"]) >= last_day(day_of(a.t), 15, "日") and a["moved"] > p.deadline)


def _still_movable(p: Past, a: Act) -> bool:
    if not a["affects"] or p.deadline is None:
        return True
    return day_of(a.t) <= _before(day_of(p.deadline), 15) or a.t <= p.deadline - a["beats"]


def _before(day: date, n: int) -> date:
    """The last day that lies so many days before a day."""
    return day - n * DAY


def _in_turn(p: Past, a: Act) -> bool:
    free = p.regime == WORKS and p.announced.get("state_funded") is False
    return bool(p.candidates) and (a["bid"] in p.candidates if free else a["bid"] == p.candidates[0])


def _signed(p: Past, a: Act) -> bool:
    inside = any(begun <= a["signed"] and (end is None or a["signed"] < end) for begun, end, _ in p.pauses(a))
    sent = p.t("notify-award")
    return a["signed"] <= a.t and (sent is None or sent <= a["signed"]) and not inside


def publicity(p: Past, a: Act) -> tuple[datetime | None, datetime | None]:
    """When the result was shown, and when that has run."""
    if p.regime == GOV:
        posted = p.t("notify-award") or p.t("award")
        return p.t("award"), a.most(posted, 1, "工作日") if posted else None
    shown = p.t("publish-candidates")
    return shown, a.most(shown, 3) if shown and p.regime == WORKS else None


def knew(p: Past, a: Act) -> datetime | None:
    """From when the days of a challenge or a complaint run; None: what it is about has not happened."""
    shown, ran = publicity(p, a)
    ran = ran - timedelta(microseconds=1) if ran else None  # the last day is the day of knowing
    told = {"documents": p.first("announce"), "opening": p.first("unseal"), "result": ran}[a["about"]]
    happened = shown if a["about"] == "result" else told
    if happened is None or a.t < happened or (a["known"] is not None and a["known"] > a.t):
        return None
    latest = told if told is not None and told <= a.t else a.t
    if a["known"] is None:
        return latest
    return a["known"] if a["about"] == "documents" else min(a["known"], latest)


def _objection(p: Past, a: Act) -> bool:
    if a["kind"] != "objection":
        return True
    if a["about"] == "documents":
        return p.deadline is not None and day_of(a.t) <= _before(day_of(p.deadline), 10)
    if a["about"] == "opening":
        later = ["reject", "correct-price", "receive-report", "publish-candidates", "fail"]
        begun = min((one.t for one in p.acts if one.what in later), default=None)
        opened = p.first("unseal")
        return opened is not None and opened <= a.t and (begun is None or a.t <= begun)
    shown, ran = publicity(p, a)
    return shown is not None and shown <= a.t and (ran is None or a.t < ran)


def _challenge(p: Past, a: Act) -> bool:
    if a["kind"] != "challenge":
        return True
    since = knew(p, a)
    return since is not None and a.t < a.most(since, 7, "工作日")


def _complaint(p: Past, a: Act) -> bool:
    if a["kind"] != "complaint":
        return True
    first, since = p.remedy(a["follows"]), knew(p, a)
    wanted = "challenge" if p.regime == GOV else "objection"
    if first is None or since is None or (first["kind"], first["about"]) != (wanted, a["about"]):
        return False
    answered = next((one.t for one in p.all("answer-remedy") if one["remedy"] == a["follows"]), None)
    if p.regime == WORKS:
        more = max(0, (day_of(answered or a.t) - day_of(first.t)).days)
        return a.t < a.most(since, 10 + more)
    if answered is None and a.t < midnight(a.least(first.t, 7, "工作日") + DAY):
        return False
    return a.t < a.most(a.most(first.t, 7, "工作日") - DAY, 15, "工作日")


def _standing(p: Past, a: Act) -> bool:
    """The remedy an act is about is there and open."""
    return p.remedy(a["remedy"]) is not None and p.ended(a["remedy"]) is None


def _is_complaint(p: Past, a: Act) -> bool:
    found = p.remedy(a["remedy"])
    return found is not None and found["kind"] == "complaint"


def _taken_up(p: Past, a: Act) -> bool:
    return not _is_complaint(p, a) or p.accepted(a["remedy"]) is not None


def _ordered(p: Past, a: Act) -> bool:
    wants = a["ground"] == "complaint" or a["remedy"] is not None
    if wants and not (_is_complaint(p, a) and _standing(p, a)):
        return False
    return a["order"] not in [one["order"] for one in p.all("order-suspension")] and (
        a["until"] is None or a["until"] > a.t
    )


def _thirty(p: Past, a: Act) -> bool:
    if a["ground"] != "complaint" or not _is_complaint(p, a):
        return True
    ends = a.most(p.first_order(a), 30)
    return a["until"] <= ends if a["until"] is not None else a.t < ends


def _lifts(p: Past, a: Act) -> bool:
    given = [one for one in p.all("order-suspension") if one["order"] == a["order"]]
    return bool(given) and a["order"] not in [one["order"] for one in p.all("lift-suspension")]


def _in_force(p: Past, a: Act) -> bool:
    given = next((one for one in p.all("order-suspension") if one["order"] == a["order"]), None)
    if given is None:
        return False
    until = given["until"]
    if until is None and given["ground"] == "complaint" and p.regime == GOV:
        until = midnight(a.least(p.first_order(given), 30) + DAY)
    return until is None or a.t < until


def _trades(p: Past, a: Act) -> bool:
    return p.has("close") or (p.deadline is not None and a.t <= p.deadline)


def _idle(p: Past, a: Act) -> bool:
    return not _trades(p, a) and _long(p, a, a.t)


def _long(p: Past, a: Act, t: datetime) -> bool:
    """Whether the time it had since its registration was over."""
    n, unit = (3, "月") if p.region == "ningbo" else (90, "日")
    return t >= midnight(last_day(day_of(a["registered"]), n, unit) + DAY)


def _warned(p: Past, a: Act) -> bool:
    warned = p.t("warn-idle")
    days = 10 if p.region == "ningbo" else 7
    return bool(p.region) and warned is not None and a.t >= midnight(a.least(warned, days) + DAY)


def _warned_when_idle(p: Past, a: Act) -> bool:
    warned = p.last("warn-idle")
    return warned is not None and _long(p, a, warned.t)


def _failed(p: Past, a: Act) -> bool:
    gone = a["reason"] == "candidates_gone"
    if gone != p.has("publish-candidates"):
        return False
    if gone:
        return p.has("award") or not p.candidates
    few = 3 if a["reason"] == "too_few_qualified" and p.regime == GOV else 1
    return a["qualified"] < few or (a["reason"] == "no_candidate" and p.announced.get("reserve") is not None)


def _finished(p: Past, a: Act) -> bool:
    if any(p.ended(one["remedy"]) is None for one in p.all("file-remedy")):
        return False
    over = p.has("fail", "terminate", "leave-shut")
    if p.has("terminate") and not p.has("announce"):
        return False
    if not over and not p.has("publish-candidates"):
        return False
    if not over and p.regime in CONTRACTED and not p.has("sign-contract"):
        return False
    if not over and p.has("publish-candidates") and not p.has("award") and p.candidates:
        return False
    if p.announced.get("security") and (over or p.has("award")) and not p.has("settle-securities"):
        return False
    owed = {WORKS: ["file-report"], GOV: ["publish-contract", "file-contract"]}.get(p.regime, [])
    return not p.has("sign-contract") or all(p.has(act) for act in owed)


ROWS: list[Row] = [
    ("suspended", " ".join(MOVES), "", _unpaused),
    ("deadline after the announcement", "announce", "", lambda p, a: a["deadline"] > a.t),
    ("WK-06 GP-01", "announce", LETTERED, lambda p, a: day_of(a["deadline"]) >= a.least(a.t, 20)),
    ("WK-03", "announce", WORKS, lambda p, a: not a["supply_until"] or day_of(a["supply_until"]) > a.least(a.t, 5)),
    ("GP-03 GP-04", "announce", GOV,
     lambda p, a: not a["supply_until"] or day_of(a["supply_until"]) > a.least(a.t, 5, "工作日")),
    ("supply before the deadline", "announce", "", lambda p, a: not a["supply_until"] or a["supply_until"] <= a["deadline"]),
    ("WK-12 GP-07", "announce", LETTERED,
     lambda p, a: not a["security"] or a["security"]["amount"] * 50 <= a["estimate"]),
    ("WK-13", "announce", WORKS,
     lambda p, a: not a["security"] or a["security"]["valid_days"] in (None, a["bid_validity_days"])),
    ("WK-14", "announce", WORKS, lambda p, a: not a["security"] or a["security"]["accounts"] == "basic"),
    ("! WK-07 GP-05, told with a deadline", "amend-documents", LETTERED, _extended),
    ("! WK-07 GP-05, in time to move", "amend-documents", LETTERED, _still_movable),
    ("WK-07 GP-05", "close leave-shut", LETTERED, _amended),
    ("! later", "move-deadline", "", lambda p, a: p.deadline is not None and a["deadline"] > p.deadline),
    ("! in time", "move-deadline", "", lambda p, a: p.deadline is None or a.t <= p.deadline - a["beats"]),
    ("! the hour", "close leave-shut", "", lambda p, a: p.deadline is not None and a.t >= p.deadline),
    ("a report first", "publish-candidates", LETTERED, lambda p, a: p.has("receive-report")),
    ("! WK-35", "publish-candidates", WORKS, lambda p, a: len(a["ranking"]) <= 3),
    ("GP-30", "publish-candidates", GOV, lambda p, a: a["qualified"] >= 3),
    ("WK-38", "award", WORKS, lambda p, a: day_of(a.t) > a.least(p.t("publish-candidates") or a.t, 3)),
    ("WK-40 GP-11", "award", "", _in_turn),
    ("the letter first", "sign-contract", LETTERED, lambda p, a: p.has("notify-award")),
    ("signed when", "sign-contract", "", _signed),
    ("the price", "sign-contract", CONTRACTED, lambda p, a: a["amount"] == (p.last("award") or a)["price"]),
    ("WK-48 GP-26", "sign-contract", LETTERED, lambda p, a: not a["performance"] or a["performance"] * 10 <= a["amount"]),
    ("the contract", "publish-contract file-contract", "",
     lambda p, a: a["contract"] == (p.last("sign-contract") or {"contract": None})["contract"]),
    ("settled after the contract", "settle-securities", CONTRACTED,
     lambda p, a: p.has("leave-shut", "fail", "terminate", "sign-contract")),
    ("known here", "file-remedy", WORKS, lambda p, a: a["kind"] in ("objection", "complaint")),
    ("known here", "file-remedy", GOV, lambda p, a: a["kind"] in ("inquiry", "challenge", "complaint")),
    ("known here", "file-remedy", "property land minerals source-law", lambda p, a: False),
    ("a new one", "file-remedy", "", lambda p, a: p.remedy(a["remedy"]) is None),
    ("what it follows", "file-remedy", "", lambda p, a: a["follows"] is None or p.remedy(a["follows"]) is not None),
    ("WK-09 WK-39", "file-remedy", WORKS, _objection),
    ("GP-20", "file-remedy", GOV, _challenge),
    ("WK-41 WK-42 GP-22", "file-remedy", LETTERED, _complaint),
    ("an open one", "accept-remedy refuse-remedy answer-remedy", "", _standing),
    ("a complaint", "accept-remedy refuse-remedy", "", _is_complaint),
    ("once", "accept-remedy refuse-remedy", "", lambda p, a: p.accepted(a["remedy"]) is None),
    ("WK-43", "answer-remedy", WORKS, _taken_up),
    ("an order", "order-suspension", "", _ordered),
    ("GP-24", "order-suspension", GOV, _thirty),
    ("an order given", "lift-suspension", "", _lifts),
    ("! an order in force", "lift-suspension", "", _in_force),
    ("a region with a rule", "warn-idle", "", lambda p, a: bool(p.region)),
    ("stands idle", "warn-idle", "", lambda p, a: not _trades(p, a)),
    ("stands idle", "terminate", "", lambda p, a: a["reason"] != "idle" or not _trades(p, a)),
    ("! idle", "warn-idle", "", lambda p, a: not p.region or _idle(p, a)),
    ("no bids are taken", "warn-idle", "", lambda p, a: not p.region or not _trades(p, a)),
    ("no bids are taken", "terminate", "", lambda p, a: a["reason"] != "idle" or not _trades(p, a)),
    ("warned in vain", "terminate", "", lambda p, a: a["reason"] != "idle" or _warned(p, a)),
    ("! idle when warned", "terminate", "",
     lambda p, a: a["reason"] != "idle" or not p.region or (_idle(p, a) and _warned_when_idle(p, a))),
    ("not after the award", "terminate", "", lambda p, a: a["reason"] != "tenderee" or not p.has("award")),
    ("nobody may win", "fail", "", _failed),
    ("all is done", "archive", "", _finished),
]  # fmt: skip


# ---- longest periods: (rule, act, regime, n, unit, from when; None: not yet, or not this one)


def _of(p: Past, a: Act, kind: str, about: str = "") -> datetime | None:
    found = p.remedy(a["remedy"])
    return found.t if found and found["kind"] == kind and about in ("", found["about"]) else None


Limit = tuple[str, str, str, int, str, Callable[[Past, Act], datetime | None]]
LIMITS: list[Limit] = [
    ("WK-11", "answer-remedy", WORKS, 3, "日", lambda p, a: _of(p, a, "objection", "documents")),
    ("WK-39", "answer-remedy", WORKS, 3, "日", lambda p, a: _of(p, a, "objection", "result")),
    ("WK-44", "answer-remedy", WORKS, 30, "工作日", lambda p, a: p.accepted(a["remedy"])),
    ("GP-19", "answer-remedy", GOV, 3, "工作日", lambda p, a: _of(p, a, "inquiry")),
    ("GP-21", "answer-remedy", GOV, 7, "工作日", lambda p, a: _of(p, a, "challenge")),
    ("GP-23", "answer-remedy", GOV, 30, "工作日", lambda p, a: _of(p, a, "complaint")),
    ("WK-43", "accept-remedy", WORKS, 3, "工作日", lambda p, a: _of(p, a, "complaint")),
    ("WK-43", "refuse-remedy", WORKS, 3, "工作日", lambda p, a: _of(p, a, "complaint")),
    ("WK-37", "publish-candidates", WORKS, 3, "日", lambda p, a: p.t("receive-report")),
    (
        "GP-10",
        "receive-report",
        GOV,
        2,
        "工作日",
        lambda p, a: None if a.plain else a["evaluated"] or p.t("enter-scores"),
    ),
    ("GP-11", "award", GOV, 5, "工作日", lambda p, a: p.t("receive-report")),
    ("GP-12", "notify-award", GOV, 2, "工作日", lambda p, a: p.t("award")),
    ("WK-47", "file-report", WORKS, 15, "日", lambda p, a: p.t("award")),
    ("WK-46", "sign-contract", WORKS, 30, "日", lambda p, a: p.t("notify-award")),
    ("GP-15", "sign-contract", GOV, 30, "日", lambda p, a: p.t("notify-award")),
    ("GP-17", "publish-contract", GOV, 2, "工作日", lambda p, a: p.signed),
    ("GP-16", "file-contract", GOV, 7, "工作日", lambda p, a: p.signed),
    ("WK-49", "settle-securities", WORKS, 5, "日", lambda p, a: p.signed),
    ("GP-08", "settle-securities", GOV, 5, "工作日", lambda p, a: p.signed),
    ("WK-15", "return-security", WORKS, 5, "日", lambda p, a: a["since"] if a["reason"] == "withdrawn" else None),
    ("GP-09", "return-security", GOV, 5, "工作日", lambda p, a: a["since"] if a["reason"] == "withdrawn" else None),
    ("WK-49", "return-security", WORKS, 5, "日", lambda p, a: p.signed if a["reason"] in ("won", "lost") else None),
    ("GP-08", "return-security", GOV, 5, "工作日", lambda p, a: p.signed if a["reason"] == "won" else None),
    ("GP-08", "return-security", GOV, 5, "工作日", lambda p, a: p.t("notify-award") if a["reason"] == "lost" else None),
]


def judge(p: Past, a: Act) -> tuple[list[str], set[str]]:
    """The rows an act would break ("order" first), and the longest periods it comes too late for."""
    needs, bars = TURNS[a.what]
    if p.has(*bars, *(() if a.what == "correct-line" else ("archive",))) or (needs and not p.has(*needs)):
        return ["order"], set()
    broken = []
    for name, acts, regimes, holds in ROWS:
        if a.what in acts.split() and (not regimes or p.regime in regimes.split()):
            if a.plain and name.startswith("!"):
                continue
            if not holds(p, a):
                broken.append(name)
    late = set()
    for rule, act, regime, n, unit, since in LIMITS:
        if a.what == act and p.regime == regime:
            begun = since(p, a)
            ended = a["signed"] if act == "sign-contract" else a.t
            if begun is not None and ended - _paused(p, a, begun, ended) >= a.most(begun, n, unit):
                late.add(rule)
    return broken, late


def _paused(p: Past, a: Act, begun: datetime, ended: datetime) -> timedelta:
    """How long the act had to wait between two instants."""
    whole, reached = timedelta(0), begun
    for since, until, alone in p.pauses(a):
        low, high = max(since, reached), min(until or ended, ended)
        if _waits(a.what, alone) and low < high:
            whole, reached = whole + high - low, high
    return whole
