"""What holds for the whole house: what is asked outside, chance, keys, classes of data, what browsers keep, TLS.

The ids are those of OWASP ASVS 5.0.0.
"""

from __future__ import annotations

import ast
import re
import socket
import ssl
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from audit.act import pool
from audit.canon import b64
from audit.signature import BadSignature, Ed25519Signer, ES256Signer, verify_signatures
from audit.witness import read_clock
from tests.security.browsers import PASSWORD, Clock, come_in, invite
from tests.trading.town import Town
from trading import accounts, client, invitations
from trading.cli import reference

ROOT = Path(__file__).parents[2]
PACKAGES = ("audit", "bidding", "experts", "trading")
SOURCES = {
    path.relative_to(ROOT).as_posix(): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))
}
OUTSIDE = {
    "audit/cosigning.py": "the witnesses of the settings",
    "audit/witness.py": "a witness: the platform it watches",
    "trading/client.py": "a party's tool: the platform it was given",
    "trading/outages.py": "the witnesses of the settings",
    "trading/doctor.py": "the addresses of the settings, by an operator's command",
    "trading/demo/processes.py": "a demonstration: its own processes",
    "trading/channels/acs3.py": "the dispatcher's provider, of its settings",
    "trading/channels/http_generic.py": "the dispatcher's provider, of its settings",
    "trading/channels/smtp.py": "the mail server of the settings",
    "trading/channels/baresip.py": "127.0.0.1",
}
"""What opens a connection, and to whom: never to an address that came in a request."""
ASKS = re.compile(r"httpx\.(AsyncClient|Client|get|post|put|request|stream)|aiosmtplib\.send|open_connection|urlopen")


def _calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ASKS.fullmatch(ast.unparse(node.func).removeprefix("asyncio.")):
            yield node


def test_asvs_13_2_4_nothing_else_is_asked_outside() -> None:
    assert {name for name, path in SOURCES.items() if any(True for _ in _calls(path))} == OUTSIDE.keys()
    web = [name for name in OUTSIDE if name.startswith("trading/web")]
    assert web == [], "a request makes no request"


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "http://127.0.0.1:5432/", "file:///etc/passwd"]
)
async def test_asvs_13_2_4_a_redirect_leads_nowhere(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A witness, or a platform, that answers with another address: it is not asked."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": target})

    with pytest.raises(Exception):
        await read_clock("http://platform.example", httpx.MockTransport(answer))
        raise RuntimeError("no clock, and no harm")
    monkeypatch.setattr(client, "PATIENCE", ())
    with client.Platform("http://platform.example", transport=httpx.MockTransport(answer)) as platform:
        platform.request("GET", "/api/v1/time")
    assert len(asked) == 2 and all(url.startswith("http://platform.example/") for url in asked), asked


def test_asvs_13_2_6_every_client_has_a_time_limit_and_the_pool_is_documented() -> None:
    for name, path in SOURCES.items():
        for call in _calls(path):
            if "httpx" in ast.unparse(call.func):
                (given,) = [one.value for one in call.keywords if one.arg == "timeout"]
                assert ast.unparse(given) != "None", name
    told = reference.markdown(reference.reference(), "en")
    assert "`TRADING_POOL_MAX`" in told and "`TRADING_POOL_MIN`" in told


def test_asvs_11_5_1_no_secret_comes_of_chance_that_can_be_guessed() -> None:
    users = {
        name for name, path in SOURCES.items()
        if any(isinstance(node, ast.Import | ast.ImportFrom) and "random" in ast.unparse(node).split() for node in
               ast.walk(ast.parse(path.read_text("utf-8"))))
    }  # fmt: skip
    # how long to rest before the next try, and a demonstration's made-up people
    assert users <= {
        "trading/channels/steady.py",
        "trading/posting.py",
        "trading/demo/roster.py",
        "trading/demo/season.py",
    }
    tokens = {accounts.new_token("trd_") for _ in range(1000)}
    assert len(tokens) == 1000 and all(len(one) == 4 + 43 for one in tokens)  # 256 bits
    assert len(invitations.ALPHABET) ** (2 * invitations.HALF) > 2**128 and len(set(invitations.ALPHABET)) > 30


@pytest.mark.parametrize("signer", [Ed25519Signer.generate(), ES256Signer.generate()], ids=["EdDSA", "ES256"])
def test_asvs_11_2_2_algorithms_are_named_and_can_be_exchanged(signer: Ed25519Signer | ES256Signer) -> None:
    """One verifier for what is known; a name it does not know, or another one's, is no signature, and not a crash."""
    signed = signer.sign(b"bid")
    (by,) = verify_signatures([signed], b"bid")
    assert by.alg == signed["alg"] == signer.alg
    for alg in ("SM2-SM3", "none", "", "HS256", {"EdDSA": "ES256", "ES256": "EdDSA"}[signer.alg]):
        with pytest.raises(BadSignature):
            verify_signatures([{**signed, "alg": alg}], b"bid")


# ------------------------------------------------------------------------------------------------------- keys and data


def test_asvs_11_1_1_every_key_has_its_line_in_the_policy() -> None:
    """docker/README.md says who holds each key, how it is replaced and what its loss means."""
    text = (ROOT / "docker" / "README.md").read_text("utf-8").partition("## Keys")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("|") and line.count("|") == 6]
    assert len(rows) >= 9 and all(all(cell.strip() for cell in row.strip("|").split("|")) for row in rows)
    keys = {one.name for one in reference.reference() if re.search(r"_(KEY|PEPPER|CA)$", one.name)}
    assert len(keys) >= 6, keys
    assert [
        name for name in sorted(keys) if f"`{name}`" not in text and "SECRET" not in name and "ACCESS" not in name
    ] == []


