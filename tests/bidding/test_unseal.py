"""The table of verdicts, row by row, and that no byte can be changed without the right one (envelope.md §7)."""

import io
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.canon import lp4
from bidding.container import Header
from bidding.unseal import Opened, Verdict, unseal
from tests.bidding.envelopes import (
    BIDDER,
    OPENING,
    PRIVATE,
    SCHEMA,
    Envelope,
    content,
    context,
    envelope,
    keyset,
    padded,
)

FILES = {"方案.txt": b"plan" * 5000, "empty.txt": b""}


def opened(made: Envelope, released: Any = None, **how: Any) -> Opened:
    payload = how.pop("payload", made.payload)
    shares = made.released() if released is None else released
    return unseal(made.manifest, payload, shares, made.guard, schema=SCHEMA, **how)


def test_an_honest_envelope_opens_for_any_two_of_three() -> None:
    made = envelope()
    for chosen in combinations((1, 2, 3), 2):
        found = opened(made, made.released(*chosen))
        assert (found.verdict, found.opening, found.ck, found.findings) == (Verdict.OK, OPENING, made.ck, ())


@pytest.mark.parametrize(("k", "n"), [(2, 2), (3, 5), (5, 9), (9, 9)])
def test_fewer_than_k_do_not_open(k: int, n: int) -> None:
    made = envelope(keyset(k, n))
    assert opened(made, made.released(*range(1, k + 1))).verdict == Verdict.OK
    assert opened(made, made.released(*range(n - k + 1, n + 1))).verdict == Verdict.OK
    if k < n:
        found = opened(made, made.released(*range(1, k)))
        assert (found.verdict, found.ck, found.opening) == (Verdict.PENDING, None, None)


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    made = envelope(keyset(stage="documents"), files=FILES)
    found = opened(made, extract=tmp_path / "out")
    assert found.verdict == Verdict.OK
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == FILES
    assert [entry.name for entry in found.files] == list(FILES)


def test_no_file_can_take_anothers_place(tmp_path: Path) -> None:
    files = {".1.part": b"one", "1": b"two", "0": b"three", ".opening-": b""}
    made = envelope(keyset(stage="documents"), files=files)
    assert opened(made, extract=tmp_path).verdict == Verdict.OK
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_x_store_needs_the_end_of_the_window() -> None:
    made = envelope()
    damaged = made.payload[:-1] + b"\0"
    for gone in (damaged, None, b"", made.payload + b"x", Path("/nonexistent/payload")):
        assert opened(made, payload=gone).verdict == Verdict.PENDING
        found = opened(made, payload=gone, window_ended=True)
        assert (found.verdict, found.at, found.opening, found.files) == (Verdict.X_STORE, (), None, ())
    assert opened(made, payload=lambda: io.BytesIO(made.payload), window_ended=True).verdict == Verdict.OK


def test_x_payload_when_the_manifest_lies_about_head_or_length() -> None:
    made = envelope()
    other_head = bytes([made.payload[0] ^ 1]) + made.payload[1:56]
    longer = made.but(payload=made.payload + bytes(3_000_000), size=len(made.payload))
    for wrong in (made.but(head=other_head), made.but(size=len(made.payload) + 65600), longer):
        assert opened(wrong, {}).verdict == Verdict.X_PAYLOAD


def test_x_payload_when_a_chunk_is_wrong_and_before_a_wrong_box() -> None:
    made = envelope(others=(3,))
    for at in (56, 5000, len(made.payload) - 1):
        bad = made.payload[:at] + bytes([made.payload[at] ^ 1]) + made.payload[at + 1 :]
        found = opened(made.but(payload=bad), made.but(payload=bad).released(1, 2))
        assert (found.verdict, found.at) == (Verdict.X_PAYLOAD, ())


def test_pending_then_quorum_lost() -> None:
    made = envelope()
    one = made.released(2)
    assert opened(made, one).verdict == Verdict.PENDING
    found = opened(made, one, window_ended=True)
    assert (found.verdict, found.at) == (Verdict.X_QUORUM, (1, 3))


def test_x_commit_when_all_released_and_nothing_fits() -> None:
    made = envelope()
    strange = {i: bytes([i]) * 32 for i in (1, 2, 3)}
    for window_ended in (False, True):
        assert opened(made, strange, window_ended=window_ended).verdict == Verdict.X_COMMIT
    assert opened(made, {1: None, 2: None, 3: None}).verdict == Verdict.X_COMMIT


def test_a_copied_envelope_fails_its_commitment() -> None:
    """Another bidder hands in somebody's head and boxes: custodians open the boxes under another ctx, and find nothing."""
    original = envelope()
    copied = original.but(where=context(original.guard, bidder="91440000MA00000002", bid="f" * 32))
    released = copied.released()
    assert released == {1: None, 2: None, 3: None}
    assert opened(copied, released).verdict == Verdict.X_COMMIT


def test_x_box_names_the_boxes_and_holds_nothing_against_their_custodians() -> None:
    made = envelope(keyset(2, 5), others=(4, 5))
    for chosen in ((1, 2), (1, 2, 3, 4, 5), (2, 3, 5)):
        found = opened(made, made.released(*chosen))
        assert (found.verdict, found.at, found.findings) == (Verdict.X_BOX, (4, 5), ())


