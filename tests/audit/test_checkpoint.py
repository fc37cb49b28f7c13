"""Signed notes, cosignatures and proofs, against C2SP's words and Go's own example. log.md §4."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canon import b64
from audit.checkpoint import (
    Checkpoint,
    Note,
    NoteSignature,
    TlogProof,
    add_lines,
    checkpoint_of,
    cosign,
    sign_checkpoint,
    verify_note,
    vkey_of,
)
from audit.merkle import inclusion_proof, leaf_hash, root
from audit.refusal import Broken, Refused
from audit.trust import WITNESS, Ed25519Signer, Policy, Vkey, verify_ed25519

ORIGIN = "log.example/2026"
LOG, CITY, STATE, PRESS, STRANGER = (Ed25519Signer.from_seed(bytes([n]) * 32) for n in range(1, 6))
LEAVES = [leaf_hash(b"%d" % n) for n in range(7)]
HEAD = Checkpoint(ORIGIN, 7, root(LEAVES))
T = 1_795_000_000
WITNESSES = {"city": CITY, "state": STATE, "press": PRESS}
POLICY = Policy.parse(
    "".join(
        [
            f"log {vkey_of(LOG, ORIGIN)}\n",
            *(f"witness {name} {vkey_of(key, name + '.example', WITNESS)}\n" for name, key in WITNESSES.items()),
            "group g 2 city state press\n",
            "quorum g\n",
        ]
    ).encode()
)


def cosigned(*names, head=HEAD, at=T):
    note = sign_checkpoint(LOG, head)
    lines = [cosign(WITNESSES[name], name + ".example", head.body(), at + n) for n, name in enumerate(names)]
    return add_lines(note, lines)


def broken(code):
    return pytest.raises(Broken, match=f"^{code}( |$)")


def test_gos_own_example_verifies():
    """golang.org/x/mod/sumdb/note's documentation."""
    text = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    ).encode()
    vkey = Vkey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = Note.parse(text)
    (line,) = note.signatures
    assert (line.name, line.keyid) == (vkey.name, vkey.keyid)
    verify_ed25519(vkey.public, line.signature, note.body)
    assert note.format() == text


def test_a_note_is_split_at_its_last_empty_line():
    quoted = "one\n\ntwo\n"
    note = Note(quoted.encode(), (NoteSignature("a", b"1234", b"s"),))
    assert Note.parse(note.format()) == note


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n\n\xe2\x80\x94 a YWJjZGU=",
        b"text\n\n- a YWJjZGU=\n",
        b"text\n\n\xe2\x80\x94 a YWJjZA==\n",
        b"text\n\n\xe2\x80\x94 a YWJjZGU\n",
        b"text\n\n\xe2\x80\x94  YWJjZGU=\n",
        b"text\n\n\xe2\x80\x94 a+b YWJjZGU=\n",
        b"text\n\n\xe2\x80\x94 a\xc2\xa0b YWJjZGU=\n",
        b"text\n\n\xe2\x80\x94 a b YWJjZGU=\n",
        b"x\xe2\x80\x94 a YWJjZGU=\n",
        b"text\n\n\xe2\x80\x94 a YWJjZGU=x",
        b"te\rxt\n\n\xe2\x80\x94 a YWJjZGU=\n",
        b"te\0xt\n\n\xe2\x80\x94 a YWJjZGU=\n",
        b"te\xffxt\n\n\xe2\x80\x94 a YWJjZGU=\n",
        b"text\n\n" + b"\xe2\x80\x94 a YWJjZGU=\n" * 101,
    ],
    ids=range(18),
)
def test_what_is_no_note(data):
    with broken("N-FORM"):
        Note.parse(data)


@pytest.mark.parametrize(
    "body",
    [
        HEAD.body()[:-1],
        HEAD.body() + b"extension\n",
        b"\n7\n" + b64(bytes(32)).encode() + b"\n",
        HEAD.body().replace(b"\n7\n", b"\n07\n"),
        HEAD.body().replace(b"\n7\n", b"\n-7\n"),
        HEAD.body().replace(b"\n7\n", b"\n 7\n"),
        HEAD.body().replace(b"\n7\n", b"\n" + b"9" * 20 + b"\n"),
        HEAD.body().replace(b"=\n", b"\n"),
        b"log\n7\n" + b64(bytes(31)).encode() + b"\n",
        b"\xff\n7\n",
        b"",
    ],
    ids=range(11),
)
def test_what_is_no_checkpoint(body):
    with broken("N-FORM"):
        Checkpoint.parse(body)


