"""A tender's public records as OCDS 1.1.5 releases, and the compiled release they add up to. Pure.

What stands for what, sales above all, is said in `ocds.md` beside this file. A release says what its record made known and
nothing more; of bids it says nothing, not even how many, before the record of their opening. Amounts are decimals made from
whole fen; `line` writes them as they are, without a float between.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from audit.canon import sha256_hex

VERSION = "1.1"
EXTENSIONS = ("https://raw.githubusercontent.com/open-contracting-extensions/ocds_bid_extension/v1.1.5/extension.json",)
"""The bids extension; our own additions are named in `ocds.md`."""
BUY, SELL, TOTAL = "buy", "sell", "total"
WORKS = "works"
FORM, TOO_FEW = "form", "too_few_bids"
"""The stage every tender has, and why a box stays shut (log.md §1)."""
OPENED, PENDING = "OK", "PENDING"
"""Verdicts on an envelope (envelope.md §7); every other one is a refusal."""
BELOW = "below_reserve"
"""How an auction ends in which nobody reached the sealed reserve."""


@dataclass(frozen=True)
class Case:
    """What is public of one tender besides its records: titles, names and where papers lie. Money in fen."""

    tender: str  # <lot>@<size>
    project: str
    project_title: str
    description: str
    title: str  # the lot's
    direction: str
    currency: str
    regime: str
    region: str
    owner: tuple[str, str]  # code and name of the tenderee
    agency: tuple[str, str] | None = None
    predecessor: str | None = None
    opened: bool = False  # whether bids are everybody's to see now
    bidders: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # bid → code and name, once opened
    counts: Mapping[str, int] = field(default_factory=dict)  # stage → listed bids, once opened
    awarded_at: int | None = None  # the index of the award
    pricing: str = TOTAL
    prefix: str = "ocds-000000"
    papers: str = ""  # address before a paper's hash

    @property
    def ocid(self) -> str:
        """One tender is one contracting process; a lot tendered again is another, and names the one before."""
        return ocid(self.prefix, self.tender)


@dataclass(frozen=True)
class Fact:
    """A public record in the log: its short type, its index, its bytes' hash, itself."""

    type: str
    index: int
    sha256: str
    value: Mapping[str, Any]


def ocid(prefix: str, tender: str) -> str:
    """The identifier of a contracting process."""
    return f"{prefix}-{tender.replace('@', '-')}"


def money(fen: int, currency: str) -> dict[str, Any]:
    """An OCDS Value, exact."""
    return {"amount": Decimal(fen).scaleb(-2), "currency": currency}


# ----------------------------------------------------------------------------------------------------------- stages

Part = dict[str, Any]
"""What a release says besides its head: tag, and tender, bids, awards, contracts, parties as they are."""


def _announced(case: Case, fact: Fact) -> list[Part]:
    v = fact.value
    worth = _sum(case, v["baseline"])
    budget: Part = {"project": case.project_title, "projectID": case.project}
    if v.get("estimate") is not None and case.direction == BUY:
        budget["amount"] = money(v["estimate"], case.currency)
    hosts: Part = {"parties": _hosts(case)}
    if case.direction == BUY:
        hosts["buyer"] = _ref(case.owner)
    planning: Part = {"tag": ["planning"], **hosts, "planning": {"budget": budget}}
    if case.description:
        planning["planning"]["rationale"] = case.description
    sealed = {"startDate": v["time"], "endDate": v["deadline"]}
    tender: Part = {
        "title": case.title,
        "description": case.project_title,
        "status": "active",
        "procuringEntity": _ref(case.owner),
        "direction": case.direction,
        "regime": case.regime,
        "procurementMethod": "open",
        "procurementMethodDetails": case.regime,
        "awardCriteria": "priceOnly" if v["method"] in ("lowest-price/v1", "highest-price/v1") else "ratedCriteria",
        "awardCriteriaDetails": v["method"],
        "submissionMethod": ["electronicSubmission"],
        "tenderPeriod": sealed,
    }
    if worth is not None:
        tender["value" if case.direction == BUY else "minValue"] = worth
    else:
        tender |= {"pricing": case.pricing, "offeredAtMost": v["baseline"]}
    if case.region:
        tender["region"] = case.region
    if case.regime == WORKS and case.direction == BUY:
        tender["mainProcurementCategory"] = "works"
    if v.get("supply_until"):
        tender["enquiryPeriod"] = {"startDate": v["time"], "endDate": v["supply_until"]}
    part: Part = {"tag": ["tender"], **hosts, "tender": tender}
    if case.predecessor:
        part["relatedProcesses"] = [
            {
                "id": "1", "relationship": ["unsuccessfulProcess"], "scheme": "ocid",
                "identifier": ocid(case.prefix, case.predecessor),
            }
        ]  # fmt: skip
    return [planning, part]


