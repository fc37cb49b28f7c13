"""The archive's framing: one byte string for one set of files, and a reader that takes no other. log.md §7."""

import io
import random
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import archive
from audit.archive import Archive, Member, is_name, write_archive
from audit.canon import sha256_hex
from audit.refusal import Broken

VECTORS = sorted((Path(__file__).parent.parent / "vectors" / "archives").glob("*.zip"))
FILES = {
    "archive.json": b"{}",
    "bids/b/form/1/payload": bytes(3000),
    "bids/b/form/1/sig.json": b"[]",
    "checkpoint": b"x\n",
}


def written(files=None):
    out = io.BytesIO()
    write_archive(out, (files or FILES).items())
    return out.getvalue()


def opened(data):
    return Archive(io.BytesIO(data))


def broken(code):
    return pytest.raises(Broken, match=f"^{code}( |$)")


# ------------------------------------------------------------------------------------------------- the honest archive


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_another_implementations_archives_are_read_and_written_byte_for_byte(path, tmp_path):
    with Archive.open(path) as honest:
        files = [(name, honest.read(name)) for name in honest.names]
        assert all(sha256_hex(data) == honest.hashes[name] for name, data in files)
    write_archive(tmp_path / "again.zip", reversed(files))
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_there_are_archives_of_another_implementation():
    assert len(VECTORS) == 4


def test_everybodys_unzip_reads_it():
    with zipfile.ZipFile(io.BytesIO(written())) as unzip:
        assert unzip.testzip() is None
        assert unzip.namelist() == ["MANIFEST", *sorted(FILES)]
        assert {name: unzip.read(name) for name in FILES} == FILES
        assert {info.date_time for info in unzip.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.external_attr >> 16 for info in unzip.infolist()} == {0o644}
        lines = unzip.read("MANIFEST").decode().splitlines()
    assert lines == [f"{sha256_hex(FILES[name])} {len(FILES[name])} {name}" for name in sorted(FILES)]


names = st.from_regex(r"\A[a-z0-9@_-]{1,6}(/[a-z0-9.]{1,4}x){0,3}\Z")


@given(st.dictionaries(names, st.binary(max_size=200), max_size=8))
def test_what_is_written_is_read_back(files):
    files.pop("MANIFEST", None)
    with opened(written(files) if files else _empty()) as read:
        assert {name: read.read(name) for name in read.names} == files
        assert list(read.names) == sorted(files, key=lambda name: name.encode())
        assert read.sizes == {name: len(data) for name, data in files.items()}


def _empty():
    out = io.BytesIO()
    write_archive(out, [])
    return out.getvalue()


def test_big_files_stream_from_disk(tmp_path):
    payload = random.Random(1).randbytes(archive.CHUNK * 2 + 5)
    (tmp_path / "payload").write_bytes(payload)
    write_archive(tmp_path / "a.zip", [("bids/x", tmp_path / "payload"), ("a", b"")])
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []
    with Archive.open(tmp_path / "a.zip") as read:
        assert [len(block) for block in read.stream("bids/x")] == [archive.CHUNK, archive.CHUNK, 5]
        assert [len(block) for block in read.stream("bids/x", 1 << 30)] == [len(payload)]
        assert read.read("bids/x") == payload and read.read("a") == b"" and list(read.stream("a")) == []
        assert "a" in read and "b" not in read and "MANIFEST" not in read


def test_files_cannot_have_such_names():
    for name in ("", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a b", "a\\b", "é", "a\n", "MANIFEST", "x" * 70_000):
        assert name == "MANIFEST" or not is_name(name)
        with pytest.raises(ValueError):
            written({name: b""})
    with pytest.raises(ValueError):
        write_archive(io.BytesIO(), [("a", b""), ("a", b"")])


def test_a_failed_archive_leaves_nothing(tmp_path):
    def files():
        yield "a", b""
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_archive(tmp_path / "a.zip", files())
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_grows_while_it_is_copied(tmp_path, monkeypatch):
    (tmp_path / "f").write_bytes(b"now longer")
    monkeypatch.setattr(archive, "_size", lambda source: 3)
    with pytest.raises(ValueError):
        write_archive(io.BytesIO(), [("f", tmp_path / "f")])


def test_what_is_not_there_and_what_is_too_large(monkeypatch):
    read = opened(written())
    for call in (read.read, read.stream):
        with broken("A-MISSING"):
            call("nothing")
    monkeypatch.setattr(archive, "READABLE", 100)
    with broken("A-LARGE"):
        read.read("bids/b/form/1/payload")


def test_a_path_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "nothing.zip", tmp_path, "nul\0"):
        with broken("A-READ"):
            Archive.open(path)
    (tmp_path / "cut.zip").write_bytes(written()[:-1])
    with broken("A-FRAME"):
        Archive.open(tmp_path / "cut.zip")


