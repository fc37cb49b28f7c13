"""`trading paper`: papers that people hold, made offline from archives, receipts and reports; and an organisation's seal."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading.cli.app import group, screen, t

if TYPE_CHECKING:
    from trading.paper.press import Mark
    from trading.paper.source import Story

paper = group("paper")

Archive = Annotated[Path, typer.Argument(help=t("help.paper.archive"), exists=True, dir_okay=False)]
Policy = Annotated[Path | None, typer.Option(help=t("help.policy"), exists=True, dir_okay=False)]
Parties = Annotated[Path | None, typer.Option(help=t("help.parties"), exists=True, dir_okay=False)]
Title = Annotated[str, typer.Option(help=t("help.paper.title"))]
Url = Annotated[str, typer.Option("--url", envvar="TRADING_URL", help=t("help.paper.url"))]
Out = Annotated[Path | None, typer.Option(help=t("help.paper.out"))]
NOWHERE = ""


def _write(data: bytes, to: Path) -> None:
    from audit.canon import sha256_hex

    to.write_bytes(data)
    screen().say("paper.written", path=str(to), sha256=sha256_hex(data))
    screen().result({"path": str(to), "sha256": sha256_hex(data), "size": len(data)})


def _story(archive: Path, policy: Path | None, parties: Path | None, title: str, url: str) -> Story:
    """The archive's story, if it verifies; a paper says so where nobody outside vouched for the keys it verified under.

    Broken: PAPER-ARCHIVE.
    """
    from audit.refusal import Broken
    from trading.paper.source import Story
    from trading.verify import verify

    if (policy is None) != (parties is None):
        raise typer.BadParameter(screen().text("verify.both"))
    found = verify([archive], policy=policy, parties=parties).reports[0]
    if found.failed is not None:
        raise Broken("PAPER-ARCHIVE", step=found.failed.code)
    return Story(archive, title, url, checked="" if found.trusted else "own")


def _of_archive(kind: str) -> None:
    """The command `trading paper <kind> ARCHIVE`."""

    @paper.command(kind, help=t(f"help.paper.{kind}"))
    def command(
        archive: Archive,
        policy: Policy = None,
        parties: Parties = None,
        title: Title = "",
        url: Url = NOWHERE,
        out: Out = None,
    ) -> None:
        from trading.paper.source import make

        _write(make(_story(archive, policy, parties, title, url), kind), out or archive.with_suffix(f".{kind}.pdf"))


for _kind in ("opening", "candidates", "award", "confirmation", "contract"):
    _of_archive(_kind)


@paper.command("receipt", help=t("help.paper.receipt"))
def receipt(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    policy: Policy = None,
    url: Url = NOWHERE,
    out: Out = None,
) -> None:
    """A receipt as a paper; with a policy its promise and proof are checked first, and a false one makes none."""
    from audit.receipt import Receipt, check_receipt
    from audit.record import check_record
    from audit.trust import Policy
    from trading.paper import receipts

    data = file.read_bytes()
    held = Receipt.parse(data)
    trusted = None if policy is None else Policy.parse(policy.read_bytes())
    findings = None if trusted is None else check_receipt(held, trusted)
    tender = str(check_record(held.record).get("tender") or "")
    made = receipts.receipt(held, _mark(data, "receipt", url, tender), trusted.origin if trusted else "", findings)
    _write(made, out or file.with_suffix(".pdf"))


@paper.command("refusal", help=t("help.paper.refusal"))
def refusal(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    policy: Policy = None,
    manifest: Annotated[Path | None, typer.Option(help=t("help.paper.manifest"), exists=True, dir_okay=False)] = None,
    url: Url = NOWHERE,
    out: Out = None,
) -> None:
    """The slip of a refusal as a paper; with the policy and what was refused its signature is checked first."""
    from audit.canon import parse_object, unb64
    from audit.refusal import Refused
    from audit.trust import Policy
    from bidding.slips import check_slip
    from trading.messages import EN, ZH, say
    from trading.paper import receipts

    if (policy is None) != (manifest is None):
        raise typer.BadParameter(screen().text("paper.both"))
    data = file.read_bytes()
    kept = parse_object(data)
    if set(kept) != {"refusal", "sig"}:
        raise Refused("PAPER-SLIP")
    slip = parse_object(unb64(kept["refusal"]))
    if slip.get("type") != "trading.refusal/v1":
        raise Refused("PAPER-SLIP")
    if policy is not None and manifest is not None:
        trusted = Policy.parse(policy.read_bytes())
        slip = check_slip(unb64(kept["refusal"]), kept["sig"], trusted, manifest.read_bytes())
    sentence = {"zh": say(slip["code"], ZH), "en": say(slip["code"], EN)}
    mark = _mark(data, "refusal", url, slip["tender"])
    _write(receipts.refusal(slip, mark, sentence, checked=policy is not None), out or file.with_suffix(".pdf"))


@paper.command("evaluation", help=t("help.paper.evaluation"))
def evaluation(
    file: Annotated[Path, typer.Argument(help=t("help.paper.report"), exists=True, dir_okay=False)],
    archive: Annotated[Path | None, typer.Option(help=t("help.paper.archive"), exists=True, dir_okay=False)] = None,
    policy: Policy = None,
    parties: Parties = None,
    title: Title = "",
    url: Url = NOWHERE,
    at: Annotated[datetime | None, typer.Option(help=t("help.paper.at"))] = None,
    out: Out = None,
) -> None:
    """The committee's report; with the tender's archive bidders stand by name, and each seat's answer beside it."""
    from audit.refusal import Refused
    from experts.scoring import read_report
    from trading.paper.evaluations import evaluation_report

    data = file.read_bytes()
    report = read_report(data)
    known: dict[str, Any] = {}
    mark = _mark(data, "report", url, report["tender"])
    moment = None if at is None else at.replace(tzinfo=at.tzinfo or UTC)
    if archive is not None:
        story = _story(archive, policy, parties, title, url)
        if story.id != report["tender"]:
            raise Refused("PAPER-VALUE", why="the archive is of another tender")
        moment = story.received(data)
        mark = story.report_mark(data)
        known = {"tender": story.tender, "bidders": story.bidders, "answers": story.answers(data)}
    if moment is None:
        raise Refused("PAPER-VALUE", why="give the tender's archive, or the time of the report")
    made = evaluation_report(report, mark, moment, **known)
    _write(made, out or file.with_suffix(".pdf"))


