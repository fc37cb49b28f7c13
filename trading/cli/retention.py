"""`trading retention`: how long files are kept, whose data are only stored, and the zip for the archive office."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from trading.cli.app import group, screen, t
from trading.cli.service import Data, settings

retention = group("retention")
Tender = Annotated[str, typer.Argument(help=t("help.tender"))]


def _asked(data: Path | None, ask: Callable[[Any], Awaitable[Any]]) -> Any:
    from trading import holidays
    from trading.postgres import connected, running

    chosen = settings(data)
    holidays.know(chosen.data)

    async def run() -> Any:
        async with connected(chosen):
            return await ask(chosen)

    with running(chosen):
        return asyncio.run(run())


@retention.command("terms", help=t("help.retention.terms"))
def terms() -> None:
    """What is kept, how long, and under which article."""
    from trading.law import rules
    from trading.law.retention import TERMS
    from trading.messages import unit

    found = [(material, rules.rule(id)) for material, ids in TERMS.items() for id in ids]
    for material, rule in found:
        mark = "" if rule.checked else screen().text("law.unchecked")
        what = screen().text(f"retention.{material}")
        term = f"{rule.value} {unit(rule.unit, screen().lang)}"
        screen().line(f"{rule.id:<6} {what}  {term}  {rule.article.cite(screen().lang)} {mark}".rstrip())
    screen().result({"terms": [{"material": material, **rule.plain()} for material, rule in found]})


@retention.command("check", help=t("help.retention.check"))
def check(
    tender: Tender,
    approval: Annotated[str, typer.Option(help=t("help.retention.approval"))] = "",
    data: Data = None,
) -> None:
    """Whether a tender's files may be destroyed; exit 1 while they may not. Nothing is destroyed."""
    from trading import retention as keeping

    found = _asked(data, lambda _: keeping.check(tender, approval))
    screen().say("retention.over", tender=tender, until=found.kept.last_day if found.kept else "")
    screen().result({"tender": tender, "may_be_destroyed": True, "approval": approval})


@retention.command("restrict", help=t("help.retention.restrict"))
def restrict(person: Annotated[str, typer.Argument(help=t("help.retention.person"))], data: Data = None) -> None:
    """Store a person's data and do nothing else with them, because deletion was asked for."""
    from trading import retention as keeping

    made = _asked(data, lambda _: keeping.restrict(person))
    screen().say("retention.restricted", person=person)
    screen().result({"person": person, "asked_at": made["asked_at"].isoformat()})


@retention.command("export", help=t("help.retention.export"))
def export(
    tender: Tender,
    out: Annotated[Path, typer.Option(help=t("help.retention.out"))],
    data: Data = None,
) -> None:
    """Write the zip for the archive office and read it through once."""
    from trading import retention as keeping

    made = _asked(data, lambda chosen: keeping.export(chosen.archives_dir, chosen.origin, tender, out))
    count = keeping.check_export(out)
    screen().say("retention.exported", path=str(out), count=count)
    screen().result(made)


@retention.command("verify", help=t("help.retention.verify"))
def verify(path: Annotated[Path, typer.Argument(help=t("help.retention.zip"), exists=True, dir_okay=False)]) -> None:
    """Hold every file of an export against its list; exit 3 if one is not what the list says."""
    from trading import retention as keeping

    count = keeping.check_export(path)
    screen().say("retention.whole", path=str(path), count=count)
    screen().result({"path": str(path), "files": count})