def _classes() -> dict[str, dict[str, object]]:
    return tomllib.loads((ROOT / "trading" / "data_classes.toml").read_text("utf-8"))


async def test_asvs_14_1_1_every_table_has_its_class(db: object) -> None:
    listed = [str(table) for one in _classes().values() for table in one["tables"]]  # type: ignore[attr-defined]
    rows = await pool().fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(log|bidding|experts|trading)_'"
    )
    assert sorted(listed) == sorted(row["tablename"] for row in rows)
    assert all(one.keys() == {"read", "lines", "rests", "kept", "tables"} for one in _classes().values())


async def test_asvs_14_2_4_what_is_secret_rests_as_no_one_gave_it_out(place: Town) -> None:
    """Everything in every table, as text: no password, token, session, code or seed of a generator; and the class `secret`
    is really there to be looked at."""
    browser, generator = await come_in(place, "wang", "bidder", Clock(place))
    device = next(value for name, value in browser.http.cookies.items() if "device" in name)
    _, code = await invite(place, "li", "bidder")
    given = [PASSWORD, place.tokens["wang"], browser.session, device, generator.secret, code, invitations_form(code)]
    whole, filled = "", set()
    for one, about in _classes().items():
        for table in about["tables"]:  # type: ignore[attr-defined]
            rows = "\n".join(row[0] for row in await pool().fetch(f"SELECT t::text FROM {table} t"))
            whole += rows
            if rows and one == "secret":
                filled.add(table)
    assert {"trading_token", "trading_credential", "trading_session", "trading_device", "trading_invitation"} <= filled
    for secret in given:
        for form in (secret, secret.encode().hex(), b64(secret.encode()), secret.encode("utf-16-le").hex()):
            assert form not in whole, secret
    assert "wang@example.cn" in whole  # the control: what is no secret is found


def invitations_form(code: str) -> str:
    return "".join(one for one in code if one.isalnum())


def test_asvs_14_3_3_browsers_keep_trust_files_and_wrapped_keys_and_nothing_else() -> None:
    """What a page of ours keeps in a browser, by file. That nothing secret is in it is looked at in a real browser too
    (tests/browser/test_bidder_desk.py)."""
    kept = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.open|getDirectory\(")
    scripts = [path for package in PACKAGES for path in (ROOT / package).rglob("*.js") if "vendor" not in path.parts]
    users = {path.relative_to(ROOT).as_posix() for path in scripts if kept.search(path.read_text("utf-8"))}
    assert users <= {
        "trading/web/static/desk.js", "trading/web/static/verify_page.js", "trading/web/static/prf.js",
        "trading/web/offline/shared.js", "bidding/browser/upload.js", "trading/web/static/seal_page.js",
        "trading/web/static/bids_page.js", "trading/web/static/whole_bid.js", "trading/web/static/desk_worker.js",
    }  # fmt: skip
    for path in scripts:
        for line in path.read_text("utf-8").splitlines():
            if re.search(r"(setItem|Storage\.\w+ *=|document\.cookie *=)", line):
                assert not re.search(r"pass(word|phrase)|token|secret|session|form_token", line, re.I), (path, line)


# ------------------------------------------------------------------------------------------------------------------ TLS


@contextmanager
def _terminator(tmp: Path, **how: object) -> Iterator[int]:
    """A TLS server for `localhost` with a CA of its own; gives its port. Its CA is in `ca.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp / "all.pem").write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp / "all.pem")
    context.set_ciphers(str(how.get("ciphers", "ALL:@SECLEVEL=0")))
    context.options &= ~(ssl.OP_NO_TLSv1_1 | ssl.OP_NO_TLSv1)
    context.minimum_version = how.get("lowest", ssl.TLSVersion.TLSv1_2)  # type: ignore[assignment]
    context.maximum_version = how.get("highest", ssl.TLSVersion.TLSv1_2)  # type: ignore[assignment]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                    with context.wrap_socket(line, server_side=True) as safe:
                        safe.recv(4096)
                        safe.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def _reaches(port: int) -> bool:
    with client.Platform(f"https://localhost:{port}") as platform:
        try:
            return platform._http.get("/").status_code == 200
        except httpx.TransportError:
            return False


@pytest.mark.filterwarnings("ignore:ssl.*:DeprecationWarning")
def test_asvs_12_1_1_our_tools_speak_no_old_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    new = ssl.TLSVersion.TLSv1_3
    for how, fine in (
        ({}, True), ({"lowest": new, "highest": new}, True),
        ({"lowest": ssl.TLSVersion.TLSv1_1, "highest": ssl.TLSVersion.TLSv1_1}, False),
    ):  # fmt: skip
        with _terminator(tmp_path, **how) as port:
            assert _reaches(port) is fine, how
    with _terminator(tmp_path) as port:  # nor to a stranger
        monkeypatch.delenv("SSL_CERT_FILE")
        assert not _reaches(port)
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in (ROOT / "docker" / "README.md").read_text("utf-8")


def test_asvs_12_1_2_nor_with_weak_suites_and_those_we_recommend_are_strong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    found = re.search(r"ssl_ciphers ([^;]+);", (ROOT / "docker" / "README.md").read_text("utf-8"))
    assert found
    for ciphers, fine in (
        (found[1], True),
        ("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", False),
        ("aNULL:@SECLEVEL=0", False),
    ):
        with _terminator(tmp_path, ciphers=ciphers) as port:
            assert _reaches(port) is fine, ciphers
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(found[1])
    names = [one["name"] for one in context.get_ciphers()]
    assert names and all(
        name.startswith(("TLS_", "ECDHE-")) and ("GCM" in name or "CHACHA20" in name) for name in names
    )
