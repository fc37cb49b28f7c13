"""The tree against RFC 6962's own recursive words."""

import hashlib
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY,
    Frontier,
    Tiles,
    bundles,
    consistency_proof,
    entries_path,
    inclusion_proof,
    leaf_hash,
    node_hash,
    pack_entries,
    root,
    tile_path,
    tile_width,
    tree_root,
    unpack_entries,
    verify_consistency,
    verify_inclusion,
)
from audit.refusal import Broken


def leaves(size):
    return [leaf_hash(b"%d" % number) for number in range(size)]


def mth(hashes):
    """RFC 6962 §2.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def path(m, hashes):
    """RFC 6962 §2.1.1."""
    if len(hashes) == 1:
        return []
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m, hashes, whole):
    """RFC 6962 §2.1.2."""
    n = len(hashes)
    if m == n:
        return [] if whole else [mth(hashes)]
    k = 1
    while 2 * k < n:
        k *= 2
    if m <= k:
        return [*subproof(m, hashes[:k], whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), mth(hashes[:k])]


def test_published_roots():
    """The eight inputs that certificate transparency's own tests use."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    hashes = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root(hashes[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root(hashes[:7]).hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"
    assert root(hashes).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.integers(0, 300), st.lists(st.integers(0, 120), max_size=6))
def test_a_frontier_grows_in_any_pieces(first, pieces):
    hashes = leaves(first + sum(pieces))
    frontier, at = Frontier(), first
    frontier.extend(hashes[:first])
    for piece in pieces:
        frontier = Frontier(frontier.size, frontier.hashes)
        before = frontier.copy()
        frontier.extend(hashes[at : at + piece])
        assert before.root() == mth(hashes[:at])
        at += piece
    one = Frontier()
    for leaf in hashes:
        one.append(leaf)
    assert frontier.root() == one.root() == mth(hashes) == root(hashes)
    assert frontier.hashes == one.hashes and frontier.size == len(hashes)


def test_a_frontier_lists_complete_subtrees_widest_first():
    hashes = leaves(11)
    frontier = Frontier()
    frontier.extend(hashes)
    assert frontier.hashes == [mth(hashes[:8]), mth(hashes[8:10]), hashes[10]]
    for size, values in ((11, frontier.hashes[:2]), (-1, []), (1, [b"short"]), (0, [EMPTY])):
        with pytest.raises(Broken):
            Frontier(size, values)


@given(st.integers(1, 300), st.data())
def test_inclusion_is_what_the_rfc_says(size, data):
    hashes, index = leaves(size), data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(hashes, index)
    assert proof == path(index, hashes)
    verify_inclusion(hashes[index], index, size, proof, mth(hashes))


@given(st.integers(0, 300), st.data())
def test_consistency_is_what_the_rfc_says(size, data):
    hashes, old = leaves(size), data.draw(st.integers(0, size))
    proof = consistency_proof(hashes, old)
    assert proof == ([] if old == 0 else subproof(old, hashes, True))
    verify_consistency(old, size, mth(hashes[:old]), mth(hashes), proof)


def test_no_other_inclusion_proof_verifies():
    for size in range(1, 20):
        hashes = leaves(size)
        expected = mth(hashes)
        for index in range(size):
            proof = inclusion_proof(hashes, index)
            wrong = [(proof[:-1], index, size), ([*proof, EMPTY], index, size), ([EMPTY, *proof], index, size)]
            wrong += [([*proof[:n], EMPTY, *proof[n + 1 :]], index, size) for n in range(len(proof))]
            wrong += [(proof, other, size) for other in range(-1, size + 2) if other != index]
            wrong += [(proof, index, other) for other in (0, index, -size)]
            for changed, place, count in wrong:
                if changed == proof and (place, count) == (index, size):
                    continue
                with pytest.raises(Broken, match="M-INCLUSION"):
                    verify_inclusion(hashes[index], place, count, changed, expected)
            with pytest.raises(Broken):
                verify_inclusion(EMPTY, index, size, proof, expected)


