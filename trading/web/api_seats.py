"""The expert's desk: everything a seat does, by the token of its check-in; the tenderee's representatives; who attended."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import FileResponse, Response

from audit.canon import unb64
from trading import panel_bids, panel_work, reports, score_sheets
from trading.web import models as m
from trading.web import models_seats as p
from trading.web import origin
from trading.web.api import LARGE, Answer, Call, operation

# ------------------------------------------------------------------------------------------------------------ check-in


@operation("POST", "/panel/check-in", body=p.NewCheckIn, answer=p.CheckedIn, status=201, keyed=False)
async def check_in(call: Call) -> p.CheckedIn:
    """Take a seat with a one-time code and a new key; whatever is wrong with a code, the answer is the same."""
    new = call.taken(p.NewCheckIn)
    device = origin.address(call.request, call.platform.settings)
    sig = [s.plain() for s in new.sig]
    return p.CheckedIn(**await panel_work.check_in(call.platform, device, new.code, unb64(new.key), sig))


@operation(
    "POST",
    "/tenders/{tender}/panel/representatives",
    body=p.NewInvitation,
    answer=p.Invitation,
    status=201,
    keyed=False,
)
async def invite_representative(call: Call) -> p.Invitation:
    """A check-in code for one of the tenderee's own seats; it is shown in this answer only."""
    seat = call.taken(p.NewInvitation).seat
    return p.Invitation(**await panel_work.invite(call.caller, call.path["tender"], seat))


# ------------------------------------------------------------------------------------------------------------- the desk


@operation("GET", "/panel", answer=p.Desk)
async def get_desk(call: Call) -> p.Desk:
    """What this seat is there for, and how far the panel is."""
    return p.Desk(**await panel_work.desk(call.platform, call.caller))


@operation("POST", "/panel/declaration", body=p.NewDeclaration, answer=m.Recorded, status=201)
async def declare_conflict(call: Call) -> m.Recorded:
    """Declare whether there is a conflict of interest; with one the seat is lost. Nothing else comes before it."""
    new = call.taken(p.NewDeclaration)
    return m.Recorded(**await panel_work.declare(call.caller, new.conflict, [s.plain() for s in new.sig]))


@operation("POST", "/panel/extension", body=p.NewSignature, answer=p.TimeAsked, status=201)
async def ask_extension(call: Call) -> p.TimeAsked:
    """Ask for more time; it is given when more than a third of the members ask."""
    sig = [s.plain() for s in call.taken(p.NewSignature).sig]
    return p.TimeAsked(**await panel_work.ask_time(call.caller, sig))


@operation("GET", "/panel/bids", answer=p.PanelBids)
async def list_panel_bids(call: Call) -> p.PanelBids:
    """The opened bids under labels; without names where the notice says blind."""
    return p.PanelBids(**await panel_bids.listed(call.caller))


@operation("GET", "/panel/labels", answer=p.Labels)
async def list_labels(call: Call) -> p.Labels:
    """Which bid a label stands for: for the seat's tool, which writes the sheet."""
    return p.Labels(**await panel_bids.labels(call.caller))


@operation("GET", "/panel/bids/{label}/documents/{n}", media="application/octet-stream")
async def get_panel_document(call: Call) -> Answer:
    """Download one opened document."""
    found = await panel_bids.document(call.platform, call.caller, call.path["label"], int(call.path["n"]))
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return Answer(response=FileResponse(found.path, media_type="application/octet-stream", headers=headers))


# --------------------------------------------------------------------------------------------------------------- scores


@operation("PUT", "/panel/draft", body=p.NewDraft, answer=p.Draft, limit=LARGE)
async def keep_draft(call: Call) -> p.Draft:
    """Keep this seat's autosave: bytes that only its own tool can read."""
    await score_sheets.keep_draft(call.caller, unb64(call.taken(p.NewDraft).data))
    return p.Draft(**await score_sheets.draft(call.caller))


@operation("GET", "/panel/draft", answer=p.Draft)
async def get_draft(call: Call) -> p.Draft:
    """This seat's last autosave."""
    return p.Draft(**await score_sheets.draft(call.caller))


@operation("POST", "/panel/commitment", body=p.NewCommitment, answer=m.Recorded, status=201)
async def commit_scores(call: Call) -> m.Recorded:
    """Fix this seat's scores without showing them to anybody."""
    new = call.taken(p.NewCommitment)
    return m.Recorded(**await score_sheets.commit(call.caller, new.commit, [s.plain() for s in new.sig]))


@operation("POST", "/panel/scores", body=p.NewScores, answer=p.ScoresEntered, status=201, limit=LARGE)
async def reveal_scores(call: Call) -> p.ScoresEntered:
    """Reveal this seat's scores, when every seat has committed; extreme marks come with their reasons."""
    new = call.taken(p.NewScores)
    told = await score_sheets.reveal(
        call.caller,
        unb64(new.sheet),
        bytes.fromhex(new.nonce),
        unb64(new.reasons),
        [s.plain() for s in new.sig],
    )
    return p.ScoresEntered(**told)


@operation("GET", "/panel/scores", answer=p.PanelScores)
async def list_panel_scores(call: Call) -> p.PanelScores:
    """All seats' scores with deviations and outliers, once every seat has revealed; before that nothing."""
    return p.PanelScores(**await score_sheets.shown(call.caller))


# --------------------------------------------------------------------------------------------------------------- report


@operation("GET", "/panel/report", answer=p.PanelReport)
async def get_panel_report(call: Call) -> p.PanelReport:
    """The evaluation report as this seat is to answer it."""
    return p.PanelReport(**await reports.for_seat(call.platform, call.caller))


@operation("POST", "/panel/report", body=p.NewReportAnswer, answer=m.Recorded, status=201)
async def answer_report(call: Call) -> m.Recorded:
    """Sign the evaluation report, or dissent in writing."""
    new = call.taken(p.NewReportAnswer)
    sig = [s.plain() for s in new.sig]
    return m.Recorded(**await reports.answer(call.platform, call.caller, new.report, new.answer, new.reason, sig))


@operation("GET", "/tenders/{tender}/panel/report", answer=p.AnsweredReport)
async def get_evaluation_report(call: Call) -> p.AnsweredReport:
    """The panel's report with every member's answer: the tenderee receives this one."""
    return p.AnsweredReport(**await reports.shown(call.caller, call.path["tender"]))


# ----------------------------------------------------------------------------------------------------------- attendance


@operation("GET", "/tenders/{tender}/panel/attendance", answer=p.Attendance)
async def list_attendance(call: Call) -> p.Attendance:
    """Who attended, under seat numbers, how long and for which fee; after the evaluation."""
    found = await panel_work.attended(call.platform, call.path["tender"])
    return p.Attendance(items=[p.Attended(**one) for one in found])


@operation("GET", "/tenders/{tender}/panel/attendance.csv", media="text/csv")
async def export_attendance(call: Call) -> Answer:
    """The same as CSV."""
    data = await panel_work.attended_csv(call.platform, call.path["tender"])
    headers = {"Content-Disposition": 'attachment; filename="attendance.csv"'}
    return Answer(response=Response(data, media_type="text/csv", headers=headers))
