"""The public pages: every project, every tender's public record, the ledger, and how to check all of it.

Plain HTML from the server, nothing from another host: what a page says can be read by anything. No script either, but on
the one that checks archives (verify_page.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from audit.act import pool
from audit.refusal import Refused
from trading import (
    archiving,
    contracts,
    documents,
    imports,
    ledger,
    lives,
    logbook,
    publishing,
    questions,
    saleroom,
    tenders,
)
from trading.law.calendar import LEGAL_ZONE
from trading.law.gains import RATE, UNIT
from trading.law.history import CONTRACT_RULES
from trading.law.regimes import REGIMES
from trading.law.rules import RULES
from trading.law.stages import ARTICLES as STEPPED
from trading.messages import EN, ZH, language, negotiate, say, unit
from trading.paper import figures
from trading.settings import Settings
from trading.web import paper_pages, problems, public_pages, search_page, statement_pages, verify_page
from trading.web.sums import scaled

HERE = Path(__file__).parent
STEPS = ("announced", "closed", "opened", "ranked", "awarded", "contracted", "archived")
REACHED = {
    "announced": 1, "closed": 2, "shut": 2, "opened": 3, "ranked": 4, "awarded": 5, "contracted": 6, "archived": 7,
    "failed": 3, "terminated": 1,
}  # fmt: skip
SEALED = frozenset({"announced"})
WAN = 1_000_000
"""万元 in fen."""
ARTICLES = {str(one): one for one in (*STEPPED.values(), *(rule.article for rule in RULES.values()))}
"""Every article an agenda or a suspension can rest on, by its Chinese citation."""
COUNTED = re.compile(r"(\d+)(工作日|日|月|年|小时)")

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def routes(configured: Settings) -> list[BaseRoute]:
    """The pages and their style sheet."""

    def page(
        show: Callable[[Request, Screen], Any], *, file: bool = False, timed: bool = False
    ) -> Callable[[Request], Any]:
        """`file`: what is refused is a page to a person's browser alone, and a problem document to everybody else.
        `timed`: it reads the log's clock with its rows."""

        async def served(request: Request) -> Response:
            screen = Screen(request, configured)
            try:
                if not timed:
                    await screen.prepare()
                return await show(request, screen)  # type: ignore[no-any-return]
            except Refused as no:
                if file and "text/html" not in request.headers.get("accept", ""):
                    raise
                return screen.refuse(no)
            except HTTPException:
                raise

        return served

    return [
        Route("/", page(partial(_projects, sums=ledger.Sums()), timed=True)),
        Route("/search", page(search_page.found)),
        Route("/p/{project}", page(_project, timed=True)),
        Route("/t/{tender}", page(_tender)),
        Route("/t/{tender}/archive", _archive),
        Route("/t/{tender}/papers/{kind}.pdf", page(paper_pages.of_tender, file=True)),
        Route("/ledger", page(_ledger)),
        Route("/statements", page(statement_pages.statement)),
        Route("/statements.{form}", page(statement_pages.file, file=True)),
        Route("/trade-lines", page(statement_pages.trades)),
        Route("/imported", page(_imported)),
        Route("/proof", page(_proof)),
        Route("/verify", page(verify_page.verify)),
        Route("/modules/{path:path}", verify_page.module),
        Route("/static/{name}", _static),
        *(Route(path, page(show)) for path, show in public_pages.shown(configured).items()),
    ]


