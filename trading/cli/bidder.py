"""`trading register | seal | submit | receipt | withdraw`: the bidder, on its own machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trading.cli.app import agree, app, group, screen, t
from trading.cli.keys import passphrase
from trading.cli.log import HERE, Url

if TYPE_CHECKING:
    from audit.receipt import Findings, Receipt
    from audit.trust import Signer
    from bidding.sealing import Sealable
    from trading.tools.trust import Trust

TokenOption = Annotated[str, typer.Option("--token", envvar="TRADING_TOKEN", help=t("help.token"))]
PolicyOption = Annotated[Path, typer.Option("--policy", envvar="TRADING_TRUST_POLICY", help=t("help.policy"))]
PartiesOption = Annotated[Path, typer.Option("--parties", envvar="TRADING_TRUST_PARTIES", help=t("help.parties"))]
StateOption = Annotated[Path, typer.Option("--state", envvar="TRADING_STATE", help=t("help.state"))]
KeyOption = Annotated[Path, typer.Option("--key", help=t("help.key"))]
STATE = Path.home() / ".trading"
bidder = group("bidder")


def trust(policy: Path, parties: Path) -> Trust:
    """The trust files this tool's owner keeps."""
    from trading.tools.trust import Trust

    return Trust.read(policy, parties)


