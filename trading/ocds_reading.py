"""OCDS as others publish it, read into trades: what can be used, and of the rest where it stands and why not. Pure.

A file may hold packages of releases or records, lists of them, single ones, one value a line or several one after another,
gzipped or not. A file that is not JSON throughout is broken and gives nothing at all; everything else is a remark.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import re
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

from audit.canon import sha256_hex
from audit.refusal import Refused
from trading import ocds

WHOLE = 256 << 20
"""Bytes of a file whose values are not one a line, and of one line: they are read at once."""
DEAL, FAILED = "deal", "failed"
ENDED = frozenset({"unsuccessful", "cancelled", "withdrawn"})
MOST, PLACES = Decimal(10) ** 18, 4
"""Amounts are below this, with at most so many decimals: other currencies have more or fewer than two."""


@dataclass(frozen=True)
class Remark:
    """Something odd. `where`: line of the file, and the place in its value; `why`: a code; `taken`: used all the same."""

    file: str
    where: str
    why: str
    id: str = ""
    taken: bool = False


@dataclass(frozen=True)
class Trade:
    """A trade of elsewhere, in its own currency. `price` None: it came to nothing; `baseline` None: not comparable."""

    ocid: str
    award: str
    publisher: str
    title: str
    buyer: str
    supplier: str
    kind: str
    direction: str
    currency: str
    baseline: Decimal | None
    price: Decimal | None
    status: str
    at: datetime | None


_SPOOL = """
CREATE TABLE process (number INTEGER PRIMARY KEY, ident TEXT UNIQUE, file TEXT, place TEXT);
CREATE TABLE release (number INTEGER PRIMARY KEY, process INTEGER, id TEXT, date TEXT, body BLOB);
CREATE INDEX release_of ON release (process, date, number);
CREATE UNIQUE INDEX release_once ON release (process, id, date) WHERE id <> '';
"""


class Found:
    """What several files hold together: releases of one process may lie in different ones, far apart.

    They wait in a temporary file that vanishes with this object, so that memory holds one line and one process at a time.
    """

    def __init__(self) -> None:
        self.remarks: list[Remark] = []
        self._spool = sqlite3.connect("", isolation_level=None)
        self._spool.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; {_SPOOL}")

    def keep(self, file: str, where: str, ident: str, release: Mapping[str, Any], reduced: Mapping[str, Any]) -> None:
        """Keep what counts of a release; the same one (by process, id and date) again is no news."""
        self._spool.execute(
            "INSERT OR IGNORE INTO process (ident, file, place) VALUES (?, ?, ?)", (ident, _text(file), where)
        )
        self._spool.execute(
            """INSERT OR IGNORE INTO release (process, id, date, body)
               SELECT number, ?, ?, ? FROM process WHERE ident = ?""",
            (_text(release.get("id")), _text(release.get("date")), pickle.dumps(reduced), ident),
        )

    def each(self) -> Iterator[Trade]:
        """Every trade, by process in the order they were met; what is none becomes a remark. To be asked once."""
        for number, ident, file, where in self._spool.execute("SELECT * FROM process ORDER BY number"):
            whole: dict[str, Any] = {}
            rows = self._spool.execute("SELECT body FROM release WHERE process = ? ORDER BY date, number", (number,))
            for (body,) in rows:
                ocds.lay(whole, pickle.loads(body))  # our own bytes, of a file that nobody else has
            yield from _Process(ident, whole, file, where, self.remarks).trades()

    def trades(self) -> list[Trade]:
        """The same at once."""
        return list(self.each())


def read(found: Found, name: str, data: BinaryIO) -> None:
    """Read a file into what was found. Refused: O-BROKEN (not JSON, cut off, not UTF-8), O-SIZE."""
    head = data.read(2)
    data.seek(0)
    stream: Any = gzip.GzipFile(fileobj=data) if head == b"\x1f\x8b" else data
    try:
        for line, value in _values(name, stream):
            _flatten(found, name, str(line), value, "")
    except (EOFError, OSError, zlib.error):
        raise Refused("O-BROKEN", file=name, line=0, why="gzip") from None


def _values(name: str, stream: Any) -> Iterator[tuple[int, Any]]:
    first: bytes | None = None
    for number, raw in enumerate(iter(lambda: stream.readline(WHOLE + 1), b""), 1):
        if len(raw) > WHOLE:
            raise Refused("O-SIZE", file=name, most=WHOLE >> 20)
        if not raw.strip(b"\xef\xbb\xbf \t\r\n"):
            continue
        try:
            value = _loads(raw)
        except (ValueError, RecursionError):
            if first is None:  # not one value a line: the whole of it, then
                yield from _whole(name, number, raw + stream.read(WHOLE + 1 - len(raw)))
                return
            raise Refused("O-BROKEN", file=name, line=number, why="json") from None
        first = raw
        yield number, value
    if first is None:
        raise Refused("O-BROKEN", file=name, line=1, why="empty")


def _whole(name: str, line: int, raw: bytes) -> Iterator[tuple[int, Any]]:
    """Values one after another, each over as many lines as it likes."""
    if len(raw) > WHOLE:
        raise Refused("O-SIZE", file=name, most=WHOLE >> 20)
    at = 0
    try:
        text = raw.decode("utf-8-sig")
        while (found := re.compile(r"\S").search(text, at)) is not None:
            value, end = _DECODER.raw_decode(text, found.start())
            yield line + text.count("\n", 0, found.start()), value
            at = end
    except json.JSONDecodeError as error:
        raise Refused("O-BROKEN", file=name, line=line + error.lineno - 1, why="json") from None
    except UnicodeDecodeError as error:
        raise Refused("O-BROKEN", file=name, line=line + raw.count(b"\n", 0, error.start), why="utf-8") from None
    except (ValueError, RecursionError):
        raise Refused("O-BROKEN", file=name, line=line, why="json") from None


def _nothing(_: str) -> None:
    """NaN and Infinity are no numbers."""


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_nothing)


def _loads(raw: bytes) -> Any:
    return json.loads(raw.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_nothing)


def _flatten(found: Found, name: str, where: str, value: Any, publisher: str) -> None:
    if isinstance(value, list):
        for number, one in enumerate(value):
            _flatten(found, name, f"{where}/{number}", one, publisher)
        return
    if not isinstance(value, dict):
        found.remarks.append(Remark(name, where, "no-release"))
        return
    publisher = _text(_dict(value.get("publisher")).get("name")) or publisher
    for key in ("compiledRelease", "releases", "records", "results", "data"):
        inside = value.get(key)
        if isinstance(inside, list | dict) and inside:
            _flatten(found, name, f"{where}/{key}", inside, publisher)
            return
    if "versionedRelease" in value:
        found.remarks.append(Remark(name, where, "versioned", _text(value.get("ocid"))))
    elif set(value) <= {"url", "date", "tag"} and "url" in value:
        found.remarks.append(Remark(name, where, "linked", _text(value["url"])))
    elif not set(value) & {"ocid", "tender", "awards", "contracts"}:
        if not set(value) & {"releases", "records"}:  # a package with nothing in it is no fault
            found.remarks.append(Remark(name, where, "no-release"))
    else:
        _keep(found, name, where, value, publisher)


def _keep(found: Found, name: str, where: str, release: dict[str, Any], publisher: str) -> None:
    ident = _text(release.get("ocid"))
    if not ident:
        ident = f"sha256:{sha256_hex(ocds.text(release).encode())[:32]}"
        found.remarks.append(Remark(name, where, "no-ocid", ident, taken=True))
    found.keep(name, where, ident, release, {"publisher": publisher, **_reduced(release)})


def _reduced(release: dict[str, Any]) -> dict[str, Any]:
    """What a trade is made of, and nothing of the rest."""
    tender = release.get("tender")
    if tender is None and "value" in release:  # a reduced form, like the demonstration's own file
        tender = {key: release[key] for key in ("title", "value") if key in release}
    wanted = (
        "title",
        "status",
        "value",
        "minValue",
        "direction",
        "pricing",
        "regime",
        "mainProcurementCategory",
        "procuringEntity",
    )
    kept: dict[str, Any] = {"tender": {key: v for key, v in _dict(tender).items() if key in wanted}}
    kept["date"] = _text(release.get("date"))
    for key in ("awards", "contracts", "parties"):
        if rows := [row for row in _list(release.get(key)) if isinstance(row, dict)]:
            numbered = ({"id": f"#{number}", **row} for number, row in enumerate(rows, 1))
            kept[key] = [{k: v for k, v in row.items() if k not in ("documents", "items")} for row in numbered]
    if buyer := release.get("buyer"):
        kept["buyer"] = buyer if isinstance(buyer, dict) else {"name": _text(buyer)}
    return kept


class _Process:
    """One contracting process as it stands at the end."""

    def __init__(self, ident: str, whole: dict[str, Any], file: str, where: str, remarks: list[Remark]) -> None:
        self.ident, self.whole, self.file, self.where, self.remarks = ident, whole, file, where, remarks
        self.tender = _dict(whole.get("tender"))
        self.names = {
            _text(one.get("id")): _text(one.get("name")) for one in _list(whole.get("parties")) if isinstance(one, dict)
        }

    def trades(self) -> list[Trade]:
        deals = [award for award in _list(self.whole.get("awards")) if self._stands(award)]
        if not deals:
            if self.tender.get("status") in ENDED:
                worth = self._value(self._offered())
                return [self._trade("", worth[1] if worth else "", worth[0] if worth else None, None, "", FAILED)]
            if not self.whole.get("awards"):
                self._remark("no-award")
            return []
        return [made for award in deals if (made := self._deal(award, alone=len(deals) == 1)) is not None]

    def _stands(self, award: dict[str, Any]) -> bool:
        status = award.get("status")
        if status is None and (award.get("suppliers") or award.get("supplier")):
            self._remark("no-status", award, taken=True)
            return True
        if status != "active":
            self._remark("award-not-active", award)
        return status == "active"

    def _deal(self, award: dict[str, Any], *, alone: bool) -> Trade | None:
        if self.tender.get("pricing") in ("unit", "rate") or award.get("pricing") in ("unit-price", "rate"):
            self._remark("no-sum", award)
            return None
        raw = award.get("value", {"amount": award.get("amount")})
        contract: dict[str, Any] = next(
            (c for c in _list(self.whole.get("contracts")) if _text(c.get("awardID")) == _text(award.get("id"))), {}
        )
        if _dict(raw).get("amount") is None:
            raw = contract.get("value")
        worth = self._value(raw)
        if worth is None:
            self._remark("amount", award)
            return None
        price, currency = worth
        currency = currency or _text(_dict(self._offered()).get("currency")).upper()
        if not re.fullmatch(r"[A-Z]{3}", currency):
            self._remark("currency", award)
            return None
        base = self._value(award.get("baseline")) or (self._value(self._offered()) if alone else None)
        if not alone and "baseline" not in award:
            self._remark("several-awards", award, taken=True)
        if base is not None and base[1] not in ("", currency):
            self._remark("other-currency", award, taken=True)
            base = None
        at = next((w for w in (award.get("date"), contract.get("dateSigned"), self.whole.get("date")) if w), None)
        return self._trade(
            _text(award.get("id")), currency, base[0] if base else None, price, self._suppliers(award), DEAL, at, award
        )

    def _trade(
        self, award: str, currency: str, baseline: Decimal | None, price: Decimal | None, supplier: str, status: str,
        at: Any = None, about: Mapping[str, Any] | None = None,
    ) -> Trade:  # fmt: skip
        moment = when(at or self.whole.get("date"))
        if moment is None:
            self._remark("date", about or {}, taken=True)
        buyer = _dict(self.whole.get("buyer") or self.tender.get("procuringEntity"))
        kind = _text(self.tender.get("regime")) or _text(self.tender.get("mainProcurementCategory"))
        direction = ocds.SELL if self.tender.get("direction") == ocds.SELL else ocds.BUY
        return Trade(
            self.ident[:200], award[:200], _text(self.whole.get("publisher"))[:500],
            _text(self.tender.get("title"))[:500], self._name(buyer)[:500], supplier[:500], kind[:40], direction,
            currency[:3], baseline, price, status, moment,
        )  # fmt: skip

    def _offered(self) -> Any:
        """What the deal is measured by: the most a buyer will pay, the least a seller will take."""
        if self.tender.get("direction") == ocds.SELL:
            return self.tender.get("minValue") or self.tender.get("value")
        return self.tender.get("value")

    def _suppliers(self, award: dict[str, Any]) -> str:
        rows = [one for one in _list(award.get("suppliers")) if isinstance(one, dict)]
        return "、".join(filter(None, (self._name(one) for one in rows))) or _text(award.get("supplier"))

    def _name(self, who: dict[str, Any]) -> str:
        return _text(who.get("name")) or self.names.get(_text(who.get("id")), "")

    def _value(self, raw: Any) -> tuple[Decimal, str] | None:
        value = _dict(raw)
        found = amount(value.get("amount"))
        return None if found is None else (found, _text(value.get("currency")).upper())

    def _remark(self, why: str, award: Mapping[str, Any] | None = None, *, taken: bool = False) -> None:
        about = f"{self.ident} {_text(award.get('id'))}".strip() if award else self.ident
        self.remarks.append(Remark(self.file, self.where, why, about, taken))


def amount(value: Any) -> Decimal | None:
    """An amount as published, exact; None for what is none, negative, too large or too fine."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    if not found.is_finite() or not 0 <= found < MOST or found != round(found, PLACES):
        return None
    return found


_WHEN = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?", re.I
)  # fmt: skip


def when(value: Any) -> datetime | None:
    """A date as published, in UTC; one without a zone counts as UTC. None for what cannot be read without guessing."""
    match = _WHEN.fullmatch(_text(value).strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    clock = f"{hour or '00'}:{minute or '00'}:{second or '00'}"
    shift = "+00:00" if zone in (None, "Z", "z") else zone if ":" in zone else f"{zone[:3]}:{zone[3:] or '00'}"
    try:
        return datetime.fromisoformat(f"{year}-{month}-{day}T{clock}{shift}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).replace("\0", "").encode("utf-8", "replace").decode()  # half a surrogate is no text


def read_bytes(found: Found, name: str, data: bytes) -> None:
    """The same of bytes."""
    read(found, name, io.BytesIO(data))