def _documents(kind: str, case: Case, fact: Fact) -> list[Part]:
    files = [_paper(case, f["sha256"], f["name"], "biddingDocuments", fact.value["time"]) for f in fact.value["files"]]
    tender: Part = {"documents": files}
    if kind == "tenderAmendment":
        tender["amendments"] = [_amendment(fact, str(fact.value.get("reason") or ""))]
    return [{"tag": [kind], "tender": tender}]


def _issued(case: Case, fact: Fact) -> list[Part]:
    return _documents("tenderUpdate", case, fact)


def _amended(case: Case, fact: Fact) -> list[Part]:
    return _documents("tenderAmendment", case, fact)


def _moved(case: Case, fact: Fact) -> list[Part]:
    tender = {
        "tenderPeriod": {"endDate": fact.value["deadline"]},
        "amendments": [_amendment(fact, str(fact.value.get("reason") or ""))],
    }
    return [{"tag": ["tenderAmendment"], "tender": tender}]


def _answered(case: Case, fact: Fact) -> list[Part]:
    return [{"tag": ["tenderUpdate"], "tender": {"hasEnquiries": True}}]


def _closed(case: Case, fact: Fact) -> list[Part]:
    """Too few came, and the box stays shut for ever. One that opens says nothing here (the opening does), nor one that was
    given up with its tender (its termination does)."""
    if fact.value["reason"] != TOO_FEW or fact.value["stage"] != FORM:
        return []
    return [{"tag": ["tenderUpdate"], "tender": {"status": "unsuccessful", "statusDetails": "shut"}}]


def _unsealed(case: Case, fact: Fact) -> list[Part]:
    v = fact.value
    if not case.opened or v["bid"] not in case.bidders:
        return []
    who = case.bidders[v["bid"]]
    bid: Part = {"id": v["bid"], "tenderers": [_ref(who)]}
    opening = v.get("opening") or {}
    if isinstance(opening.get("price"), int):
        bid |= {"date": v["time"], "status": "valid", **_price(case, opening["price"])}
    elif v["verdict"] != OPENED:
        status = "pending" if v["verdict"] == PENDING else "disqualified"
        bid |= {"date": v["time"], "status": status, "statusDetails": v["verdict"]}
    tender: Part = {"tenderers": [_ref(who)]}
    if v["stage"] in case.counts:
        tender["numberOfTenderers"] = case.counts[v["stage"]]
    return [
        {
            "tag": ["tenderUpdate"], "tender": tender, "bids": {"details": [bid]},
            "parties": [_party(who, "tenderer")],
        }
    ]  # fmt: skip


def _rejected(case: Case, fact: Fact) -> list[Part]:
    if not case.opened:
        return []
    v = fact.value
    bid = {"id": v["bid"], "status": "disqualified", "statusDetails": f"{v['reason']} {v['article']}".strip()}
    return [{"tag": ["tenderUpdate"], "tender": {}, "bids": {"details": [bid]}}]


def _corrected(case: Case, fact: Fact) -> list[Part]:
    if not case.opened:
        return []
    bid = {"id": fact.value["bid"], **_price(case, fact.value["corrected"])}
    return [{"tag": ["tenderUpdate"], "tender": {}, "bids": {"details": [bid]}}]


def _ranked(case: Case, fact: Fact) -> list[Part]:
    if not case.opened:
        return []
    ranks = [{"id": bid, "rank": place} for place, bid in enumerate(fact.value["ranking"], 1)]
    return [{"tag": ["tenderUpdate"], "tender": {}, "bids": {"details": ranks}}]


def _auctioned(case: Case, fact: Fact) -> list[Part]:
    """The rounds of 网上竞价 begin: who is behind a number nobody knows yet."""
    return [{"tag": ["tenderUpdate"], "tender": {"submissionMethod": ["electronicSubmission", "electronicAuction"]}}]


def _hammered(case: Case, fact: Fact) -> list[Part]:
    """The hammer: the bid that stood is what its bidder offers now; below a sealed reserve it has no effect."""
    if not case.opened:
        return []
    v = fact.value
    part: Part = {"tag": ["tenderUpdate"], "tender": {}}
    if v["number"] is not None:
        bid = v["bids"][v["number"] - 1]
        part["bids"] = {"details": [{"id": bid, "value": money(v["price"], case.currency)}]}
    if v["outcome"] == BELOW:
        part["tender"]["statusDetails"] = BELOW
    return [part]


