"""Papers that are not everybody's: a bidder's own receipt, and the committee's report for whoever may read it."""

from __future__ import annotations

from typing import Any

from audit.canon import canon, sha256_hex, unb64
from audit.receipt import Receipt, check_receipt
from audit.record import check_record
from experts.scoring import read_report
from trading import logbook, publishing, reports, tendering
from trading.installation import Installation
from trading.messages import ZH, say
from trading.paper import evaluations, receipts
from trading.paper.press import Mark
from trading.paper.tenders import bare
from trading.printing import Printer, key
from trading.web.api import Answer, Call, operation
from trading.web.paper_pages import PDF, handed


def _printer(call: Call) -> Printer:
    printer: Printer = call.request.app.state.printer
    return printer


@operation("GET", "/receipts/{manifest}/paper", media=PDF)
async def get_receipt_paper(call: Call) -> Answer:
    """The receipt of a manifest as a paper, with proof and place on the list as far as they exist; its bidder's alone."""
    platform = call.platform
    data = canon(await tendering.receipt(platform, call.caller, call.path["manifest"]))
    held = Receipt.parse(data)
    tender = str(check_record(held.record).get("tender") or "")
    mark = Mark(sha256_hex(data), "receipt", _page(platform, tender))
    given = (held, mark, platform.origin, check_receipt(held, platform.policy))
    printed = await _printer(call).print(key("receipt", mark.sha256), receipts.receipt, *given, keep=False)
    name = f"{bare(tender) or 'registration'}.receipt.pdf"
    called = f"{bare(tender)} {say('paper.receipt', ZH)}.pdf".strip()
    return Answer(response=handed(call.request, printed, name, called, PDF, private=True))


@operation("GET", "/tenders/{tender}/panel/report/paper", media=PDF)
async def get_evaluation_paper(call: Call) -> Answer:
    """The panel's report with its answers as a paper, once the tenderee has received it."""
    platform, tender = call.platform, call.path["tender"]
    shown = await reports.shown(call.caller, tender)
    data = unb64(shown["data"])
    account = await publishing.account_of(platform, tender, await logbook.bidders_after_closing(tender))
    known: dict[str, Any] = {
        "tender": account.tender,
        "bidders": account.bidders,
        "answers": {int(one["seat"]): str(one["answer"]) for one in shown["answers"]},
    }
    mark, at = account.report_mark(data), account.received(data)
    printed = await _printer(call).print(
        key("evaluation", tender, mark.sha256, mark.link, shown["answers"]),
        _evaluation,
        data,
        mark,
        at,
        known,
        keep=False,
    )
    called = f"{bare(tender)} {say('paper.evaluation', ZH)}.pdf"
    return Answer(response=handed(call.request, printed, f"{bare(tender)}.evaluation.pdf", called, PDF, private=True))


def _evaluation(data: bytes, mark: Mark, at: Any, known: dict[str, Any]) -> bytes:
    return evaluations.evaluation_report(read_report(data), mark, at, **known)


def _page(platform: Installation, tender: str) -> str:
    return f"{platform.settings.base_url}/t/{tender}" if tender else platform.settings.base_url