def signer_of(path: Path, origin: str, *, kind: str = "bidder") -> tuple[str, Signer]:
    """Whose key a file holds, and a signer with it, for this log only."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from audit.trust import Ed25519Signer, ES256Signer
    from trading.keyfiles import read

    key = read(path, passphrase(), kind=kind, origin=origin)  # type: ignore[arg-type]
    if isinstance(key.private, Ed25519PrivateKey):
        return key.id, Ed25519Signer(key.private)
    return key.id, ES256Signer(key.private)


@app.command(help=t("help.register"))
def register(
    key: KeyOption,
    policy: PolicyOption,
    url: Url = HERE,
    token: TokenOption = "",
    by: Annotated[Path | None, typer.Option(help=t("help.register.by"))] = None,
    authority: Annotated[Path | None, typer.Option(help=t("help.register.authority"))] = None,
    certificate: Annotated[Path | None, typer.Option(help=t("help.register.cert"))] = None,
    certificate_key: Annotated[Path | None, typer.Option(help=t("help.register.certkey"))] = None,
    out: Annotated[Path | None, typer.Option(help=t("help.receipt.file"))] = None,
) -> None:
    """Register a signing key: by itself, by an earlier key, by an authority at its desk, or by a certificate chain."""
    from audit.canon import b64
    from audit.trust import Policy, sig_hash
    from trading.client import Platform
    from trading.tools.bidder import demand, plain_receipt
    from trading.tools.registration import by_authority, by_certificate, by_earlier_key, by_nobody

    trusted = Policy.parse(policy.read_bytes())
    bidder, signer = signer_of(key, trusted.origin)
    if certificate is not None and certificate_key is not None:
        registration, sig = by_certificate(trusted.origin, bidder, signer, certificate, certificate_key, passphrase)
    elif authority is not None:
        registration, sig = by_authority(
            trusted.origin, bidder, signer, *signer_of(authority, trusted.origin, kind="identity")
        )
    elif by is not None:
        registration, sig = by_earlier_key(trusted.origin, bidder, signer, signer_of(by, trusted.origin)[1])
    else:
        registration, sig = by_nobody(trusted.origin, bidder, signer)
    with Platform(url, token=token, lang=screen().lang) as platform:
        receipt = plain_receipt(platform.post("/registrations", {"registration": b64(registration), "sig": sig}))
    demand(
        receipt, trusted, "bidder-key-registered", "registration", bidder=bidder, registration=b64(registration),
        key=b64(signer.key), sig_hash=sig_hash(sig),
    )  # fmt: skip
    path = out or key.with_suffix(".registration-receipt.json")
    path.write_bytes(receipt.format())
    screen().say("register.done", path=str(path))
    screen().result({"receipt": str(path)})


@app.command(help=t("help.seal"))
def seal(
    tender: Annotated[str, typer.Argument(help=t("help.tender"))],
    folder: Annotated[Path, typer.Argument(help=t("help.seal.folder"), exists=True, file_okay=False)],
    key: KeyOption,
    policy: PolicyOption,
    parties: PartiesOption,
    out: Annotated[Path, typer.Option(help=t("help.seal.out"))],
    form: Annotated[list[str] | None, typer.Option(help=t("help.seal.form"))] = None,
    kit: Annotated[Path | None, typer.Option(help=t("help.seal.kit"), exists=True, dir_okay=False)] = None,
    replaces: Annotated[Path | None, typer.Option(help=t("help.seal.replaces"), exists=True)] = None,
    accept: Annotated[list[str] | None, typer.Option(help=t("help.seal.odd"))] = None,
    documents: Annotated[str, typer.Option(help=t("help.seal.documents"))] = "",
    state: StateOption = STATE,
    url: Url = HERE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
) -> None:
    """Check the custodians and the hour from the log, show them, seal. With --kit nothing goes over the network."""
    from bidding.envelope import SealedFile, sources
    from trading.client import PREFIX, Platform
    from trading.law.money import decimal
    from trading.tools import bidder as tool
    from trading.tools.document_set import answer, choose
    from trading.tools.kit import Kit
    from trading.tools.memory import Memory

    trusted, memory = trust(policy, parties), Memory(state)
    if kit is not None:
        looked = tool.look_at(Kit(kit.read_bytes()), tender, trusted, memory, accept=accept or ())
    else:
        with Platform(url, lang=screen().lang) as platform:
            data = platform.fetch(f"{PREFIX}/tenders/{tender}/sealing-kit")
            looked = tool.look_at(Kit(data), tender, trusted, memory, platform=platform, accept=accept or ())
    found, now = looked.found, looked.now
    currency = str(found.announcement["currency"])
    told = Path(documents) if documents and Path(documents).is_dir() else documents or None
    chosen = choose(looked.documents, told, found.schema.keys())
    opening = answer(tool.read_form(found.schema, _pairs(form or []), currency), chosen)
    _show(found)
    if chosen is not None:
        screen().say("seal.documents", set=chosen.set, files=", ".join(sorted(chosen.files)))
        if chosen is not looked.documents[-1]:
            screen().say("seal.older", set=chosen.set, newest=looked.documents[-1].set)
    files = sources(folder)
    for name, value in opening.items():
        shown = decimal(value, currency) if found.schema[name]["kind"] == "fen" else str(value)
        screen().line(f"    {name} = {shown}")
    screen().say("seal.files", count=len(files), size=sum(one.path.stat().st_size for one in files))
    agree("seal.confirm", yes)
    who, signer = signer_of(key, trusted.policy.origin)
    with screen().progress("seal.running", 0) as bar:
        sealed = tool.seal(
            found,
            out,
            bidder=who,
            signer=signer,
            files=files,
            opening=opening,
            now=now,
            replaces=SealedFile(replaces) if replaces else None,
            progress=lambda done, total: bar(done),
        )
    for stage, one in sealed.stages.items():
        screen().line(f"    {stage}  {one.manifest.hash}  {one.size}")
    screen().say("seal.done", path=str(out), deadline=_legal(found.deadline))
    hashes = {stage: one.manifest.hash for stage, one in sealed.stages.items()}
    screen().result({"file": str(out), "bid": sealed.bid, "manifests": hashes})


@bidder.command("status", help=t("help.status"))
def status(
    tender: Annotated[str, typer.Argument(help=t("help.tender"))],
    policy: PolicyOption,
    parties: PartiesOption,
    url: Url = HERE,
    token: TokenOption = "",
    state: StateOption = STATE,
) -> None:
    """Say what is handed in under the caller's name, and whether it answers the newest documents."""
    from audit.canon import instant
    from trading.client import PREFIX, Platform
    from trading.tools import bidder as tool
    from trading.tools.kit import Kit
    from trading.tools.memory import Memory

    trusted, memory = trust(policy, parties), Memory(state)
    with Platform(url, token=token, lang=screen().lang) as platform:
        data = platform.fetch(f"{PREFIX}/tenders/{tender}/sealing-kit")
        looked = tool.look_at(Kit(data), tender, trusted, memory, platform=platform)
        items = [one for one in platform.get(f"/tenders/{tender}/bids")["items"] if one["state"] == "effective"]
    newest = looked.documents[-1] if looked.documents else None
    screen().say("status.deadline", deadline=_legal(looked.found.deadline))
    if newest is not None:
        screen().say("seal.documents", set=newest.set, files=", ".join(sorted(newest.files)))
    if not items:
        screen().say("status.nothing")
    older = False
    for one in items:
        screen().say("status.deposit", stage=one["stage"], seq=one["seq"], manifest=one["manifest"])
        # By the log's own record of the amendment, whatever the platform says of it.
        before = newest is not None and instant(str(one["received_at"])) < newest.issued
        older = older or before or bool(one.get("stale"))
    if older and newest is not None:
        screen().say("status.stale", newest=newest.set, reason=newest.reason)
        screen().say("status.replace", tender=tender, deadline=_legal(looked.found.deadline))
    documents = None if newest is None else newest.set
    screen().result({"deposits": items, "stale": older, "documents": documents})


