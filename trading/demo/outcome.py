"""What came out: the table a newcomer reads, and the offline proof behind every line of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from trading.cli.screen import OK, PROOF_FAILED, Screen
from trading.demo.market import Run
from trading.law.money import render
from trading.law.regimes import SELL


@dataclass(frozen=True)
class Proof:
    """What `trading verify` said of one archive: exit code, and the first step that failed ("" for none)."""

    name: str
    code: int
    step: str


def verify_all(runs: Sequence[Run], target: Path) -> list[Proof]:
    """Verify every archive under `target/trust`, each with its tender's receipts, on two cores."""
    work = [
        (
            target / f"{run.tender}.{edition}.zip",
            target / "trust",
            sorted((target / "receipts" / run.tender).rglob("*.json")),
        )
        for run in runs
        for edition in ("public", "supervision")
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_verify, work))


def _verify(work: tuple[Path, Path, list[Path]]) -> Proof:
    from trading.verify import verify

    path, trust, receipts = work
    found = verify([path], policy=trust / "policy.txt", parties=trust / "parties.txt", receipts=receipts)
    failed = found.reports[0].failed
    return Proof(path.name, found.exit, failed.code if failed else "")


def show(screen: Screen, runs: Sequence[Run], proofs: Sequence[Proof], seconds: float) -> int:
    """Print the table and the sums per currency; the exit code says whether every archive verified."""
    verified = defaultdict(list)
    for proof in proofs:
        verified[proof.name.rsplit(".", 2)[0]].append(proof)
    rows, machine = [], []
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    directions: dict[tuple[str, str], str] = {}
    for run in runs:
        award = run.outcome.get("award") or {}
        bids = run.outcome.get("bids") or []
        verdicts = sorted({verdict for bid in bids for verdict in bid["verdicts"].values()})
        held = all(proof.code == OK for proof in verified[run.tender])
        verdict = "demo.unarchived" if not verified[run.tender] else "demo.verified" if held else "demo.unverified"
        if award:
            directions[award["currency"], run.regime] = run.direction
            total = sums[award["currency"], run.regime]
            total[0] += 1
            total[1] += award["price"]
            total[2] += award["gain"]
        rows.append(
            (
                run.source.title[:28],
                screen.text(f"demo.regime.{run.regime}"),
                str(len(run.source.bids)),
                " ".join(verdicts) or screen.text("demo.shut"),
                screen.text(f"demo.end.{_end(run)}"),
                _money(award, "price", screen.lang),
                _money(award, "gain", screen.lang),
                screen.text(verdict),
            )
        )
        machine.append(
            {
                "tender": run.tender,
                "ocid": run.source.ocid,
                "regime": run.regime,
                "bids": len(run.source.bids),
                "opened": bool(run.outcome.get("opens")),
                "verdicts": verdicts,
                "way": run.way.name,
                "end": _end(run),
                "award": award or None,
                "verified": bool(verified[run.tender]) and held,
                "notes": [{"code": note.code, "who": note.who} for note in run.source.notes],
            }
        )
    heads = [
        "demo.tender", "demo.regime", "demo.bids", "demo.verdicts", "demo.end", "demo.award", "demo.gain", "demo.proof",
    ]  # fmt: skip
    screen.line()
    screen.table(heads, rows, right=frozenset({2, 5, 6}))
    noted: dict[str, list[str]] = defaultdict(list)
    for ocid, note in dict.fromkeys((run.source.ocid, note) for run in runs for note in run.source.notes):
        noted[screen.text(note.code, who=note.who)].append(ocid)
    for sentence, ocids in noted.items():
        screen.line(f"  ! {sentence}: {ocids[0] if len(ocids) == 1 else len(ocids)}")
    screen.line()
    for (currency, regime), (trades, price, gain) in sums.items():
        screen.say(
            "demo.sum.sell" if directions[currency, regime] == SELL else "demo.sum.buy",
            regime=screen.text(f"demo.regime.{regime}"),
            trades=trades,
            price=render(price, currency, screen.lang),
            gain=render(gain, currency, screen.lang),
        )
    bad = [proof for proof in proofs if proof.code != OK]
    for proof in bad:
        screen.say("demo.fails", name=proof.name, step=proof.step)
    screen.say("demo.seconds", seconds=f"{seconds:.1f}", archives=len(proofs))
    totals = [
        {"currency": currency, "regime": regime, "trades": trades, "price": price, "gain": gain}
        for (currency, regime), (trades, price, gain) in sorted(sums.items())
    ]
    screen.result({"tenders": machine, "sums": totals, "seconds": round(seconds, 1), "verified": not bad})
    return PROOF_FAILED if bad else OK


def _money(award: dict[str, object], what: str, lang: str) -> str:
    return render(int(str(award[what])), str(award["currency"]), lang) if award else "—"


def _end(run: Run) -> str:
    """How it ended: awarded, failed (opened, and nobody won), shut (too few bidders) or terminated."""
    if run.outcome.get("award"):
        return "awarded"
    if not run.way.announced or run.way.ended:
        return "terminated"
    return "failed" if run.outcome.get("opens") else "shut"