class Screen:
    """One page for one reader: language, log time, and how values are written."""

    def __init__(self, request: Request, configured: Settings) -> None:
        asked = request.query_params.get("lang")
        self.request = request
        self.settings = configured
        self.chosen = asked in ("zh", "zh-CN", "en")
        self.lang = language(asked or "") if self.chosen else negotiate(request.headers.get("accept-language"))
        self.now: datetime | None = None

    async def prepare(self) -> None:
        """Read the log's clock."""
        self.now = await tenders.log_time()

    def show(self, template: str, status: int = 200, **context: Any) -> Response:
        """Render a template."""
        text = _environment.get_template(template).render(
            t=self.text,
            lang=self.lang,
            chosen_lang=("en" if self.lang == EN else "zh") if self.chosen else "",
            other=EN if self.lang == ZH else ZH,
            path=self.request.url.path,
            link=self.link,
            switch=self.switch,
            money=self.money,
            offer=self.offer,
            phrase=self.phrase,
            unit=self.unit,
            wan=self.wan,
            headline=self.headline,
            in_words=self.in_words,
            named=self.named,
            act=self.act,
            cited=self.cited,
            derivation=self.derivation,
            plainly=plainly,
            time=self.time,
            until=self.until,
            now=self.now,
            brief=brief,
            bare=bare,
            origin=self.settings.origin,
            demo=self.settings.origin.startswith("demo."),
            guided=self.settings.base_url if self.settings.demo else "",
            steps=STEPS,
            reached=REACHED,
            **context,
        )
        headers = {
            "Content-Language": self.lang,
            "Vary": "Accept-Language",
            "Cache-Control": "no-cache",
        }
        return Response(text, status, headers, "text/html")

    def refuse(self, no: Refused) -> Response:
        """What a rule says no to, as a page."""
        status = 404 if no.code in ("W-UNKNOWN", "W-CURSOR") else problems.STATUS.get(no.code, 409)
        shown = self.show("problem.html", status, sentence=say(no.code, self.lang, **no.facts), code=no.code)
        if status == 503:
            shown.headers["Retry-After"] = "2"
        return shown

    @property
    def switch(self) -> str:
        """The same page in the other language: what was asked for stays asked."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != "lang"]
        return "?" + urlencode([*kept, ("lang", "en" if self.lang == ZH else "zh")])

    def outcome(self, row: Any) -> tuple[str, str, Markup]:
        """What a list says of a lot: its deadline, the price ("" while there is none), its state."""
        shut = row["opens"] is False and row["state"] != "terminated"
        price = "" if row["price"] is None else self.offer(row["price"], row["pricing"])
        return self.time(row["deadline"]), price, _chip("shut" if shut else row["state"], self.lang)

    def text(self, code: str, **facts: Any) -> str:
        """A sentence of the catalogue, `page.<code>`."""
        return say(f"page.{code}", self.lang, **facts)

    def phrase(self, code: str, **facts: Any) -> str:
        """A sentence of the catalogue that is not a page's own."""
        return say(code, self.lang, **facts)

    def link(self, path: str) -> str:
        """A path that keeps the language if the reader chose one here."""
        if not self.chosen:
            return path
        return f"{path}{'&' if '?' in path else '?'}lang={'en' if self.lang == EN else 'zh'}"

    def named(self, kind: str, code: str) -> str:
        """What a code of the log is called, `page.<kind>.<code>`; somebody's own word (a stage, a field) as it stands."""
        told = self.text(f"{kind}.{code}")
        return code if told == f"page.{kind}.{code}" else told

    def act(self, code: str) -> str:
        """An act as people call it."""
        told = self.named("act", code)
        return say(f"act: {code}", self.lang).removeprefix("act: ") if told == code else told

    def cited(self, article: str | None) -> str:
        """An article in the reader's language."""
        return ARTICLES[article].cite(self.lang) if article and article in ARTICLES else article or ""

    def derivation(self, counted: str) -> str:
        """How a period was counted (`Span`), its unit in the reader's language."""
        if self.lang == ZH:
            return counted
        return COUNTED.sub(lambda found: f"{found[1]} {unit(found[2], EN)}", counted)

    def unit(self, currency: str) -> str:
        """A currency as people write it: 元 for CNY; others by their code."""
        return self.named("money", currency)

    def money(self, fen: int | None, currency: str = "") -> str:
        """An amount in full precision, with its unit if its currency is given."""
        return money(fen, self.unit(currency) if currency else "")

    def offer(self, price: int | None, pricing: str | None, currency: str = "") -> str:
        """A price as its notice means it: an amount, one for a unit, or a rate (ten-thousandths)."""
        if pricing == RATE and price is not None:
            return f"{price // 100:,}.{price % 100:02d}%"
        told = self.money(price, currency)
        return f"{told} {self.text('pricing.per-unit')}" if pricing == UNIT and price is not None else told

    def wan(self, fen: int, currency: str) -> str:
        """Yuan in 万元, exactly, for sums of 10,000 元 and more; "" for others, and in English."""
        if self.lang != ZH or currency != "CNY" or abs(fen) < WAN:
            return ""
        return self.text("money.wan", amount=f"{Decimal(fen) / WAN:,.6f}".rstrip("0").rstrip("."))

    def headline(self, fen: int, currency: str) -> Markup:
        """A sum where it stands for itself: 10.41 亿元 with the exact value beneath, or the exact value alone."""
        amount, size = scaled(fen, self.lang) if currency == "CNY" else ("", "")
        if not amount:
            return Markup('{} <span class="unit">{}</span>').format(self.money(fen), self.unit(currency))
        exact, told = self.money(fen), self.text(f"sum.{size}")
        return Markup('<data value="{}">{} <span class="unit">{}</span></data>').format(
            exact.replace(",", ""), amount, told
        )

    def in_words(self, fen: int, currency: str) -> str:
        """大写金额, for pages in Chinese; "" in English and for other money than yuan."""
        return figures.amount(fen, currency)["words"] if self.lang == ZH else ""

    def time(self, value: datetime | str | None, seconds: bool = False) -> str:
        """An instant in the legal zone."""
        if value is None:
            return "—"
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return f"{moment.astimezone(LEGAL_ZONE):%Y-%m-%d %H:%M{':%S' if seconds else ''}}"

    def until(self, value: datetime) -> str:
        """A last moment: a day is over at 24:00 of itself (民法典第二百零三条), not at 00:00 of the next."""
        ends = self.time(value)
        if not ends.endswith(" 00:00"):
            return ends
        return f"{(value - timedelta(seconds=1)).astimezone(LEGAL_ZONE):%Y-%m-%d} 24:00"