def test_an_end_without_a_beginning():
    """An end that points to a zip64 record for which the file is too short, or before its own beginning."""
    for count, size, start in ((65535, 0, 0), (0, 2**32 - 1, 0), (0, 0, 2**32 - 1), (1, 46, 0), (0, 0, 0), (0, 0, 9)):
        with broken("A-FRAME"):
            opened(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, 0))


# ---------------------------------------------------------------------------------------------------- damage, attacks


def test_every_single_bit_matters():
    data = written()
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << (at * 7 % 8)
        with pytest.raises(Broken, match=r"^A-"):
            opened(bytes(changed))


def test_every_truncation_is_seen():
    data = written()
    for length in range(len(data)):
        with broken("A-FRAME"):
            opened(data[:length])


@given(st.binary(max_size=300))
def test_noise_raises_nothing_else(noise):
    for data in (noise, noise + written()[-22:], written()[:60] + noise, written()[:-22] + noise):
        with pytest.raises(Broken, match=r"^A-"):
            opened(data)


@given(st.binary(min_size=76, max_size=76))
def test_a_hostile_zip64_end_raises_nothing_else(noise):
    with pytest.raises(Broken, match=r"^A-"):
        opened(
            written()[:-22] + noise + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
        )


def assemble(members, *, between=b"", end=b"", directory=None, order=None):
    """A zip from (name, bytes, changes to its Member) as an attacker would lay it out."""
    out, heads = b"", []
    for name, data in members:
        member = Member(name, len(data), archive.zlib.crc32(data), len(out))
        out += member.local() + data + between
        heads.append(member)
    listed = [heads[n] for n in order] if order else heads
    central = b"".join(m.central() for m in listed) if directory is None else directory(listed)
    return out + central + archive._ending(len(listed), len(out), len(central)) + end


def manifest(files):
    return "".join(f"{sha256_hex(data)} {len(data)} {name}\n" for name, data in files).encode()


TWO = [("a", b"first"), ("b", b"second")]


def test_the_attackers_layout_is_otherwise_honest():
    assert opened(assemble([("MANIFEST", manifest(TWO)), *TWO])).names == ("a", "b")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (assemble([("MANIFEST", manifest(TWO)), *TWO], between=b"\0"), "A-FRAME"),
        (assemble([("MANIFEST", manifest(TWO)), *TWO], end=b"\0"), "A-FRAME"),
        (b"\0" + assemble([("MANIFEST", manifest(TWO)), *TWO]), "A-FRAME"),
        (assemble([("MANIFEST", manifest(TWO)), *TWO], order=[0, 1]), "A-FRAME"),
        (assemble([("MANIFEST", manifest(TWO)), *TWO], order=[0, 2, 1]), "A-FRAME"),
        (assemble([("MANIFEST", manifest(TWO)), *TWO[::-1]]), "A-ORDER"),
        (assemble([*TWO, ("MANIFEST", manifest(TWO))]), "A-ORDER"),
        (assemble(TWO), "A-ORDER"),
        (assemble([]), "A-FRAME"),
        (assemble([("MANIFEST", manifest(TWO)), TWO[0], *TWO]), "A-ORDER"),
        (assemble([("MANIFEST", manifest(TWO)), ("MANIFEST", b""), *TWO]), "A-ORDER"),
        (assemble([("MANIFEST", manifest(TWO)), ("../b", b""), *TWO]), "A-NAME"),
        (assemble([("MANIFEST", manifest(TWO)), ("a b", b""), *TWO]), "A-NAME"),
        (
            assemble(
                [("MANIFEST", manifest(TWO)), *TWO], directory=lambda ms: b"".join(m.central() for m in ms) + b"\0"
            ),
            "A-FRAME",
        ),
        (assemble([("MANIFEST", manifest(TWO[:1])), *TWO]), "A-MANIFEST"),
        (assemble([("MANIFEST", manifest(TWO)), TWO[0]]), "A-MANIFEST"),
        (assemble([("MANIFEST", manifest([("a", b"other"), TWO[1]])), *TWO]), "A-MANIFEST"),
        (assemble([("MANIFEST", manifest(TWO) + b"\n"), *TWO]), "A-MANIFEST"),
        (assemble([("MANIFEST", manifest(TWO)[:-1]), *TWO]), "A-MANIFEST"),
        (assemble([("MANIFEST", manifest(TWO).upper()), *TWO]), "A-MANIFEST"),
        (assemble([("MANIFEST", b"\xff" * 50), *TWO]), "A-MANIFEST"),
    ],
    ids=range(21),
)
def test_a_zip_laid_out_otherwise_is_refused(data, code):
    with broken(code):
        opened(data)