def test_no_other_consistency_proof_verifies():
    for size in range(1, 20):
        hashes = leaves(size)
        for old in range(1, size + 1):
            proof, before, after = consistency_proof(hashes, old), mth(hashes[:old]), mth(hashes)
            wrong = [[*proof, EMPTY], [EMPTY, *proof]]
            wrong += [proof[:n] + proof[n + 1 :] for n in range(len(proof))]
            wrong += [[*proof[:n], EMPTY, *proof[n + 1 :]] for n in range(len(proof))]
            for changed in wrong:
                with pytest.raises(Broken, match="M-CONSISTENCY"):
                    verify_consistency(old, size, before, after, changed)
            with pytest.raises(Broken):
                verify_consistency(old, size, EMPTY, after, proof)
            with pytest.raises(Broken):
                verify_consistency(old, size, before, EMPTY, proof)
            with pytest.raises(Broken):
                verify_consistency(size + 1, size, after, after, proof)


def test_nobody_chooses_the_root_of_nothing():
    verify_consistency(0, 5, EMPTY, mth(leaves(5)), [])
    with pytest.raises(Broken):
        verify_consistency(0, 5, b"\1" * 32, mth(leaves(5)), [])
    with pytest.raises(Broken):
        verify_consistency(0, 5, EMPTY, mth(leaves(5)), [EMPTY])


def test_proofs_of_what_is_not_there():
    for call in (lambda: inclusion_proof(leaves(3), 3), lambda: consistency_proof(leaves(3), 4)):
        with pytest.raises(IndexError):
            call()


def tiles_of(hashes):
    """All tiles of a log, by path, as the sequencer publishes them."""
    files, level, row = {}, 0, hashes
    while row:
        for number in range(-(-len(row) // 256)):
            part = row[number * 256 : number * 256 + 256]
            files[tile_path(level, number, len(part))] = b"".join(part)
        row = [mth(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]
        level += 1
    return files


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 513, 1000, 66_000])
def test_proofs_from_tiles_are_those_from_leaves(size):
    hashes = leaves(size)
    files = tiles_of(hashes)
    reader = Tiles(size, lambda level, number, width: files[tile_path(level, number, width)])
    assert tree_root(reader, size) == root(hashes)
    for index in {0, size // 3, size // 2, size - 1}:
        proof = inclusion_proof(reader, index, size)
        verify_inclusion(hashes[index], index, size, proof, root(hashes))
    for old in {1, size // 3, size // 2, size - 1, size}:
        proof = consistency_proof(reader, old, size)
        assert size > 1000 or proof == consistency_proof(hashes, old)
        verify_consistency(old, size, root(hashes[:old]), root(hashes), proof)


def test_a_tile_of_the_wrong_length_breaks():
    with pytest.raises(Broken, match="M-TILE"):
        tree_root(Tiles(300, lambda level, number, width: b"\0" * 32), 300)


def test_tile_paths():
    assert tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert tile_path(2, 0, 44) == "tile/2/000.p/44"
    assert entries_path(999) == "tile/entries/999"
    assert entries_path(1000, 1) == "tile/entries/x001/000.p/1"
    assert [tile_width(70_000, 0, n) for n in (0, 273, 274)] == [256, 112, 0]
    assert [tile_width(70_000, 1, n) for n in (0, 1, 2)] == [256, 17, 0]
    assert tile_width(70_000, 2, 0) == 1
    assert bundles(1, 700) == [(1, 256), (2, 188)] and bundles(2, 512) == []
    for number, width in ((-1, 256), (0, 0), (0, 257)):
        with pytest.raises(ValueError):
            entries_path(number, width)


@given(st.lists(st.binary(max_size=70), max_size=10))
def test_bundles_are_read_back(entries):
    assert unpack_entries(pack_entries(entries)) == entries


def test_a_bundle_that_ends_inside_an_entry_breaks():
    whole = pack_entries([b"first", b"second"])
    for length in range(len(whole)):
        if length not in (0, 7):
            with pytest.raises(Broken, match="M-BUNDLE"):
                unpack_entries(whole[:length])


def test_a_hundred_thousand_leaves_cost_little_more_than_their_hashes():
    hashes = leaves(100_000)

    def bare():
        for left, right in pairwise(hashes):
            hashlib.sha256(b"\x01" + left + right).digest()

    def grown():
        Frontier().extend(hashes)

    def best(run):
        times = []
        for _ in range(5):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(grown) < 2 * best(bare)
    assert node_hash(b"a" * 32, b"b" * 32) == hashlib.sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()
