"""From errors to RFC 9457 problem documents: the one place where `Refused` and `Broken` meet HTTP."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from audit.refusal import Broken, Refused
from trading import logs
from trading.law.article import Article
from trading.messages import EN, article_of, negotiate, say
from trading.web.models import RoleName
from trading.web.roles import Verdict, matrix

logger = logging.getLogger("trading.web")
security = logging.getLogger("trading.security")
NOTED = frozenset(
    {
        "W-TOKEN", "W-DENIED", "W-FORGED", "W-GUESSED", "W-LOCKED", "W-CROWD", "T-SIGNIN", "T-SECOND", "T-PASSKEY",
        "T-CLIENT-CERT", "T-NOBODY", "T-INVITATION", "T-SELF", "E-CALLBACK-FORGED",
    }
)  # fmt: skip
"""Refusals that leave a line (ASVS 16.3.1, 16.3.2): somebody was not let in, or wanted what his role may not."""

STATUS: Mapping[str, int] = {
    "W-TOKEN": 401,
    "W-SESSION": 401,
    "W-FRESH": 403,
    "W-FORGED": 403,
    "W-LOCKED": 429,
    "W-CROWD": 503,
    "W-STREAMS": 429,
    "T-SIGNIN": 401,
    "T-SECOND": 401,
    "T-PASSKEY": 401,
    "T-CLIENT-CERT": 401,
    "T-NOBODY": 403,
    "T-SIGNIN-HTTP": 403,
    "T-PASSWORD": 422,
    "T-PASSWORD-OLD": 422,
    "T-LOGIN": 422,
    "T-INVITATION": 404,
    "T-TWO": 403,
    "T-SELF": 403,
    "W-DENIED": 403,
    "W-UNKNOWN": 404,
    "W-METHOD": 405,
    "W-VERSION": 412,
    "W-SIZE": 413,
    "W-MEDIA": 415,
    "W-BODY": 422,
    "W-KEY-REUSED": 422,
    "W-IF-MATCH": 428,
    "W-CURSOR": 400,
    "E-CURSOR": 400,
    "E-LIMIT": 400,
    "W-KEY": 400,
    "W-OFTEN": 429,
    "W-GUESSED": 429,
    "W-UNREADY": 503,
    "W-RUNNING": 503,
    "W-BUSY": 503,
    "W-PRINTING": 503,
    "E-FULL": 507,
    "E-CANON": 400,
    "E-UPLOAD": 404,
    "E-TENDER": 404,
    "E-STATEMENT": 404,
    "E-EXPERT-UNKNOWN": 404,
    "E-FILE": 404,
    "E-SIZE": 413,
    "E-QUOTA": 413,
    "T-ORGANISATION": 422,
    "T-PERSON": 422,
    "T-COLLEAGUE": 422,
    "T-COLLEAGUE-NAME": 422,
    "T-CONFIRM-WORDS": 422,
    "T-ADDRESS": 422,
    "T-ADDRESS-CODE": 422,
    "T-ROLE": 422,
    "T-CODE": 422,
    "E-DRAFT": 413,
    "T-PAPER": 422,
    "T-PAPER-DIGEST": 422,
    "T-PAPER-FIELD": 400,
    "T-PAPER-SIZE": 413,
    "T-PAPER-QUOTA": 413,
    "T-DOCUMENTS": 422,
    "E-DRAW-NONE": 404,
    "E-DRAW-DRAFT": 404,
    "E-READING": 404,
    "E-DRAW-NEED": 422,
    "E-STATEMENT-PERIOD": 422,
    "E-LEDGER-REASON": 422,
    "E-LEDGER-STATUS": 422,
    "E-LEDGER-SAME": 422,
    "E-PRICING": 422,
    "E-PRICING-ESTIMATE": 422,
    "E-WINNERS": 422,
    "E-STATEMENT-BY": 422,
    "E-DRAW-PARTIES": 422,
    "E-DRAW-SPECIALTY": 422,
    "E-NONCE-FORM": 422,
    "E-READING-KEY": 422,
    "E-BANNED": 403,
    "E-BANNED-OPEN": 403,
    "E-AGENT": 403,
    "E-AGENT-SUSPENDED": 403,
}
"""Codes with a status of their own; every other refusal is 409: the request was understood, a rule says no."""

NO_STORE = {"Cache-Control": "no-store"}


def language(request: Request) -> str:
    """The reader's language, Chinese unless the header prefers English."""
    return negotiate(request.headers.get("accept-language"))


def problem(
    lang: str,
    code: str,
    *,
    status: int | None = None,
    article: object = None,
    facts: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    **extensions: Any,
) -> Response:
    """A problem document in the reader's language. Facts that are no JSON become text; bytes never leave."""
    number = status or STATUS.get(code, 409)
    shown = {k: _plain(v) for k, v in (facts or {}).items()}
    body: dict[str, Any] = {
        "type": f"urn:trading:problem:{code}",
        "title": code,
        "status": number,
        "detail": say(code, lang, **dict(facts or {})),
        "code": code,
        "article": article.cite(lang) if isinstance(article, Article) else str(article) if article else None,
        "facts": shown,
    }
    body.update(extensions)
    sent = {"Content-Language": EN if lang == EN else "zh-CN", "Vary": "Accept-Language", **NO_STORE}
    if number == 401 and code in ("W-TOKEN", "W-SESSION"):
        sent["WWW-Authenticate"] = "Bearer"
    if number in (429, 503):
        sent["Retry-After"] = "60" if number == 429 else "1"
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return Response(data, number, {**sent, **(headers or {})}, "application/problem+json")


def note(no: Refused) -> None:
    """A line for a refusal that tells of somebody at the wrong door: its code, the role, and the operation unless bidders
    may call it, for then the lines would count them. Never who, never of which tender."""
    if no.code not in NOTED:
        return
    said = [no.code]
    row = matrix().get(str(no.facts.get("operation", "")))
    if row is not None and row.judge(RoleName.BIDDER) is Verdict.DENY:
        said += [row.operation, str(no.facts.get("role", ""))]
    security.warning("refused: %s", " ".join(said))


def from_error(lang: str, error: Exception) -> Response:
    """The problem for whatever a handler raised; what we did not foresee says only where to look for it."""
    if isinstance(error, Refused):
        note(error)
        extensions = {}
        if receipt := getattr(error, "receipt", None):  # what makes the refusal of a bid provable (tendering.py)
            extensions["receipt"] = receipt
        if slip := getattr(error, "slip", None):  # or, of one that is not recorded, the signed slip
            extensions["slip"] = slip
        if errors := error.facts.get("errors"):
            extensions["errors"] = errors
        facts = {k: v for k, v in error.facts.items() if k != "errors"}
        headers = {"Allow": str(facts["allow"])} if error.code == "W-METHOD" else None
        return problem(lang, error.code, article=article_of(error), facts=facts, headers=headers, **extensions)
    trace = logs.trace()
    if isinstance(error, Broken):
        logger.error("broken %s", trace, exc_info=error)
        return problem(lang, "W-BROKEN", status=500, facts={"trace": trace, "kind": error.code})
    logger.error("unforeseen %s", trace, exc_info=error)
    return problem(lang, "W-FAULT", status=500, facts={"trace": trace})


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{len(value)} bytes"
    return str(value)