def test_the_verdict_is_the_same_whoever_turns_up() -> None:
    """A hidden late withdrawal: a box that only a friend of the bidder can open."""
    made = envelope(others=(3,))
    verdicts = {opened(made, made.released(*chosen)).verdict for chosen in ((1, 2), (1, 2, 3))}
    assert verdicts == {Verdict.X_BOX}
    assert opened(made, made.released(1, 3)).verdict == Verdict.PENDING


def test_a_lying_custodian_is_a_finding_and_no_verdict() -> None:
    made = envelope()
    for lie in (bytes(32), None):
        found = opened(made, {**made.released(), 2: lie})
        assert (found.verdict, found.findings, found.opening) == (Verdict.OK, (2,), OPENING)


WRONG_CONTAINERS = {
    "no header": lambda where: bytes(65536),
    "header too long": lambda where: padded((1 << 24).to_bytes(4, "big")),
    "not canonical": lambda where: padded(lp4(b'{"type": "trading.container/v1"}')),
    "another ctx": lambda where: padded(lp4(Header("ab" * 32, (), OPENING).data)),
    "padding too long": lambda where: padded(content(where)) + bytes(65536),
    "padding not zero": lambda where: padded(content(where))[:-1] + b"\1",
    "below the minimum": lambda where: padded(content(where, opening={"price": 0, "days": 1})),
    "above the maximum": lambda where: padded(content(where, opening={"price": 1, "days": 3651})),
    "a key too many": lambda where: padded(content(where, opening={**OPENING, "discount": 1})),
    "a key missing": lambda where: padded(content(where, opening={"price": 1})),
    "not a number": lambda where: padded(content(where, opening={"price": "1", "days": 1})),
    "true is no number": lambda where: padded(content(where, opening={"price": True, "days": 1})),
    "text too long": lambda where: padded(content(where, opening={**OPENING, "remark": "五个字了吧"})),
    "no such day": lambda where: padded(content(where, opening={**OPENING, "start": "2026-02-30"})),
    "a day too early": lambda where: padded(content(where, opening={**OPENING, "start": "2025-12-31"})),
    "a file in the form": lambda where: padded(content(where, {"a": b"a"}, OPENING)),
}


@pytest.mark.parametrize("what", WRONG_CONTAINERS)
def test_x_container(what: str) -> None:
    guard = keyset()
    made = envelope(guard, plaintext=WRONG_CONTAINERS[what](context(guard)))
    found = opened(made)
    assert (found.verdict, found.opening, found.files) == (Verdict.X_CONTAINER, None, ())
    assert found.ck == made.ck


@pytest.mark.parametrize("name", ["../etc", "a/b", "a\\b", "", ".", "..", "a\0b", "x" * 256])
def test_x_container_for_names_that_leave_the_folder(name: str, tmp_path: Path) -> None:
    guard = keyset(stage="documents")
    made = envelope(guard, files={name: b"x"})
    assert opened(made, extract=tmp_path / "out").verdict == Verdict.X_CONTAINER
    assert not (tmp_path / "out").exists()


def test_x_container_for_a_file_that_is_not_what_the_header_says(tmp_path: Path) -> None:
    guard = keyset(stage="documents")
    where = context(guard)
    honest = content(where, {"a.txt": b"honest"})
    for wrong in (honest[:-1] + b"x", honest[:-3], honest + b"more"):
        made = envelope(guard, plaintext=padded(wrong))
        assert opened(made, extract=tmp_path / "out").verdict == Verdict.X_CONTAINER
        assert not (tmp_path / "out").exists()


@settings(max_examples=60)
@given(at=st.integers(0, 65671), bit=st.integers(0, 7))
def test_no_byte_of_a_payload_can_change(at: int, bit: int) -> None:
    made = envelope()
    bad = bytearray(made.payload)
    bad[at] ^= 1 << bit
    # under the signed root: the store; under a root that was signed over the change: the bidder
    assert opened(made, payload=bytes(bad), window_ended=True).verdict == Verdict.X_STORE
    signed_over = made.but(payload=bytes(bad))
    found = opened(signed_over, made.released())
    assert found.verdict == (Verdict.X_PAYLOAD if at >= 56 else Verdict.X_COMMIT)


@settings(max_examples=60)
@given(i=st.integers(1, 3), at=st.integers(0, 112), bit=st.integers(0, 7))
def test_no_byte_of_a_box_can_change(i: int, at: int, bit: int) -> None:
    made = envelope()
    box = bytearray(made.boxes[i - 1])
    box[at] ^= 1 << bit
    bad = made.but(boxes=tuple(bytes(box) if j == i else made.boxes[j - 1] for j in (1, 2, 3)))
    found = opened(bad, {j: y for j, y in made.released().items() if j != i})
    assert (found.verdict, found.at) == (Verdict.X_BOX, (i,))


def test_a_custodian_opens_only_its_own_box() -> None:
    from bidding.unseal import open_box

    made = envelope()
    assert open_box(PRIVATE[0], made.manifest, 2) is None
    assert open_box(PRIVATE[1], made.manifest, 1) is None
    assert open_box(PRIVATE[0], made.manifest, 4) is None
    assert made.manifest.bidder == BIDDER
