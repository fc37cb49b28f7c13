"""The expert's tool: one directory is one seat. It holds key, nonce and drafts, and signs all that the seat says.

    seat = Seat(Memory(directory), platform)
    seat.check_in(code)             key made here, proved, kept; then the token
    seat.declare(conflict=False)
    seat.bids(into)                 what lies before the seat, its documents
    seat.template() → seat.keep(scores)   checked as the platform will, kept, autosaved encrypted
    seat.commit(); seat.reveal()
    seat.report(); seat.answer("signed")

The nonce is on the disk before the commitment leaves: a tool that dies in between can still reveal. Nothing of the scores
leaves this machine before the reveal but a hash, and an autosave that only the seat's key reads.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from audit.canon import b64, canon, parse_object, sha256_hex, unb64
from audit.refusal import Refused
from audit.signature import Ed25519Signer
from experts import scoring
from experts.draw import SECRET, draw_ctx, score_commit
from experts.scoring import Scale
from trading.client import PREFIX, Platform
from trading.law.methods import Sheet
from trading.tools.memory import Memory
from trading.trade_file import cell

KEY, PLACE, SCORES, NONCE, SHEET = "seat.key", "seat.json", "scores.json", "nonce", "sheet.json"
COLUMNS = ("label", "criterion", "points", "reason")
_DRAFT = b"trading/seat-draft/v1\0"


@dataclass(frozen=True)
class Mark:
    """What a seat gives one bid for one thing that is rated, and why, where it is extreme or the member wishes to say."""

    label: str
    criterion: str
    points: str
    reason: str = ""


class Seat:
    """A seat at one platform. Every method raises `Answered` for what the platform refuses."""

    def __init__(self, memory: Memory, platform: Platform) -> None:
        self.memory = memory
        self.platform = platform
        if (kept := memory.get(PLACE)) is not None:
            platform.authorize(str(parse_object(kept)["token"]))

    # -- who it is ----------------------------------------------------------------------------------------------------

    @property
    def place(self) -> dict[str, Any]:
        """What the check-in told: tender, draw, attempt, seat, leaf. Refused: T-SEAT-STATE before it."""
        return parse_object(self._kept(PLACE))

    @property
    def signer(self) -> Ed25519Signer:
        """The seat's key. Refused: T-SEAT-STATE."""
        return Ed25519Signer.from_seed(self._kept(KEY))

    def _kept(self, name: str) -> bytes:
        data = self.memory.get(name)
        if data is None:
            raise Refused("T-SEAT-STATE", why=f"no {name}")
        return data

    def _sign(self, what: str, **fields: Any) -> list[dict[str, Any]]:
        place = self.place
        whole = {"draw": place["draw"], "seat": place["seat"], **fields}
        return [self.signer.sign(scoring.seat_bytes(what, place["tender"], **whole))]

    def check_in(self, code: str) -> dict[str, Any]:
        """Take the seat that a code is for. The key is kept first; a repetition after a lost answer needs a new code."""
        seed = secrets.token_bytes(32)
        signer = Ed25519Signer.from_seed(seed)
        self.memory.put(KEY, seed)
        body = {"code": code, "key": b64(signer.key), "sig": [signer.sign(scoring.check_in_bytes(code, signer.key))]}
        told = dict(self.platform.post("/panel/check-in", body))
        self.memory.put(PLACE, canon(told))
        self.platform.authorize(str(told["token"]))
        return {name: value for name, value in told.items() if name != "token"}

    def desk(self) -> dict[str, Any]:
        """What the seat is there for and how far the panel is."""
        return dict(self.platform.get("/panel"))

    def declare(self, *, conflict: bool) -> dict[str, Any]:
        """Say whether there is a conflict of interest: before everything else."""
        place = self.place
        sig = self._sign("conflict-declared", attempt=place["attempt"], leaf=place["leaf"], conflict=conflict)
        return dict(self.platform.post("/panel/declaration", {"conflict": conflict, "sig": sig}))

    def ask_time(self) -> dict[str, Any]:
        """Ask for more time."""
        sig = self._sign("extension-asked", round=self.desk()["round"])
        return dict(self.platform.post("/panel/extension", {"sig": sig}))

    # -- what is rated ------------------------------------------------------------------------------------------------

    def bids(self, into: Path | None = None) -> dict[str, Any]:
        """The opened bids; with `into` their documents too, a directory for each label."""
        told = dict(self.platform.get("/panel/bids"))
        for one in told["items"] if into is not None else ():
            for file in one["documents"]:
                folder = Path(into or ".") / one["label"]
                folder.mkdir(parents=True, exist_ok=True)
                name = f"{file['n']}-{Path(file['name']).name}"  # two stages may name their files alike
                path = f"{PREFIX}/panel/bids/{one['label']}/documents/{file['n']}"
                self.platform.fetch(path, folder / name)
        return told

    def scales(self) -> dict[str, Scale]:
        """What is rated, and how much may be given."""
        return {one["id"]: Scale(Decimal(one["most"]), one["found"]) for one in self.desk()["rated"]}

    def template(self) -> list[Mark]:
        """An empty mark for everything there is to rate."""
        names = [one["id"] for one in self.desk()["rated"]]
        standing = [one["label"] for one in self.bids()["items"] if one["standing"]]
        return [Mark(label, name, "") for label in standing for name in names]

    def keep(self, marks: list[Mark]) -> int:
        """Check scores as the platform will when they are revealed, and keep them, here and as its autosave; how many bids
        they rate.

        Refused: T-SCORES-FILE, E-SHEET-POINTS, E-SCORE-REASON.
        """
        wanted = {(one.label, one.criterion) for one in self.template()}
        given = {(one.label, one.criterion) for one in marks}
        if lacking := sorted(wanted - given):
            raise Refused("T-SCORES-FILE", why="no mark for {} {}".format(*lacking[0]))
        if len(given) != len(marks):
            raise Refused("T-SCORES-FILE", why="a mark stands there twice")
        sheet, reasons = self._papers(marks)
        scales = self.scales()
        for bid, points in sheet.points.items():
            for name, mark in points.items():
                if name not in scales:
                    raise Refused("T-SCORES-FILE", why=f"{name} is not rated")
                if mark > scales[name].most:
                    raise Refused("E-SHEET-POINTS", bid=bid, criterion=name, points=f"{mark:f}")
        scoring.check_reasons(sheet.points, scales, scoring.read_reasons(reasons, sheet.tender, sheet.seat))
        data = canon({"marks": [[one.label, one.criterion, one.points, one.reason] for one in marks]})
        self.memory.put(SCORES, data)
        body = {"data": b64(self._encrypted(data))}
        self.platform.request("PUT", f"{PREFIX}/panel/draft", json=body)
        return len(sheet.points)

    def kept(self) -> list[Mark]:
        """The scores kept last: here, else in the autosave. Refused: T-SEAT-STATE."""
        data = self.memory.get(SCORES)
        if data is None:
            found = self.platform.get("/panel/draft")["data"]
            if found is None:
                raise Refused("T-SEAT-STATE", why=f"no {SCORES}")
            data = self._decrypted(unb64(found))
        return [Mark(*one) for one in parse_object(data)["marks"]]

    def _papers(self, marks: list[Mark]) -> tuple[Sheet, bytes]:
        """The sheet and the paper of reasons that these marks make."""
        place = self.place
        bids = {one["label"]: one["bid"] for one in self.platform.get("/panel/labels")["items"]}
        rows: dict[str, dict[str, str]] = {}
        texts: dict[tuple[str, str], str] = {}
        for one in marks:
            if one.label not in bids:
                raise Refused("T-SCORES-FILE", why=f"no bid {one.label}")
            rows.setdefault(bids[one.label], {})[one.criterion] = one.points
            if one.reason.strip():
                texts[bids[one.label], one.criterion] = one.reason.strip()
        value = {
            "type": "trading.sheet/v1", "tender": place["tender"], "seat": place["seat"],
            "rows": [{"bid": bid, "points": points} for bid, points in sorted(rows.items())],
        }  # fmt: skip
        return Sheet.of(value), scoring.write_reasons(place["tender"], place["seat"], texts)

    # -- commit, reveal -----------------------------------------------------------------------------------------------

    def commit(self) -> str:
        """Commit to the scores kept; the commitment. Nonce and papers lie on the disk before it leaves."""
        place = self.place
        sheet, reasons = self._papers(self.kept())
        nonce = secrets.token_bytes(SECRET)
        self.memory.put(SHEET, canon({"sheet": b64(sheet.encoded()), "reasons": b64(reasons), "nonce": nonce.hex()}))
        ctx = draw_ctx(place["draw"], place["tender"])
        commitment = score_commit(ctx, place["seat"], nonce, sheet.encoded()).hex()
        body = {"commit": commitment, "sig": self._sign("scores-committed", commit=commitment)}
        self.platform.post("/panel/commitment", body)
        return commitment

    def reveal(self) -> dict[str, Any]:
        """Reveal what was committed to."""
        place, kept = self.place, parse_object(self._kept(SHEET))
        sheet, reasons = unb64(kept["sheet"]), unb64(kept["reasons"])
        signed = scoring.seat_bytes(
            "scores-entered", place["tender"], seat=place["seat"], sheet=sha256_hex(sheet),
            replaces=self.desk()["replaces"], reasons=sha256_hex(reasons), nonce=kept["nonce"],
        )  # fmt: skip
        body = {**kept, "sig": [self.signer.sign(signed)]}
        return dict(self.platform.post("/panel/scores", body))

    def scores(self) -> dict[str, Any]:
        """All seats' scores, deviations and outliers, once every seat has revealed."""
        return dict(self.platform.get("/panel/scores"))

    # -- the report ---------------------------------------------------------------------------------------------------

    def report(self) -> dict[str, Any]:
        """The report to be answered: its hash, value, and until when. Refused: E-REPORT-PAPER: not this tender's, not of
        this hash, or it does not name the sheet this seat revealed."""
        place = self.place
        told = self.platform.get("/panel/report")
        data = unb64(told["data"])
        value = scoring.read_report(data)
        mine: Mapping[str, Any] = next((one for one in value["seats"] if one["seat"] == place["seat"]), {})
        kept = self.memory.get(SHEET)
        sheet = None if kept is None else sha256_hex(unb64(parse_object(kept)["sheet"]))
        if sha256_hex(data) != told["report"] or value["tender"] != place["tender"] or mine.get("sheet") != sheet:
            raise Refused("E-REPORT-PAPER")
        return {"report": told["report"], "value": value, "answer_by": told["answer_by"], "answer": told["answer"]}

    def answer(self, word: str, reason: str | None = None) -> dict[str, Any]:
        """Sign the report (`signed`) or dissent (`dissent`, with the reason)."""
        report = self.report()["report"]
        hashed = None if reason is None else sha256_hex(reason.encode())
        sig = self._sign("report-answered", report=report, answer=word, reason=hashed)
        body = {"report": report, "answer": word, "reason": reason, "sig": sig}
        return dict(self.platform.post("/panel/report", body))

    # -- the autosave -------------------------------------------------------------------------------------------------

    def _cipher(self) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, None, _DRAFT).derive(self._kept(KEY)))

    def _encrypted(self, data: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + self._cipher().encrypt(nonce, data, _DRAFT)

    def _decrypted(self, data: bytes) -> bytes:
        try:
            return self._cipher().decrypt(data[:12], data[12:], _DRAFT)
        except InvalidTag:
            raise Refused("T-SEAT-STATE", why="the draft is of another key") from None


# ------------------------------------------------------------------------------------------------------ files of scores


def write_marks(path: Path, marks: list[Mark]) -> None:
    """Write a file of scores: `.csv` with the columns label, criterion, points, reason, else JSON rows of these.

    A criterion is a text of the tenderee's: in CSV none is a formula to the member's spreadsheet.
    """
    rows = [{"label": m.label, "criterion": m.criterion, "points": m.points, "reason": m.reason} for m in marks]
    if path.suffix.lower() == ".csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows({name: cell(text) for name, text in row.items()} for row in rows)
        path.write_text(out.getvalue(), encoding="utf-8-sig")
    else:
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_marks(path: Path) -> list[Mark]:
    """Read such a file. Refused: T-SCORES-FILE."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows: Any = (
            json.loads(text)
            if path.suffix.lower() != ".csv"
            else [{name: _bare(value) for name, value in row.items()} for row in csv.DictReader(io.StringIO(text))]
        )
        return [_mark(row) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused("T-SCORES-FILE", why="no rows of label, criterion, points, reason") from None


def _bare(value: Any) -> Any:
    """A cell without the apostrophe that `cell` put before it."""
    return value[1:] if isinstance(value, str) and value[:1] == "'" and cell(value[1:]) == value else value


def _mark(row: Mapping[str, Any]) -> Mark:
    label, criterion, points = (str(row[name]).strip() for name in COLUMNS[:3])
    return Mark(label, criterion, points, str(row.get("reason") or ""))