@lru_cache
def _chip(state: str, lang: str) -> Markup:
    """A state as lists show it: one of a dozen, so it is set once."""
    module: Any = _environment.get_template("state.html").module
    return Markup(module.chip(lambda code: say(f"page.{code}", lang), state))


def money(fen: int | None, currency: str = "") -> str:
    """Whole fen in full precision: 5287000000 → 52,870,000.00."""
    if fen is None:
        return "—"
    whole, cents = divmod(abs(fen), 100)
    return f"{'−' if fen < 0 else ''}{whole:,}.{cents:02d}{' ' + currency if currency else ''}"


def exactly(amount: Decimal | None) -> str:
    """An amount of elsewhere, with as many decimals as it has and at least two."""
    if amount is None:
        return "—"
    return f"{amount:,.2f}" if amount == round(amount, 2) else f"{amount.normalize():,f}"


def plainly(value: Any) -> str:
    """A field of a record as its file has it: JSON, with words as they are."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def brief(digest: str | None) -> str:
    """A hash as people compare it: first and last groups of four."""
    if not digest:
        return "—"
    return f"{digest[:4]} {digest[4:8]} {digest[8:12]} … {digest[-4:]}"


def bare(tender: str) -> str:
    """A tender's id without its `@<size>`, as pages show it (envelope.md §1)."""
    return tender.rpartition("@")[0] or tender


async def _projects(request: Request, screen: Screen, sums: ledger.Sums) -> Response:
    cursor = request.query_params.get("cursor") or None
    listed = await tenders.list_lots(cursor, 30)
    screen.now = listed.now
    told = await sums.of(listed.newest) if cursor is None else ()
    rows = [
        (
            screen.link(f"/t/{r['tender']}"), r["title"], bare(r["tender"]), screen.link(f"/p/{r['project']}"),
            r["organisation_name"], _regime(r["regime"], screen.lang), *screen.outcome(r),
            "" if r["pricing"] == RATE else screen.unit(r["currency"]),
        )
        for r in listed.rows
    ]  # fmt: skip
    return screen.show("projects.html", rows=rows, following=listed.following, sums=told, first=cursor is None)


async def _project(request: Request, screen: Screen) -> Response:
    rows = await tenders.shown_project(request.path_params["project"])
    p = rows[0]
    screen.now = p["now"]
    lots = [
        (
            screen.link(f"/t/{r['tender']}"), r["lot_title"], bare(r["tender"]),
            screen.offer(r["baseline"], r["pricing"]),
            *screen.outcome(r),
        )
        for r in rows
    ]  # fmt: skip
    return screen.show("project.html", p=p, lots=lots, regime=_regime(p["regime"], screen.lang))