def _awarded(case: Case, fact: Fact) -> list[Part]:
    v = fact.value
    award: Part = {
        "id": case.tender,
        "title": case.title,
        "status": "active",
        "date": v["time"],
        **_price(case, v["price"]),
        "relatedBid": v["bid"],
    }
    if v["gain"] is not None:
        award |= {
            "baseline": money(v["baseline"], case.currency),
            "gain": money(v["gain"], case.currency),
            "formula": v["formula"],
        }
    part: Part = {"tag": ["award"], "tender": {"status": "complete"}, "awards": [award]}
    if v["bid"] in case.bidders:
        award["suppliers"] = [_ref(case.bidders[v["bid"]])]
        part["parties"] = [_party(case.bidders[v["bid"]], "tenderer", "supplier")]
    return [part]


def _restated(case: Case, fact: Fact) -> list[Part]:
    """The figures that stand in the books, corrected by hand; what was awarded is what it was."""
    v = fact.value
    told: Part = {"id": case.tender, "statusDetails": f"{v['status']} {v['reason']}: {v['words']}"}
    for name, key in (("value", "price"), ("baseline", "baseline"), ("gain", "gain")):
        # null removes: an amount from its object, for the standard's merger knows no objects, only what lies in them
        told[name] = {"amount": None, "currency": case.currency} if v[key] is None else money(v[key], case.currency)
    told["formula"] = v["formula"]
    if v["status"] in ("unit-price", "rate"):
        told["pricing"] = v["status"]
    if v["status"] == "annulled":
        told["status"] = "cancelled"
        ended = {"status": "unsuccessful", "statusDetails": v["status"]}
        return [{"tag": ["tenderUpdate", "awardCancellation"], "tender": ended, "awards": [told]}]
    return [{"tag": ["awardUpdate"], "tender": {"status": "complete"}, "awards": [{**told, "status": "active"}]}]


def _notified(case: Case, fact: Fact) -> list[Part]:
    letter = _paper(case, fact.value["letter"], "中标通知书", "awardNotice", fact.value["time"])
    return [{"tag": ["awardUpdate"], "awards": [{"id": case.tender, "documents": [letter]}]}]


def _signed(case: Case, fact: Fact) -> list[Part]:
    v = fact.value
    contract = {
        "id": v["contract"], "awardID": case.tender, "title": case.title, "status": "active",
        **_price(case, v["amount"]), "dateSigned": v["signed"],
    }  # fmt: skip
    return [{"tag": ["contract"], "contracts": [contract]}]


def _published(case: Case, fact: Fact) -> list[Part]:
    sha = fact.value["contract"]
    paper = _paper(case, sha, "合同", "contractSigned", fact.value["time"])
    return [{"tag": ["contractUpdate"], "contracts": [{"id": sha, "awardID": case.tender, "documents": [paper]}]}]


def _ended(case: Case, fact: Fact) -> list[Part]:
    """Failed, or given up; an award that stood before is cancelled with it."""
    failed = fact.type == "tender-failed"
    tender = {"status": "unsuccessful" if failed else "cancelled", "statusDetails": fact.value["reason"]}
    part: Part = {"tag": ["tenderUpdate" if failed else "tenderCancellation"], "tender": tender}
    if case.awarded_at is not None and case.awarded_at < fact.index:
        part["tag"].append("awardCancellation")
        part["awards"] = [{"id": case.tender, "status": "cancelled"}]
    return [part]


STAGES: Mapping[str, Callable[[Case, Fact], list[Part]]] = {
    "project-announced": _announced,
    "documents-issued": _issued,
    "documents-amended": _amended,
    "deadline-moved": _moved,
    "question-answered": _answered,
    "closed": _closed,
    "unsealed": _unsealed,
    "bid-rejected": _rejected,
    "price-corrected": _corrected,
    "candidates-published": _ranked,
    "auction-opened": _auctioned,
    "auction-closed": _hammered,
    "awarded": _awarded,
    "line-corrected": _restated,
    "award-notified": _notified,
    "contract-signed": _signed,
    "contract-published": _published,
    "tender-failed": _ended,
    "tender-terminated": _ended,
}
"""Which public records make a release; of the others nothing is said here, and the log has them."""


def releases(case: Case, fact: Fact) -> list[dict[str, Any]]:
    """The releases of one record, none where it makes none."""
    made = []
    for number, part in enumerate(STAGES[fact.type](case, fact)):
        head: dict[str, Any] = {
            "ocid": case.ocid,
            "id": f"{case.ocid}-{fact.sha256[:32]}-{number}",
            "date": fact.value["time"],
            "tag": part.pop("tag"),
            "initiationType": "tender",
            "language": "zh",
            "logIndex": fact.index,
        }
        if "tender" in part:
            part["tender"] = {"id": case.tender, **part["tender"]}
        made.append(head | part)
    return made


