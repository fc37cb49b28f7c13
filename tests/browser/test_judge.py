"""The browser's verifier on archives that no other test makes: zips of another framing, very many members; its sentences."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from audit.archive import Archive, write_archive
from audit.report import Status
from tests.browser.judge import agreed, in_browser, told, verify
from tests.browser.node import command
from tests.verify.stories import story
from trading.messages import catalogue
from trading.web.verify_page import modules

STATES = {"holds", "fails", "not reached", "not in this edition", "checked by the command line only"}


def honest() -> Path:
    return story().archives["shut", "public"]


def first(path: Path) -> str | None:
    """The step that both verifiers name."""
    report = verify([path], story().policy, story().parties).reports[0]
    return report.failed.code if report.failed else None


def packed(compression: int, twice: str = "", comment: bytes = b"", extra: bytes = b"") -> bytes:
    """The honest members in a zip of Python's own making."""
    out = io.BytesIO()
    with Archive.open(honest()) as archive, zipfile.ZipFile(out, "w", compression) as made:
        for name in (*archive.names, *([twice] if twice else [])):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.extra = compression, extra
            made.writestr(info, archive.read(name))
        made.comment = comment
    return out.getvalue()


def bomb() -> bytes:
    """A zip whose one member says it is small and unpacks to a GiB of zeros."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(squeezed.compress(bytes(1 << 20)) for _ in range(64)) + squeezed.flush()
    head = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(data), 1 << 30, 8, 0) + b"MANIFEST"
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 788, 20, 0, 8, 0, 33, 0, len(data), 1 << 30, 8, 0, 0, 0, 0, 0x1A40000, 0
    )
    entry += b"MANIFEST"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), len(head) + len(data), 0)
    return head + data + entry + end


BAD: dict[str, Callable[[], bytes]] = {
    "deflated": lambda: packed(zipfile.ZIP_DEFLATED),
    "of another maker": lambda: packed(zipfile.ZIP_STORED),
    "with a comment": lambda: honest().read_bytes()[:-2] + b"\x03\x00abc",
    "with bytes before it": lambda: b"MZ" + honest().read_bytes(),
    "with bytes behind it": lambda: honest().read_bytes() + b"\0",
    "with extra fields": lambda: packed(zipfile.ZIP_STORED, extra=b"\xfe\xca\x00\x00"),
    "with a member twice": lambda: packed(zipfile.ZIP_STORED, twice="archive.json"),
    "a bomb": bomb,
    "nothing": lambda: b"",
    "no zip": lambda: b"log nobody\n" * 40,
    "half of it": lambda: honest().read_bytes()[: honest().stat().st_size // 2],
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("how", BAD)
def test_a_zip_of_another_framing_is_refused_first(how: str, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(BAD[how]())
    assert first(tmp_path / "a.zip") == "V1"
    said = in_browser([tmp_path / "a.zip"])[0]["steps"]
    assert said[0]["code"] == "VB-FRAMING"
    assert {step["state"] for step in said[1:]} == {"not reached"}


def test_framing_byte_by_byte(tmp_path: Path) -> None:
    """No byte of the frame is free: whichever is changed, it is no archive any more (the control: unchanged, it holds)."""
    path, data = tmp_path / "a.zip", honest().read_bytes()
    with zipfile.ZipFile(honest()) as made:
        infos = made.infolist()
    start, local = made.start_dir, infos[1].header_offset
    for place in (*range(38), *range(local, local + 43), *range(start, start + 54), *range(len(data) - 22, len(data))):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert in_browser([path])[0]["steps"][0]["state"] == "fails", place
    path.write_bytes(data)
    assert in_browser([path])[0]["steps"][0]["state"] == "holds"


@pytest.mark.slow
def test_more_members_than_a_plain_zip_may_count(tmp_path: Path) -> None:
    """65,535 and more: zip64, of one framing too. What fails is what such an archive lacks, not how it is made."""
    path = tmp_path / "many.zip"
    for count in (65_533, 65_534, 65_535):  # with MANIFEST one more
        write_archive(path, ((f"checkpoints/{n}", b"") for n in range(count)))
        said = in_browser([path])[0]["steps"][0]
        assert (said["code"], said["at"]) == ("VB-MISSING", "archive.json"), count


def test_the_judge_has_teeth() -> None:
    """Were `trading verify` to name another step, or to accept what the browser refuses, the tests would fail."""
    paths, trust = [honest()], (story().policy, story().parties)
    found = told(paths, *trust)
    said = in_browser(paths, *trust)
    agreed(found, said)
    report = found.reports[0]
    steps = [replace(step, status=Status.FAIL) if step.number == 9 else step for step in report.steps]
    with pytest.raises(AssertionError):
        agreed(replace(found, reports=(replace(report, steps=tuple(steps)),)), said)
    with pytest.raises(AssertionError):
        agreed(found, in_browser(paths))  # trust not established


def test_without_node_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AssertionError, match="install nodejs"):
        command()


def codes() -> Iterator[str]:
    for path in modules().values():
        yield from re.findall(r'"(VB-[A-Z-]+)"', path.read_text(encoding="utf-8"))


def test_every_fault_of_the_browser_has_its_sentence_and_no_sentence_is_left_over() -> None:
    assert {code for code in catalogue() if code.startswith("VB-")} == set(codes())


def test_what_is_not_done_here_is_named() -> None:
    said = in_browser([honest()], story().policy, story().parties)[0]
    assert {step["state"] for step in said["steps"]} <= STATES
    assert [step["id"] for step in said["steps"]] == [f"V{number}" for number in range(1, 18)]
    elsewhere = [step["id"] for step in said["steps"] if step["state"] == "checked by the command line only"]
    assert elsewhere == ["V13", "V14", "V15", "V16"]


def test_the_verifier_stands_alone() -> None:
    """Its modules import one another and nothing else, touch no network and run no text as code (WebAuthn's PRF has a
    member of the name eval)."""
    for address, path in modules().items():
        text = path.read_text(encoding="utf-8")
        folder = address.rpartition("/")[0]
        for name in re.findall(r'^(?:import|export)\b[^;]*?from "([^"]+)"', text, re.M):
            parts = folder.split("/")
            for part in name.split("/"):
                if part == "..":
                    parts.pop()
                elif part != ".":
                    parts.append(part)
            assert "/".join(parts) in modules(), (address, name)
        assert not re.search(
            r"\b(eval(?!: \{ first:)|importScripts|innerHTML|outerHTML|insertAdjacentHTML|document\.write)\b", text
        ), address
        if path.name in ("verify.js", "verify_page.js", "verify_worker.js") or "audit/" in address:
            assert not re.search(r"\b(fetch|XMLHttpRequest|sendBeacon|WebSocket|EventSource)\b", text), address
