"""Sealing file to file: what comes out opens to what went in, whatever its size; and what is refused while it can be."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.refusal import Refused
from audit.trust import verify_signatures
from bidding.container import padding
from bidding.envelope import Previous, Sealed, SealedFile, Source, seal_bid, seal_envelope, sources
from bidding.manifest import PREFIX, Manifest
from bidding.payload import BLOCK, CHUNK, SEGMENT, is_payload_size, measure, payload_size
from bidding.stream import SaltedEncryptor
from bidding.unseal import Verdict, open_box, unseal
from tests.bidding.envelopes import BIDDER, FIRM, NOON, OPENING, PRIVATE, SCHEMA, context, header, keyset

GUARD = keyset(stage="documents")
FORM = keyset()


def seal(tmp_path: Path, *contents: bytes, **how: Any) -> tuple[Sealed, Path]:
    files = []
    for number, data in enumerate(contents):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(data)
        files.append(Source(path, path.name))
    out = tmp_path / "payload"
    out.unlink(missing_ok=True)
    return seal_envelope(context(GUARD), GUARD, out, files=files, created=NOON, **how), out


def opens(sealed: Sealed, out: Path, folder: Path) -> dict[str, bytes]:
    manifest = Manifest.parse(sealed.manifest, nfc=True)
    assert measure(out) == (manifest.root, manifest.size, manifest.head)
    released = {i: open_box(PRIVATE[i - 1], manifest, i) for i in (1, 3)}
    found = unseal(manifest, out, released, GUARD, schema=SCHEMA, extract=folder)
    assert found.verdict == Verdict.OK, found.why
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def overhead(name: str = "0.bin", size: int = 1) -> int:
    """Bytes of the length and the header before a file of about this size."""
    entry = header(context(GUARD), {name: b"x" * size}).data.replace(b"text/plain", b"application/octet-stream")
    return 4 + len(entry)


BORDERS = sorted(
    {
        max(0, border - overhead(size=border) + around)
        for border in (CHUNK, BLOCK, 2 * BLOCK, SEGMENT - BLOCK, SEGMENT, SEGMENT + BLOCK, 2 * SEGMENT)
        for around in (-1, 0, 1)
    }
    | {0, 1}
)


@pytest.mark.parametrize("size", BORDERS)
def test_every_border_of_chunk_padding_and_segment(size: int, tmp_path: Path) -> None:
    data = os.urandom(size)
    sealed, out = seal(tmp_path, data)
    assert is_payload_size(sealed.size) and sealed.size == out.stat().st_size
    assert opens(sealed, out, tmp_path / "out") == {"0.bin": data}


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 200_000), min_size=0, max_size=5))
def test_many_files(sizes: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("seal")
    contents = [os.urandom(size) for size in sizes]
    sealed, out = seal(folder, *contents)
    assert opens(sealed, out, folder / "out") == {f"{n}.bin": data for n, data in enumerate(contents)}


def test_our_encryption_and_the_librarys_are_the_same() -> None:
    """Bare HKDF-Expand with SHA-512, the salt and ctx as context: the text, and not an older draft of it."""
    ck, ctx = bytes(range(32)), b"\7" * 32
    for size in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK):
        plain, out = os.urandom(size), memoryview(bytearray(1 << 20))
        ours = SaltedEncryptor(ck, ctx, b"\1" * 24)
        written = ours.update_into(memoryview(plain), out)
        sealed = bytes(out[:written]) + ours.finalize()
        decryptor = Cobblestone256Decryptor(ck, ctx)
        assert decryptor.update(sealed) + decryptor.finalize() == plain
        library = Cobblestone256Encryptor(ck, ctx)
        theirs = library.update(plain) + library.finalize()
        again = SaltedEncryptor(ck, ctx, theirs[:24])
        written = again.update_into(memoryview(plain), out)
        assert bytes(out[:written]) + again.finalize() == theirs


def test_sizes_are_72_and_blocks() -> None:
    assert payload_size(BLOCK) == 72 + 65_600
    assert [padding(n) for n in (0, 1, BLOCK - 1, BLOCK, BLOCK + 1)] == [BLOCK, BLOCK - 1, 1, 0, BLOCK - 1]
    assert not is_payload_size(72) and not is_payload_size(65_671)


def test_the_form_is_checked_while_it_can_still_be_mended(tmp_path: Path) -> None:
    out = tmp_path / "payload"
    for opening in ({}, {"price": 0, "days": 1}, {**OPENING, "more": 1}, {**OPENING, "remark": "e\u0301"}):
        with pytest.raises(Refused, match="E-OPENING"):
            seal_envelope(context(FORM), FORM, out, opening=opening, schema=SCHEMA, created=NOON)
        assert not out.exists()
    sealed = seal_envelope(context(FORM), FORM, out, opening=OPENING, schema=SCHEMA, created=NOON)
    manifest = Manifest.parse(sealed.manifest)
    released = {i: open_box(PRIVATE[i - 1], manifest, i) for i in (2, 3)}
    assert unseal(manifest, out, released, FORM, schema=SCHEMA).opening == OPENING


def test_a_file_that_changes_while_it_is_sealed_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "0.bin"

    def touch(done: int, total: int) -> None:
        os.utime(victim, ns=(1, done))

    with pytest.raises(Refused, match="E-FILES"):
        seal(tmp_path, b"x" * 3_000_000, progress=touch)
    assert not (tmp_path / "payload").exists()


def test_a_key_set_of_another_stage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="E-CONTEXT"):
        seal_envelope(context(GUARD), FORM, tmp_path / "p", opening=OPENING, schema=SCHEMA, created=NOON)


def test_two_files_of_one_name_and_missing_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    twice = [Source(tmp_path / "a", "a"), Source(tmp_path / "a", "a")]
    decomposed = [Source(tmp_path / "a", "e\u0301")]
    for files in (twice, decomposed, [Source(tmp_path / "a", "x/../y")], [Source(tmp_path / "gone", "gone")]):
        with pytest.raises(Refused, match="E-FILES"):
            seal_envelope(context(GUARD), GUARD, tmp_path / "p", files=files, created=NOON)


def test_progress_ends_where_it_should(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    seal(tmp_path, b"x" * 2_500_000, progress=lambda done, whole: told.append((done, whole)))
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_same_bid_twice_shares_nothing(tmp_path: Path) -> None:
    first, second = seal(tmp_path, b"same")[0], seal(tmp_path, b"same")[0]
    assert first.head != second.head and first.root != second.root


def test_the_same_draw_gives_the_same_envelope(tmp_path: Path) -> None:
    def entropy(size: int) -> bytes:
        return b"\5" * size

    first, second = seal(tmp_path, b"same", entropy=entropy), seal(tmp_path, b"same", entropy=entropy)
    assert first[0].manifest == second[0].manifest
    assert seal(tmp_path, b"other", entropy=entropy)[0].head != first[0].head


def test_a_whole_bid_in_one_sealed_file(tmp_path: Path) -> None:
    folder = tmp_path / "bid"
    folder.mkdir()
    (folder / "plan.pdf").write_bytes(os.urandom(1_500_000))
    (folder / ".hidden").write_bytes(b"")
    (folder / "e\u0301.txt").write_bytes(b"accent")
    both = {"form": FORM, "documents": GUARD}
    chosen = sources(folder)
    assert [(source.name, source.media) for source in chosen] == [
        ("é.txt", "text/plain"),
        ("plan.pdf", "application/pdf"),
    ]
    how: dict[str, Any] = {
        "bidder": BIDDER, "signer": FIRM, "folders": {"documents": chosen}, "opening": OPENING, "schema": SCHEMA
    }  # fmt: skip
    sealed = seal_bid(both, tmp_path / "one.sealed", created=NOON, **how)
    assert set(sealed.stages) == {"form", "documents"}
    for name, stage in SealedFile(tmp_path / "one.sealed").stages.items():
        assert verify_signatures(stage.sig, PREFIX + stage.manifest.data)[0].key == FIRM.key
        with sealed.payload(name) as stream:
            assert measure(stream) == (stage.manifest.root, stage.size, stage.manifest.head)
            stream.seek(SEGMENT)
        released = {i: open_box(PRIVATE[i - 1], stage.manifest, i) for i in (1, 2)}
        with sealed.payload(name) as stream:
            found = unseal(stage.manifest, stream.read(), released, both[name], schema=SCHEMA)
        assert found.verdict == Verdict.OK
    with pytest.raises(Refused, match="E-FILES"):
        seal_bid(both, tmp_path / "one.sealed", created=NOON, **how)

    last = sealed.stages["form"].manifest
    later = seal_bid(
        {"form": FORM},
        tmp_path / "two.sealed",
        created=NOON + timedelta(hours=1),
        bid=sealed.bid,
        previous={"form": Previous(1, last.hash)},
        **how,
    )
    after = later.stages["form"].manifest
    assert (after.seq, after.context.bid) == (2, sealed.bid) and after.prev == last.hash


def test_a_damaged_sealed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.sealed"
    how: dict[str, Any] = {"bidder": BIDDER, "signer": FIRM, "folders": {}, "opening": OPENING, "schema": SCHEMA}
    seal_bid({"form": FORM}, path, created=NOON, **how)
    whole = path.read_bytes()
    for data in (whole[:-30], b"", whole[:1000]):
        path.write_bytes(data)
        with pytest.raises(Refused, match="E-SEALED-FILE"):
            SealedFile(path)