def test_a_checkpoint_with_quorum():
    verified = verify_note(cosigned("city", "press"), POLICY, strict=True)
    assert verified.checkpoint == HEAD == checkpoint_of(verified.note)
    assert verified.cosigned == {"city": datetime.fromtimestamp(T, UTC), "press": datetime.fromtimestamp(T + 1, UTC)}
    assert verified.time == datetime.fromtimestamp(T + 1, UTC)


def test_a_witness_asks_for_the_logs_signature_alone():
    note = sign_checkpoint(LOG, HEAD)
    assert verify_note(note, POLICY, quorum=False).checkpoint == HEAD
    with broken("N-QUORUM"):
        verify_note(note, POLICY)
    with pytest.raises(Refused, match="E-QUORUM"):
        _ = verify_note(note, POLICY, quorum=False).time
    with broken("N-QUORUM"):
        verify_note(cosigned("city"), POLICY)


def test_sixteen_unknown_signatures_are_ignored_but_not_in_archives():
    others = [cosign(Ed25519Signer.generate(), f"w{n}.example", HEAD.body(), T) for n in range(16)]
    note = add_lines(cosigned("city", "state"), others)
    assert set(verify_note(note, POLICY).cosigned) == {"city", "state"}
    with broken("N-UNKNOWN"):
        verify_note(note, POLICY, strict=True)


def test_a_known_name_with_another_key_is_unknown():
    note = add_lines(cosigned("city"), [cosign(STRANGER, "state.example", HEAD.body(), T)])
    with broken("N-QUORUM"):
        verify_note(note, POLICY)


def test_a_known_key_with_a_bad_signature_rejects_the_note():
    good = Note.parse(cosigned("city", "state", "press"))
    for place in range(4):
        for at in (0, 9, -1):
            line = good.signatures[place]
            changed = bytearray(line.signature)
            changed[at] ^= 1
            lines = list(good.signatures)
            lines[place] = NoteSignature(line.name, line.keyid, bytes(changed))
            with broken("N-SIG"):
                verify_note(Note(good.body, tuple(lines)).format(), POLICY)


def test_a_cosignature_is_not_a_signature():
    """Type 01 and type 04 sign different bytes, and have different key ids."""
    body = HEAD.body()
    plain = NoteSignature("city.example", vkey_of(CITY, "city.example", WITNESS).keyid, CITY.raw(body))
    timeless = NoteSignature(plain.name, plain.keyid, bytes(8) + CITY.raw(b"cosignature/v1\ntime 0\n" + body))
    endless = NoteSignature(plain.name, plain.keyid, b"\xff" * 8 + CITY.raw(body))
    for line in (plain, timeless, endless):
        with broken("N-SIG"):
            verify_note(add_lines(sign_checkpoint(LOG, HEAD), [line.line()]), POLICY, quorum=False)


def test_timestamps_that_no_clock_shows():
    last = 253_402_300_799
    for timestamp in (1, last):
        note = add_lines(sign_checkpoint(LOG, HEAD), [cosign(CITY, "city.example", HEAD.body(), timestamp)])
        assert verify_note(note, POLICY, quorum=False).cosigned == {"city": datetime.fromtimestamp(timestamp, UTC)}
    for timestamp in (0, last + 1, 2**64 - 1):
        note = add_lines(sign_checkpoint(LOG, HEAD), [cosign(CITY, "city.example", HEAD.body(), timestamp)])
        with broken("N-SIG"):
            verify_note(note, POLICY, quorum=False)


def test_a_note_has_a_hundred_lines_at_most():
    line = NoteSignature("a", b"1234", b"s").line()
    assert len(Note.parse(b"text\n\n" + 100 * line).signatures) == 100