async def _tender(request: Request, screen: Screen) -> Response:
    t = await tenders.read_tender(request.path_params["tender"])
    if t["announced_at"] is None:
        raise Refused("W-UNKNOWN")
    p = await tenders.read_project(t["project"])
    kept = await logbook.public_of(t["id"])
    records = [_record(k) for k in kept]
    state = request.app.state
    printed = await publishing.shown(state.platform, state.printer, t["id"], kept, t["bids"] is not None)
    places = {r["type"]: r["index"] for r in records}
    reached = {r["type"]: r["time"] for r in records}
    ranks = {bid: place for place, bid in enumerate(t["ranking"] or [], 1)}
    bids = sorted(t["bids"] or [], key=lambda b: (ranks.get(b["bid"], 10_000), b["price"] or 2**62, b["bid"]))
    left: timedelta | None = t["deadline"] - t["now"] if t["state"] == "announced" else None
    coming = await lives.shown(t["id"])
    ended = next((r["value"] for r in records if r["type"] in ("tender-failed", "tender-terminated")), None)
    closings = [r for r in records if r["type"] == "closed"]
    releases = [r for r in records if r["type"] == "released"]
    return screen.show(
        "tender.html",
        t_=t,
        p=p,
        bids=bids,
        ranks=ranks,
        records=records,
        places=places,
        moments=reached,
        left=left,
        closings=closings,
        releases=releases,
        regime=_regime(t["regime"], screen.lang),
        step=REACHED[t["state"]],
        documents=await documents.sets(t["id"]),
        answered=await questions.answered(t["id"]),
        moves=[r for r in records if r["type"] == "deadline-moved"],
        unchecked=[RULES[rule] for rule in t["unchecked"] or [] if rule in RULES],
        contract=await contracts.of(t["id"]),
        contracting=any(REGIMES[t["regime"]].has(rule) for rule in CONTRACT_RULES),
        suspension=coming["suspension"],
        agenda=[due for due in coming["items"] if due["not_before"] or due["not_after"]],
        ended=ended,
        papers=printed,
        auction=await saleroom.found_of(t["id"]),
    )


def _record(kept: logbook.Kept) -> dict[str, Any]:
    value = kept.value
    return {
        "index": kept.index,
        "type": kept.type,
        "time": value["time"],
        "value": value,
        "stage": value.get("stage", ""),
        "actor": value["actor"],
    }


async def _archive(request: Request) -> Response:
    tender = request.path_params["tender"]
    path = await archiving.archive_file(request.app.state.platform, tender, "public")
    return FileResponse(path, media_type="application/zip", filename=f"{tender}.public.zip")


async def _ledger(request: Request, screen: Screen) -> Response:
    trades, following, sums = await ledger.trades(request.query_params.get("cursor") or None, 50)
    for trade in trades:
        trade["regime_name"] = _regime(trade["regime"], screen.lang)
    return screen.show("ledger.html", trades=trades, following=following, sums=sums)


async def _imported(request: Request, screen: Screen) -> Response:
    trades, following = await imports.listed(request.query_params.get("cursor") or None, 50)
    return screen.show(
        "imported.html", trades=trades, following=following, sums=await imports.sums(), exact=exactly
    )  # fmt: skip


async def _proof(request: Request, screen: Screen) -> Response:
    size = await pool().fetchval("SELECT max(size) FROM log_checkpoint")
    return screen.show("proof.html", size=size or 0, url=screen.settings.base_url)


def _regime(id_: str, lang: str) -> str:
    return REGIMES[id_].name(lang) if id_ in REGIMES else id_


_STATIC = {
    "site.css": "text/css; charset=utf-8",
    "desk.css": "text/css; charset=utf-8",
    "seal.svg": "image/svg+xml",
    "passkey.js": "text/javascript; charset=utf-8",
}


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        raise HTTPException(404)
    return FileResponse(HERE / "static" / name, media_type=_STATIC[name], headers={"Cache-Control": "max-age=3600"})
