"""One page for one reader: the frame every page has, and what is refused told as a page.

What stands above and below a page is the same for everybody who reads alike, so it is set once for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape
from jinja2.ext import Extension
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from audit.refusal import Refused
from trading import tenders
from trading.messages import EN, ZH, language, negotiate, say
from trading.settings import Settings
from trading.web import problems
from trading.web.reader import READERS, Reader, bare, brief, clock_of, plainly

STEPS = ("announced", "closed", "opened", "ranked", "awarded", "contracted", "archived")
REACHED = {
    "announced": 1, "closed": 2, "shut": 2, "opened": 3, "ranked": 4, "awarded": 5, "contracted": 6, "archived": 7,
    "failed": 3, "terminated": 1,
}  # fmt: skip
SECTIONS = {
    **dict.fromkeys(("/",), "projects"),
    **dict.fromkeys(("/ledger", "/statements", "/trade-lines", "/imported"), "ledger"),
    **dict.fromkeys(("/proof", "/verify", "/why", "/log"), "proof"),
}
"""Pages by the part of the site they belong to; pages of one project or tender belong to the projects."""
FOOT = {
    "/help": "help.nav", "/why": "why.nav", "/log": "log.nav", "/status": "status.nav", "/open-data": "opendata.nav",
    "/offline": "offline.nav", "/accessibility": "accessibility.nav",
}  # fmt: skip
"""What stands below every page, and its name."""

_SAID = re.compile(r"""\{\{ t\((["'])([\w.:-]+)\1\) \}\}""")


class _Sayings(Extension):
    """What a page says whoever reads it is written into its template once, when that is read, in the template's language:
    `{{ t("code") }}` with no facts. All else is said when the page is shown."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Called by Jinja with a template's text."""

        def written(found: re.Match[str]) -> str:
            told = str(escape(READERS[str(self.environment.globals["lang"]), False].text(found[2])))
            return found[0] if "{" in told or "#}" in told or "%}" in told else told

        return _SAID.sub(written, source)


def _environment(lang: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {
        "lang": lang, "plainly": plainly, "brief": brief, "bare": bare, "clock_of": clock_of, "steps": STEPS,
        "reached": REACHED, "colon": ": " if lang == EN else "：",
    }  # fmt: skip
    made.add_extension(_Sayings)
    return made


_ENVIRONMENTS = {lang: _environment(lang) for lang in (ZH, EN)}


def template(reader: Reader, name: str) -> Template:
    """A template as this reader reads it."""
    return _ENVIRONMENTS[reader.lang].get_template(name)


def by_person(request: Request) -> bool:
    """Whether a browser's window shows the answer: what is refused there is told as a page, with a way back."""
    return "text/html" in request.headers.get("accept", "")


class Screen(Reader):
    """One page for one reader: language, log time, and how values are written."""

    def __init__(self, request: Request, configured: Settings) -> None:
        asked = request.query_params.get("lang")
        chosen = asked in ("zh", "zh-CN", "en")
        lang = language(asked or "") if chosen else negotiate(request.headers.get("accept-language"))
        super().__init__(lang, chosen)
        self.reader = READERS[lang, chosen]
        self.request = request
        self.settings = configured
        self.now: datetime | None = None

    async def prepare(self) -> None:
        """Read the log's clock."""
        self.now = await tenders.log_time()

    def show(self, page: str, /, status: int = 200, **context: Any) -> Response:
        """Render a template."""
        path = self.request.url.path
        text = template(self, page).render(
            _words(self.reader),
            path=path,
            switch=self.switch,
            now=self.now,
            origin=self.settings.origin,
            opening=_opening(self.reader, _section(path), _desk_of(context), self._demo, self._guide),
            closing=_closing(self.reader, path if path in FOOT else ""),
            **context,
        )
        headers = {
            "Content-Language": self.lang,
            "Vary": "Accept-Language",
            "Cache-Control": "no-cache",
        }
        return Response(text, status, headers, "text/html")

    def part(self, page: str, /, **context: Any) -> str:
        """A part of a page, as the page itself includes it."""
        return template(self, page).render(_words(self.reader), **context)

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

    @property
    def _demo(self) -> str:
        """The origin of a demonstration; "" of a platform at work."""
        return self.settings.origin if self.settings.origin.startswith("demo.") else ""

    @property
    def _guide(self) -> str:
        """Where a guided demonstration begins, by the address at which one click lets in; "" of every other."""
        return f"{self.settings.base_url}/demo" if self.settings.demo else ""


def _section(path: str) -> str:
    if path.startswith(("/p/", "/t/")):
        return "projects"
    return "desk" if path.startswith("/b") else SECTIONS.get(path, "")


def _desk_of(context: Mapping[str, Any]) -> str:
    """Whose desk stands in the navigation: that of the role somebody is signed in with."""
    visit = context.get("visit")
    return visit.caller.role if visit is not None and visit.caller.role == "bidder" else ""


@lru_cache
def _words(reader: Reader) -> dict[str, Any]:
    """What every template may say to this reader."""
    names = (
        "link", "money", "offer", "phrase", "unit", "wan", "headline", "in_words", "named", "act", "cited", "derivation",
        "time", "until",
    )  # fmt: skip
    return {
        **{name: getattr(reader, name) for name in names},
        "t": reader.text,
        "lang": reader.lang,
        "chosen_lang": ("en" if reader.lang == EN else "zh") if reader.chosen else "",
        "other": EN if reader.lang == ZH else ZH,
    }


@lru_cache(maxsize=128)
def _opening(reader: Reader, section: str, desk: str, demo: str, guide: str) -> Markup:
    """The top of a page down to its navigation."""
    told = template(reader, "frame_opening.html").render(
        _words(reader), section=section, desk=desk, demo=demo, guide=guide
    )
    return Markup(told)


@lru_cache(maxsize=128)
def _closing(reader: Reader, path: str) -> Markup:
    """The foot of a page."""
    return Markup(template(reader, "frame_closing.html").render(_words(reader), path=path, foot=FOOT))


@lru_cache(maxsize=128)
def chip(reader: Reader, state: str) -> Markup:
    """A state as lists show it: one of a dozen."""
    module: Any = template(reader, "state.html").module
    return Markup(module.chip(reader.text, state))