def test_no_signature_of_the_log():
    body = HEAD.body()
    lines = tuple(
        NoteSignature.parse(cosign(key, name + ".example", body, T).decode()[:-1]) for name, key in WITNESSES.items()
    )
    with broken("N-LOG"):
        verify_note(Note(body, lines).format(), POLICY)
    with broken("N-LOG"):
        verify_note(sign_checkpoint(STRANGER, HEAD), POLICY, quorum=False)


def test_another_logs_checkpoint():
    other = Checkpoint("demo.example", 7, HEAD.root)
    with broken("N-ORIGIN"):
        verify_note(sign_checkpoint(LOG, other), POLICY, quorum=False)


def test_a_witness_that_cosigned_twice_counts_once_and_from_the_first_time():
    twice = [cosign(CITY, "city.example", HEAD.body(), at) for at in (T + 50, T + 5)]
    note = add_lines(cosigned("state", at=T + 10), twice)
    assert verify_note(note, POLICY).time == datetime.fromtimestamp(T + 10, UTC)
    with broken("N-UNKNOWN"):
        verify_note(note, POLICY, strict=True)
    with broken("N-QUORUM"):
        verify_note(add_lines(sign_checkpoint(LOG, HEAD), twice), POLICY)


def test_lines_are_added_once():
    note = cosigned("city", "state")
    line = cosign(CITY, "city.example", HEAD.body(), T)
    assert add_lines(note, [line, line]) == note
    for wrong in (b"", b"\xff\n", b"nonsense\n", line + line):
        with broken("N-FORM"):
            add_lines(note, [wrong])


# ----------------------------------------------------------------------------------------------------- tlog-proof


def proof(index=3, extra=None, note=None):
    return TlogProof(index, tuple(inclusion_proof(LEAVES, index)), note or cosigned("city", "state"), extra)


def test_a_proof_is_read_back_and_verifies():
    for extra in (None, b"", b"context"):
        for index in range(7):
            made = proof(index, extra)
            assert TlogProof.parse(made.format()) == made
            assert made.verify(LEAVES[index], POLICY, strict=True).checkpoint == HEAD
    single = TlogProof(0, (), sign_checkpoint(LOG, Checkpoint(ORIGIN, 1, LEAVES[0])))
    assert TlogProof.parse(single.format()) == single


def test_a_proof_has_sixty_three_hashes_at_most():
    longest = TlogProof(0, (bytes(32),) * 63, b"note")
    assert TlogProof.parse(longest.format()) == longest
    with broken("N-PROOF"):
        TlogProof.parse(TlogProof(0, (bytes(32),) * 64, b"note").format())


def test_a_proof_of_something_else():
    with broken("M-INCLUSION"):
        proof(3).verify(LEAVES[4], POLICY)
    with broken("N-QUORUM"):
        proof(3, note=cosigned("city")).verify(LEAVES[3], POLICY)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("@v1", "@v2"),
        lambda t: t.replace("index 3", "index 03"),
        lambda t: t.replace("index 3", "index -3"),
        lambda t: t.replace("index 3", "Index 3"),
        lambda t: t.replace("index 3\n", ""),
        lambda t: t.replace("index 3", "extra ?\nindex 3"),
        lambda t: t.replace("=\n", "\n", 1),
        lambda t: t.split("\n\n")[0],
        lambda t: t.replace("index 3\n", "index 3\n" + b64(bytes(32)) + "\n" + (b64(bytes(32)) + "\n") * 63),
        lambda t: "é" + t,
        lambda t: "",
    ],
    ids=range(11),
)
def test_what_is_no_proof(change):
    with broken("N-PROOF"):
        TlogProof.parse(change(proof().format().decode()).encode())


@given(st.binary(max_size=200))
def test_noise_raises_nothing_else(data):
    for parse in (Note.parse, Checkpoint.parse, TlogProof.parse):
        with pytest.raises(Broken):
            parse(data)


@given(st.integers(0, 2**31), st.integers(0, 255))
def test_a_flipped_bit_of_a_cosigned_checkpoint_never_counts(place, bit):
    """Every line but one spare cosignature is needed; the spare one is of a known key and must verify too."""
    data = bytearray(cosigned("city", "state", "press"))
    data[place % len(data)] ^= 1 << bit % 8
    try:
        verified = verify_note(bytes(data), POLICY, strict=True)
    except Broken:
        return
    raise AssertionError(verified)
