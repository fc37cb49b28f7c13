"""Papers, documents, questions, securities, bans: what happens around a tender before its bids are opened, and after."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import quote

from starlette.responses import FileResponse

from trading import bans, documents, papers, questions, securities
from trading.law.article import Article
from trading.messages import EN
from trading.web import models as m
from trading.web import models_preparation as p
from trading.web.api import Answer, Call, operation

# ------------------------------------------------------------------------------------------------------------- papers


@operation("POST", "/papers", answer=p.Paper, status=201, limit=papers.LARGEST, raw=True)
async def keep_paper(call: Call) -> p.Paper:
    """Keep a paper: any bytes of any type, up to 200 MiB; its name is its SHA-256. A repetition is harmless."""
    header = call.request.headers
    length = header.get("content-length", "0")
    kept = await papers.keep(
        call.platform,
        call.caller,
        call.request.stream(),
        media=header.get("content-type", ""),
        length=int(length) if length.isdecimal() and len(length) < 19 else 0,
        digest=header.get("content-digest", ""),
    )
    return p.Paper(**kept)


@operation("GET", "/papers/{sha256}", media="application/octet-stream")
async def get_paper(call: Call) -> Answer:
    """A paper: anybody's once a public record names it, before that its keeper's. Who reads it is written down nowhere."""
    found = await papers.read(call.platform, call.caller, call.path["sha256"])
    headers = {
        "Content-Disposition": _attachment(found.name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "ETag": f'"{call.path["sha256"]}"',
        # the file's own time would tell its keeper that somebody else has brought the same bytes since
        "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
    }
    return Answer(response=FileResponse(found.path, media_type=found.media, headers=headers))


def _attachment(name: str) -> str:
    """Always to be saved, never shown by the browser of our own address (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


# ---------------------------------------------------------------------------------------------------------- documents


@operation("GET", "/tenders/{tender}/documents", answer=p.DocumentSets)
async def list_documents(call: Call) -> p.DocumentSets:
    """Every set of documents of a tender, the newest first, with the hashes of its files."""
    return p.DocumentSets(items=[p.DocumentSet(**one) for one in await documents.sets(call.path["tender"])])


@operation("POST", "/tenders/{tender}/amendments", body=p.NewAmendment, answer=p.Amendment, status=201)
async def amend_documents(call: Call) -> p.Amendment:
    """Amend the documents; where the law asks for it, the deadline moves in the same act. Sealed bids stay valid."""
    new = call.taken(p.NewAmendment)
    made = await documents.amend(
        call.platform, call.caller, call.path["tender"], files=new.files, affects=new.affects, reason=new.reason
    )
    article = made.pop("article")
    cited = article.cite(EN if call.lang == EN else "zh-CN") if isinstance(article, Article) else None
    return p.Amendment(**made, article=cited)


# ---------------------------------------------------------------------------------------------------------- questions


@operation("GET", "/tenders/{tender}/questions", answer=p.Questions)
async def list_questions(call: Call) -> p.Questions:
    """Answered questions; to the tenderee also those that wait, without asker or hour; to a bidder its own."""
    tender, place, caller = call.path["tender"], call.ground, call.caller
    told = [p.Question(**one) for one in await questions.answered(tender)]
    if caller.role == "bidder":
        return p.Questions(answered=told, own=[p.Question(**one) for one in await questions.own(caller, tender)])
    if caller.role in ("tenderee", "agency") and place is not None and place.owned_by(caller):
        return p.Questions(answered=told, pending=[p.Question(**one) for one in await questions.pending(tender)])
    return p.Questions(answered=told)


@operation("POST", "/tenders/{tender}/questions", body=p.NewQuestion, answer=p.AskedQuestion, status=201)
async def ask_question(call: Call) -> p.AskedQuestion:
    """Ask about the documents; only the receipt tells who asked, and only the asker has it."""
    asked = await questions.ask(call.platform, call.caller, call.path["tender"], call.taken(p.NewQuestion).text)
    return p.AskedQuestion(question=asked["question"], receipt=m.Receipt(**asked["receipt"]))


@operation(
    "POST", "/tenders/{tender}/questions/{question}/answer", body=p.NewQuestionAnswer, answer=m.Recorded, status=201
)
async def answer_question(call: Call) -> m.Recorded:
    """Answer a question, to all."""
    new = call.taken(p.NewQuestionAnswer)
    tender, question = call.path["tender"], call.path["question"]
    made = await questions.answer(call.caller, tender, question, answer=new.answer, text=new.text, documents=new.set)
    return m.Recorded(**made)


# --------------------------------------------------------------------------------------------------------- securities


@operation("GET", "/tenders/{tender}/securities", answer=p.Securities)
async def list_securities(call: Call) -> p.Securities:
    """A bidder's own line; every line for tenderee, operator and supervisor once the tender is opened, not before."""
    tender = call.path["tender"]
    if call.caller.role == "bidder":
        return p.Securities.model_validate(await securities.own(call.platform, call.caller, tender))
    return p.Securities.model_validate({"items": await securities.ledger(call.caller, tender)})


@operation("POST", "/tenders/{tender}/securities", body=p.NewSecurity, answer=p.ReceivedSecurity, status=201)
async def receive_security(call: Call) -> p.ReceivedSecurity:
    """Note the bid security the caller paid; sealed until the opening."""
    new = call.taken(p.NewSecurity)
    made = await securities.receive(call.platform, call.caller, call.path["tender"], **new.model_dump())
    return p.ReceivedSecurity.model_validate(made)


@operation("POST", "/tenders/{tender}/securities/returns", body=p.NewReturn, answer=m.Recorded, status=201)
async def return_security(call: Call) -> m.Recorded:
    """Note that security went back with its interest, or was forfeited."""
    new = call.taken(p.NewReturn)
    given = new.model_dump(exclude={"rate"})
    rate = Decimal(new.rate) if new.rate is not None else None
    return m.Recorded(**await securities.give_back(call.caller, call.path["tender"], **given, rate=rate))


@operation("POST", "/tenders/{tender}/securities/settlement", answer=p.SettledSecurities, status=201)
async def settle_securities(call: Call) -> p.SettledSecurities:
    """Settle the securities: every fen that came in has gone back or was forfeited."""
    return p.SettledSecurities(**await securities.settle(call.caller, call.path["tender"]))


# --------------------------------------------------------------------------------------------------------------- bans


@operation("POST", "/bans", body=p.NewBan, answer=p.Ban, status=201)
async def impose_ban(call: Call) -> p.Ban:
    """Ban an organisation from the market by a decision."""
    new = call.taken(p.NewBan)
    made = await bans.impose(
        call.caller,
        organisation=new.organisation,
        decision=new.decision,
        body=new.body,
        start=new.from_,
        until=new.until,
        grounds=new.grounds,
        appeal=new.appeal,
    )
    return p.Ban(**made)


@operation("GET", "/bans", query=m.Page, answer=p.Bans)
async def list_bans(call: Call) -> p.Bans:
    """Every ban for a supervisor, their own for an organisation."""
    items, following = await bans.listed(call.caller, call.page.cursor, call.page.limit)
    return p.Bans(items=[p.Ban(**one) for one in items], next=following)


@operation("POST", "/bans/{ban}/lift", body=p.NewLift, answer=p.Ban)
async def lift_ban(call: Call) -> p.Ban:
    """Lift a ban by another decision."""
    return p.Ban(**await bans.lift(call.caller, call.path["ban"], call.taken(p.NewLift).decision))


@operation("POST", "/agent-errors", body=p.NewAgentError, answer=p.AgentError, status=201)
async def register_agent_error(call: Call) -> p.AgentError:
    """Enter an agency's error; with `until` it may not act as an agent until then."""
    return p.AgentError(**await bans.register_error(call.caller, **call.taken(p.NewAgentError).model_dump()))


@operation("GET", "/agent-errors", query=m.Page, answer=p.AgentErrors)
async def list_agent_errors(call: Call) -> p.AgentErrors:
    """The register for a supervisor, its own lines for an agency."""
    items, following = await bans.errors(call.caller, call.page.cursor, call.page.limit)
    return p.AgentErrors(items=[p.AgentError(**one) for one in items], next=following)