def compiled(made: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The compiled release: releases in the order of their dates laid over one another as the OCDS merges them.

    Objects merge field by field, objects of a list by their `id`; everything else is replaced, and null removes. (The
    standard's own merger, ocdsmerge, gives the same; a test compares.) Raises ValueError without a release.
    """
    order = sorted(made, key=lambda r: (str(r.get("date", "")), "planning" not in r.get("tag", ())))
    if not order:
        raise ValueError("no release to compile")
    whole: dict[str, Any] = {}
    for one in order:
        lay(whole, {k: v for k, v in one.items() if k not in ("tag", "logIndex")})
    last = order[-1]
    return whole | {"tag": ["compiled"], "id": f"{last['ocid']}-{last['date']}"}


def lay(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Lay a release over what earlier ones said (`compiled`)."""
    for key, value in over.items():
        if value is None:
            under.pop(key, None)
        elif isinstance(value, Mapping):
            there = under.get(key)
            under[key] = there if isinstance(there, dict) else {}
            lay(under[key], value)
        elif isinstance(value, list) and value and all(isinstance(o, Mapping) and "id" in o for o in value):
            kept = under.get(key)
            rows: list[dict[str, Any]] = kept if isinstance(kept, list) else []
            places = {str(row.get("id")): row for row in rows if isinstance(row, dict)}
            for one in value:
                if (row := places.get(str(one["id"]))) is None:
                    row = places[str(one["id"])] = {}
                    rows.append(row)
                lay(row, one)
            under[key] = rows
        else:
            under[key] = value


def record(made: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The OCDS record of one process: its releases and what they add up to."""
    return {"ocid": made[0]["ocid"], "releases": list(made), "compiledRelease": compiled(made)}


def package(records: Sequence[Mapping[str, Any]], *, uri: str, publisher: str) -> dict[str, Any]:
    """A record package; it is as old as the newest release in it, so that it does not change while nothing happens."""
    dates = [r["date"] for one in records for r in one["releases"]]
    return {
        "uri": uri, "version": VERSION, "extensions": list(EXTENSIONS), "publishedDate": max(dates),
        "publisher": {"name": publisher}, "records": list(records),
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ shapes


def _sum(case: Case, fen: int) -> dict[str, Any] | None:
    """A value, where the notice's price is one; a unit price or a rate is no sum of money, and no `value` says it were."""
    return money(fen, case.currency) if case.pricing == TOTAL else None


def _price(case: Case, price: int) -> dict[str, Any]:
    """A price as its notice means it: `value`, or `offered` (fen a unit, ten-thousandths)."""
    worth = _sum(case, price)
    return {"offered": price} if worth is None else {"value": worth}


def _ref(who: tuple[str, str]) -> dict[str, str]:
    return {"id": f"CN-USCC-{who[0]}", "name": who[1]}


def _party(who: tuple[str, str], *roles: str) -> dict[str, Any]:
    code, name = who
    return {
        "id": f"CN-USCC-{code}", "name": name, "roles": list(roles),
        "identifier": {"scheme": "CN-USCC", "id": code, "legalName": name},
    }  # fmt: skip


def _hosts(case: Case) -> list[dict[str, Any]]:
    selling = case.direction == SELL
    hosts = [_party(case.owner, *(("procuringEntity", "seller") if selling else ("buyer", "procuringEntity")))]
    if case.agency and case.agency[0] != case.owner[0]:
        hosts.append(_party(case.agency, "agent"))
    return hosts


def _paper(case: Case, sha256: str, title: str, kind: str, time: str) -> dict[str, Any]:
    made = {"id": sha256, "documentType": kind, "title": title, "datePublished": time, "language": "zh"}
    return made | ({"url": f"{case.papers}{sha256}"} if case.papers else {})


def _amendment(fact: Fact, why: str) -> dict[str, Any]:
    return {"id": fact.sha256[:32], "date": fact.value["time"], "rationale": why}


# --------------------------------------------------------------------------------------------------------------- JSON


def text(value: Any) -> str:
    """JSON in which a Decimal stands as its own digits. Raises TypeError for what JSON has no word for."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_word(str(k))}:{text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(text(one) for one in value) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return _word(value)


def _word(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def line(value: Any) -> bytes:
    """One line of JSON Lines."""
    return text(value).encode() + b"\n"


def etag(body: bytes) -> str:
    """A strong entity tag over bytes."""
    return f'"{sha256_hex(body)[:32]}"'
