"""`trading verify`: the proof, offline, from an archive alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading.cli.app import app, screen, t

if TYPE_CHECKING:
    from audit.report import Fault, Report, Step, Verification

MOST_SHOWN = 20
DRAW = 13
"""V13, the draw of the panel."""
MARKS = {"pass": "✓", "fail": "✗", "not in this edition": "–", "not reached": "·", "not checked by this version": "?"}


@app.command(help=t("help.verify"))
def verify(
    files: Annotated[list[Path], typer.Argument(help=t("help.verify.files"), exists=True, dir_okay=False)],
    policy: Annotated[Path | None, typer.Option(help=t("help.policy"), exists=True, dir_okay=False)] = None,
    parties: Annotated[Path | None, typer.Option(help=t("help.parties"), exists=True, dir_okay=False)] = None,
    since: Annotated[Path | None, typer.Option(help=t("help.verify.since"), exists=True, dir_okay=False)] = None,
    receipt: Annotated[list[Path] | None, typer.Option(help=t("help.verify.receipt"), exists=True)] = None,
    ledger: Annotated[Path | None, typer.Option(help=t("help.verify.ledger"), exists=True, dir_okay=False)] = None,
    pdf: Annotated[Path | None, typer.Option(help=t("help.verify.pdf"), dir_okay=False)] = None,
) -> None:
    """Every step of log.md §8, whose keys are trusted first; exit 3 when one does not hold."""
    from trading.verify import verify as run

    if (policy is None) != (parties is None):
        raise typer.BadParameter(screen().text("verify.both"))
    lines = None
    if ledger is not None:
        from trading.verify_ledger import published

        lines = published(ledger.name, ledger.read_bytes())
    found = run(files, policy=policy, parties=parties, since=since, receipts=tuple(receipt or ()), ledger=lines)
    for report in found.reports:
        _print(report)
    if lines is not None and (unlooked := lines.lines.keys() - {report.tender for report in found.reports}):
        screen().say("verify.ledger.unlooked", count=len(unlooked))
    if pdf is not None:
        _paper(found, files, pdf)
    screen().result({"exit": found.exit, "archives": [_plain(report) for report in found.reports]})
    if found.exit:
        raise typer.Exit(found.exit)


def _paper(found: Verification, files: list[Path], to: Path) -> None:
    """The findings as a paper, whatever they are: one that fails is worth holding too."""
    from audit.canon import sha256_hex
    from trading.paper.press import Mark
    from trading.paper.verifications import verification_report

    hashes = []
    for path in files:
        with path.open("rb") as file:
            hashes.append(hashlib.file_digest(file, "sha256").hexdigest())
    told = [_plain(report) | {"file": digest} for report, digest in zip(found.reports, hashes, strict=True)]
    mark = Mark(sha256_hex(json.dumps(told, ensure_ascii=False, sort_keys=True).encode()), "verification")
    data = verification_report(found, mark, datetime.now(UTC), hashes=hashes, said=said, sentence=sentence)
    to.write_bytes(data)
    screen().say("paper.written", path=str(to), sha256=sha256_hex(data))


def _print(report: Report) -> None:
    out = screen()
    out.line()
    out.line(f"{report.path}" + (f"  {report.tender}  {report.edition}" if report.tender else ""))
    out.say("verify.trusted" if report.trusted else "verify.untrusted")
    for key in report.keys:
        out.line(f"    {key}")
    for step in report.steps:
        status = str(step.status)
        out.line(f"  {MARKS[status]} {step.code:<4} {out.text(step.code)}  {out.text(said(step))}")
        for fault in step.faults[:MOST_SHOWN]:
            out.line(f"        ✗ {fault.at}: {sentence(fault)}")
        if len(step.faults) > MOST_SHOWN:
            out.say("verify.more", count=len(step.faults) - MOST_SHOWN)
        for note in step.notes[:MOST_SHOWN]:
            out.line(f"        · {note.at}: {sentence(note)}")
    failed = report.failed
    if failed is None:
        out.say("verify.holds" if report.trusted else "verify.holds.untrusted", size=report.size)
    else:
        out.say("verify.fails", step=failed.code, at=(failed.faults[0].at if failed.faults else "") or report.path)


def said(step: Step) -> str:
    """The code of what is said of a step's status: of a draw that nobody made, that no panel was drawn."""
    if step.number == DRAW and step.status.name == "ABSENT":
        return "verify.no-panel"
    return f"verify.{step.status.name.lower()}"


def sentence(fault: Fault, lang: str = "") -> str:
    """What a fault says, in a language or in that of the screen."""
    from trading.law.rules import RULES
    from trading.messages import say

    lang = lang or screen().lang

    facts = " ".join(f"{name}={value}" for name, value in fault.facts.items())
    told = f"{fault.code}  {say(fault.code, lang, **fault.facts)}"
    if (rule := RULES.get(str(fault.facts.get("rule", "")))) is not None:  # a rule's code alone tells a reader nothing
        told += f"  {rule.article.cite(lang)} {rule.sentence(lang)}"
    return told + (f"  [{facts}]" if facts else "")


def _plain(report: Report) -> dict[str, Any]:
    def points(found: Iterable[Fault]) -> list[dict[str, Any]]:
        return [{"at": one.at, "code": one.code, "facts": dict(one.facts)} for one in found]

    return {
        "file": str(report.path),
        "tender": report.tender,
        "edition": report.edition,
        "origin": report.origin,
        "size": report.size,
        "trusted": report.trusted,
        "keys": list(report.keys),
        "exit": report.exit,
        "failed": report.failed.code if report.failed else None,
        "steps": [
            {"step": s.code, "status": str(s.status), "faults": points(s.faults), "notes": points(s.notes)}
            for s in report.steps
        ],
    }
