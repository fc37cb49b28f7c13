"""What others wrote and our pages load: every file is named with its licence and hash, and is what its authors published."""

from __future__ import annotations

import gzip
import hashlib
import tomllib
from pathlib import Path

import pytest
from starlette.requests import Request

from trading.web import static_files

FOLDER = Path(static_files.__file__).parent / "static" / "vendor"
LISTED = tomllib.loads((FOLDER / "vendor.toml").read_text(encoding="utf-8"))
LICENCES = {"Apache-2.0", "MIT", "0BSD", "BSD-3-Clause"}


def strangers(folder: Path) -> set[str]:
    """Files that nobody answers for."""
    told = {*LISTED, *(text for one in LISTED.values() for text in one["texts"]), "vendor.toml"}
    return {path.name for path in folder.iterdir()} - told


def test_every_file_of_others_is_named() -> None:
    assert LISTED and strangers(FOLDER) == set()


def test_a_file_that_nobody_named_would_be_found(tmp_path: Path) -> None:
    """The control."""
    (tmp_path / "left-pad.js").write_text("0")
    assert strangers(tmp_path) == {"left-pad.js"}


@pytest.mark.parametrize("name", LISTED)
def test_it_is_what_its_authors_published(name: str) -> None:
    one = LISTED[name]
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == one["sha256"]
    assert one["licence"] in LICENCES and one["version"] and one["from"] and one["why"]
    assert one["texts"] and all((FOLDER / text).stat().st_size > 100 for text in one["texts"])


def asked(path: Path, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    scope = {"type": "http", "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]}
    answer = static_files.handed(Request(scope), path, "text/javascript")
    return answer.status_code, bytes(answer.body), dict(answer.headers)


def test_files_go_packed_to_whoever_takes_them_so() -> None:
    path = FOLDER / next(name for name in LISTED if name.startswith("echarts"))
    whole = path.read_bytes()
    status, body, sent = asked(path, accept_encoding="br, gzip;q=0.8")
    assert (status, sent["content-encoding"], sent["vary"]) == (200, "gzip", "Accept-Encoding")
    assert gzip.decompress(body) == whole and len(body) < len(whole) / 2
    for refused in ("", "br", "gzip;q=0", "identity"):
        status, body, plain = asked(path, accept_encoding=refused)
        assert status == 200 and body == whole and "content-encoding" not in plain and plain["etag"] != sent["etag"]
    for tag in (sent["etag"], f"W/{sent['etag']}", f'"other", {sent["etag"]}'):
        assert asked(path, accept_encoding="gzip", if_none_match=tag)[:2] == (304, b"")
    assert asked(path, if_none_match=sent["etag"])[0] == 200, "another form of it is another thing"