def test_what_other_writers_make_is_refused():
    """zipfile reads them all; each hides something or says one thing twice."""
    files = [("MANIFEST", manifest(TWO)), *TWO]

    def made(method=zipfile.ZIP_STORED, comment=b"", **changes):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as zip:
            for name, data in files:
                info = zipfile.ZipInfo(name)
                info.external_attr = 0o644 << 16
                for attribute, value in changes.items():
                    setattr(info, attribute, value)
                info.compress_type = method
                zip.writestr(info, data)
            zip.comment = comment
        return out.getvalue()

    assert opened(made()).names == ("a", "b")
    for data in (
        made(zipfile.ZIP_DEFLATED),
        made(comment=b"x"),
        made(extra=b"\1\2\0\0"),
        made(date_time=(1980, 1, 1, 0, 0, 2)),
        made(external_attr=0o755 << 16),
        made(create_system=0),
        made(internal_attr=1),
    ):
        with pytest.raises(Broken, match=r"^A-"):
            opened(data)


def test_the_manifest_names_the_file_at_fault():
    with pytest.raises(Broken) as caught:
        opened(assemble([("MANIFEST", manifest([TWO[0], ("b", b"changed")])), *TWO]))
    assert caught.value.facts["name"] == "b"
    with pytest.raises(Broken) as caught:
        opened(assemble([("MANIFEST", manifest([*TWO, ("c", b"")])), *TWO]))
    assert caught.value.facts["name"] == "c"


# ------------------------------------------------------------------------------------------------------ above 4 GiB


def test_zip64_fields_are_those_every_unzip_knows():
    member = Member("big", 5 << 30, 7, 6 << 30)
    assert struct.unpack("<2H2Q", member.local()[-20:]) == (1, 16, 5 << 30, 5 << 30)
    assert struct.unpack("<2H3Q", member.central()[-28:]) == (1, 24, 5 << 30, 5 << 30, 6 << 30)
    out = io.BytesIO(member.central() + archive._ending(1, 0, len(member.central())))
    with zipfile.ZipFile(out) as unzip:
        (info,) = unzip.infolist()
        assert (info.filename, info.file_size, info.header_offset) == ("big", 5 << 30, 6 << 30)
    far = Member("far", 3, 7, 6 << 30)
    assert struct.unpack("<2HQ", far.central()[-12:]) == (1, 8, 6 << 30) and len(far.local()) == 33


@pytest.mark.parametrize(
    ("count", "start", "length"),
    [(3, 5 << 30, 100), (3, 2**32 - 1, 100), (65_535, 7, 100), (70_000, 7, 2**32 - 1), (70_000, 5 << 30, 6 << 30)],
)
def test_the_zip64_end_says_where_the_directory_is(count, start, length):
    ending = archive._ending(count, start, length)
    record, locator, end = ending[:56], ending[56:76], ending[76:]
    expected = (b"PK\6\6", 44, 45, 3, 45, 0, 0, count, count, length, start)
    assert struct.unpack("<4sQ2B H2L4Q", record) == expected
    assert struct.unpack("<4sLQL", locator) == (b"PK\6\7", 0, start + length, 1)
    short = (min(count, 65_535), min(count, 65_535), min(length, 2**32 - 1), min(start, 2**32 - 1))
    assert struct.unpack("<4s2H2H2LH", end) == (b"PK\5\6", 0, 0, *short, 0)


def test_no_zip64_end_just_below_the_limits():
    assert len(archive._ending(65_534, 2**32 - 2, 2**32 - 2)) == 22
    assert len(Member("n", 2**32 - 2, 0, 0).local()) == 31 and len(Member("n", 2**32 - 1, 0, 0).local()) == 51


def test_big_members_are_written_and_read(monkeypatch):
    """The limit lowered, so that the test needs no 4 GiB."""
    monkeypatch.setattr(archive, "_FULL", 2000)
    data = written({**FILES, "z": b"beyond the limit"})
    with opened(data) as read:
        assert read.read("bids/b/form/1/payload") == bytes(3000) and read.read("z") == b"beyond the limit"
    for at in range(0, len(data), 11):
        with pytest.raises(Broken, match=r"^A-"):
            opened(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_zip64_is_written_and_read_only_where_it_is_needed(monkeypatch):
    """The limits lowered, so that the test needs no 4 GiB; the layout is the same."""
    small = written()
    monkeypatch.setattr(archive, "_MANY", 3)
    many = written()
    assert len(many) == len(small) + 76
    monkeypatch.undo()
    with broken("A-FRAME"):
        opened(many)  # zip64 where nothing needs it


@pytest.mark.slow
def test_more_members_than_sixteen_bits_count():
    files = {f"f/{number:06}": b"" for number in range(65_600)}
    data = written(files)
    with opened(data) as read:
        assert len(read.names) == 65_600
    with zipfile.ZipFile(io.BytesIO(data)) as unzip:
        assert len(unzip.namelist()) == 65_601