@app.command(help=t("help.submit"))
def submit(
    file: Annotated[Path, typer.Argument(help=t("help.submit.file"), exists=True, dir_okay=False)],
    policy: PolicyOption,
    parties: PartiesOption,
    url: Url = HERE,
    token: TokenOption = "",
    resume: Annotated[bool, typer.Option("--resume", help=t("help.submit.resume"))] = False,
    receipts: Annotated[Path | None, typer.Option(help=t("help.submit.receipts"))] = None,
) -> None:
    """Upload, submit, check the receipts. "Uploaded" is not "submitted": only the last line says so."""
    from bidding.envelope import SealedFile
    from trading.client import Platform
    from trading.tools import bidder as tool

    sealed, into = SealedFile(file), receipts or file.with_suffix(".receipts")
    with Platform(url, token=token, lang=screen().lang, timeout=120) as platform:
        with screen().progress("submit.running", sum(one.size for one in sealed.stages.values())) as bar:
            kept = tool.submit(
                platform, sealed, trust(policy, parties), into, resume=resume, progress=lambda done, total: bar(done)
            )
    for stage, receipt in kept.items():
        screen().say("submit.stage", stage=stage, manifest=receipt.manifest)
    screen().say("submit.done", path=str(into))
    screen().result({"submitted": True, "receipts": {stage: str(into / f"{stage}.json") for stage in kept}})


@app.command(help=t("help.receipt"))
def receipt(
    file: Annotated[Path, typer.Argument(help=t("help.receipt.file"), exists=True, dir_okay=False)],
    policy: PolicyOption,
    parties: PartiesOption,
    url: Url = HERE,
    token: TokenOption = "",
    offline: Annotated[bool, typer.Option("--offline", help=t("help.receipt.offline"))] = False,
) -> None:
    """Complete a receipt with its proof, keep it, and say what it proves."""
    from audit.receipt import Receipt, check_receipt
    from bidding.records import DEPOSITED
    from trading.client import Platform
    from trading.tools import bidder as tool
    from trading.tools.closings import closing_of

    held, trusted = Receipt.parse(file.read_bytes()), trust(policy, parties)
    closed = False
    if offline:
        found = check_receipt(held, trusted.policy)
    else:
        with Platform(url, token=token, lang=screen().lang) as platform:
            held, found = tool.complete(platform, held, trusted)
            if found.what == DEPOSITED.type and not found.listed:
                where = str(found.record["tender"]), str(found.record["stage"])
                closed = closing_of(platform, trusted.policy, *where) is not None
        file.write_bytes(held.format())
    _prove(held, found, closed)


@app.command(help=t("help.withdraw"))
def withdraw(
    file: Annotated[Path, typer.Argument(help=t("help.submit.file"), exists=True, dir_okay=False)],
    key: KeyOption,
    policy: PolicyOption,
    parties: PartiesOption,
    url: Url = HERE,
    token: TokenOption = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help=t("help.yes"))] = False,
) -> None:
    """Withdraw the whole bid; its payloads are erased at once and nobody ever opens them."""
    from bidding.envelope import SealedFile
    from trading.client import Platform
    from trading.tools import bidder as tool

    agree("withdraw.confirm", yes)
    sealed, trusted = SealedFile(file), trust(policy, parties)
    _, signer = signer_of(key, trusted.policy.origin)
    into = file.with_suffix(".receipts")
    with Platform(url, token=token, lang=screen().lang) as platform:
        tool.withdraw(platform, sealed, signer, trusted, into)
    screen().say("withdraw.done", path=str(into / "withdrawn.json"))
    screen().result({"withdrawn": True, "receipt": str(into / "withdrawn.json")})


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or name in pairs:
            raise typer.BadParameter(text)
        pairs[name] = value
    return pairs


def _show(found: Sealable) -> None:
    out = screen()
    out.say("seal.promise", hour=_legal(max(guard.hour for guard in found.guards.values())))
    for stage, guard in found.guards.items():
        out.say("seal.guard", stage=stage, k=guard.keyset.k, n=guard.keyset.n, keyset=guard.keyset.id)
        for statement in guard.custodians:
            out.line(f"      {statement.custodian}  {statement.name}")


def _legal(moment: Any) -> str:
    from trading.law.calendar import LEGAL_ZONE

    return f"{moment.astimezone(LEGAL_ZONE):%Y-%m-%d %H:%M:%S}"


def _prove(held: Receipt, found: Findings, closed: bool = False) -> None:
    out = screen()
    record = found.record
    out.say("receipt.promise", what=found.what.removeprefix("trading."), time=str(record["time"]))
    if found.logged is not None:
        names = ", ".join(sorted(found.logged.cosigned))
        out.say("receipt.logged", index=found.index, time=_legal(found.logged.time), witnesses=names)
    else:
        out.say("receipt.unlogged")
    place = held.listed.index if held.listed is not None and found.listed else None
    if place is not None:
        out.say("receipt.listed", index=place)
    elif closed:
        out.say("receipt.unlisted")
    out.result(
        {
            "record": record,
            "manifest": held.manifest,
            "logged": found.index if found.logged is not None else None,
            "listed": place,
            "closed": closed or found.listed,
        }
    )