@paper.command("statement", help=t("help.paper.statement"))
def statement(
    file: Annotated[Path, typer.Argument(help=t("help.paper.value"), exists=True, dir_okay=False)],
    url: Url = NOWHERE,
    out: Out = None,
) -> None:
    """A statement from its value (`trading.statement/v1`)."""
    from trading.paper.statements import read_statement
    from trading.paper.statements import statement as made

    data = file.read_bytes()
    _write(made(read_statement(data), _mark(data, "statement", url)), out or file.with_suffix(".pdf"))


def _mark(data: bytes, about: str, url: str, tender: str = "") -> Mark:
    from audit.canon import sha256_hex
    from trading.paper.press import Mark

    page = f"/t/{tender}" if tender else ""
    return Mark(sha256_hex(data), about, url.rstrip("/") + page if url else "")


# -------------------------------------------------------------------------------------------------------------- seals


@paper.command("seal", help=t("help.paper.seal"))
def seal(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    cert: Annotated[Path, typer.Option(help=t("help.paper.cert"), exists=True, dir_okay=False)],
    key: Annotated[Path | None, typer.Option(help=t("help.paper.key"), exists=True, dir_okay=False)] = None,
    chain: Annotated[list[Path] | None, typer.Option(help=t("help.paper.chain"), exists=True)] = None,
    passphrase: Annotated[str, typer.Option(envvar="TRADING_SEAL_PASSPHRASE", help=t("help.paper.passphrase"))] = "",
    reason: Annotated[str, typer.Option(help=t("help.paper.reason"))] = "",
    out: Out = None,
) -> None:
    """A seal by PEM files (--cert, --key) or by a PKCS#12 file (--cert alone)."""
    from trading.paper import seals

    secret = passphrase.encode() or None
    if key is None:
        signer = seals.pkcs12(cert.read_bytes(), secret)
    else:
        signer = seals.pem(str(cert), str(key), [str(one) for one in chain or ()], secret)
    sealed = seals.seal(file.read_bytes(), signer, reason=reason)
    _write(sealed, out or file.with_suffix(".sealed.pdf"))


@paper.command("check", help=t("help.paper.check"))
def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    trust: Annotated[list[Path], typer.Option(help=t("help.paper.trust"), exists=True, dir_okay=False)],
) -> None:
    """Whose seal a paper carries; exit 3 when it does not hold."""
    from trading.paper import seals

    found = seals.check(file.read_bytes(), [one.read_bytes() for one in trust])
    for one in found:
        screen().say("paper.sealed", name=one.name, at=one.at or "—")
    told = [{"name": one.name, "at": one.at.isoformat() if one.at else None} for one in found]
    screen().result({"seals": told})
