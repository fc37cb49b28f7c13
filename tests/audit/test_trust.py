"""Whose signatures count: keys, signature records, trust files, vouchings, certificates. envelope.md §1, §2, §5."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from audit import signature
from audit.canon import NotCanonical, b64, canon, sha256, sha256_hex, stamp
from audit.refusal import Refused
from audit.trust import (
    WITNESS,
    BadSignature,
    CertSigner,
    Ed25519Signer,
    ES256Signer,
    Identities,
    Parties,
    Policy,
    Vkey,
    chain_to_ca,
    check_key,
    record_sig_bytes,
    sig_hash,
    verify_by,
    verify_signatures,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493


def key(number):
    return Ed25519Signer.from_seed(bytes([number]) * 32)


LOG, W1, W2, W3, W4 = (key(n) for n in range(1, 6))
SUP, FIN, NOT, NEW, TEN = (key(n) for n in range(11, 16))


# ------------------------------------------------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "encoding",
    [
        0,  # order 4
        1,  # the identity
        P - 1,  # order 2
        P,  # 0, not canonical
        P + 1,  # the identity, not canonical
        2**255 - 1,
        1 | 1 << 255,  # the identity with a sign
        0 | 1 << 255,
        P - 1 | 1 << 255,
        2,  # not on the curve
    ],
)
def test_keys_on_which_libraries_differ_are_refused(encoding):
    with pytest.raises(BadSignature):
        check_key("EdDSA", encoding.to_bytes(32, "little"))


def test_the_points_of_order_eight_are_refused():
    """y² = (±√(1+d) − 1)/d, from doubling to a point of order four."""
    d = -121665 * pow(121666, -1, P) % P
    found = set()
    for text in (
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ):
        for sign in (0, 0x80):
            data = bytearray.fromhex(text)
            data[31] |= sign
            y = int.from_bytes(data, "little") & (2**255 - 1)
            assert (d * pow(y, 4, P) + 2 * y * y - 1) % P == 0
            found.add(y)
            with pytest.raises(BadSignature):
                check_key("EdDSA", bytes(data))
    assert len(found) == 2


def test_the_points_r_may_not_be_are_the_eight_of_small_order():
    eighths = [
        int.from_bytes(bytes.fromhex(text), "little")
        for text in (
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        )
    ]
    ys = [0, 1, P - 1, *eighths]
    expected = {(y | sign << 255).to_bytes(32, "little") for y in ys for sign in (0, 1)}
    assert expected == signature._SMALL


def test_sound_keys_pass():
    for _ in range(20):
        check_key("EdDSA", Ed25519Signer.generate().key)
        check_key("ES256", ES256Signer.generate().key)


@pytest.mark.parametrize("alg", ["SM2-SM3", "WebAuthn-ES256", "none", "", None, 7, "eddsa"])
def test_an_unknown_algorithm_proves_nothing(alg):
    with pytest.raises(BadSignature):
        check_key(alg, TEN.key)
    with pytest.raises(BadSignature):
        verify_signatures([{**TEN.sign(b"m"), "alg": alg}], b"m")


def test_es256_keys_have_one_form():
    point = ES256Signer.generate().key
    for wrong in (point[:33], b"\x06" + point[1:], point + b"\0", point[:64] + bytes([point[64] ^ 1]), b"", bytes(65)):
        with pytest.raises(BadSignature):
            check_key("ES256", wrong)


# ------------------------------------------------------------------------------------------------------ signatures


def test_everybody_in_the_array_must_have_signed():
    sigs = [SUP.sign(b"m"), (es := ES256Signer.generate()).sign(b"m")]
    assert [(s.alg, s.key) for s in verify_signatures(sigs, b"m")] == [("EdDSA", SUP.key), ("ES256", es.key)]
    with pytest.raises(BadSignature):
        verify_signatures(sigs, b"other")
    with pytest.raises(BadSignature):
        verify_signatures([*sigs, FIN.sign(b"other")], b"m")
    for nothing in ([], None, {}, "x", [None], [[]], [{}]):
        with pytest.raises(BadSignature):
            verify_signatures(nothing, b"m")


def test_a_signature_record_has_exactly_its_keys():
    good = SUP.sign(b"m")
    for wrong in (
        {**good, "kid": "1"},
        {"alg": "EdDSA", "sig": good["sig"]},
        {**good, "key": good["key"].rstrip("=")},
        {**good, "sig": good["sig"] + "\n"},
        {**good, "sig": b64(b"")},
        {**good, "x5c": []},
        {"alg": "EdDSA", "sig": good["sig"], "x5c": []},
        {"alg": "EdDSA", "sig": good["sig"], "x5c": ["AAAA"]},
        {"alg": "EdDSA", "sig": good["sig"], "x5c": "AAAA"},
    ):
        with pytest.raises(BadSignature):
            verify_signatures([wrong], b"m")


def test_a_signature_has_one_form():
    record = SUP.sign(b"m")
    raw = SUP.raw(b"m")
    s = int.from_bytes(raw[32:], "little")
    for wrong in (raw[:32] + (s + L).to_bytes(32, "little"), raw + b"\0", raw[:-1], bytes(64)):
        with pytest.raises(BadSignature):
            verify_signatures([{**record, "sig": b64(wrong)}], b"m")


def test_a_signature_with_a_small_r_is_refused():
    """S = k·a with R the identity verifies in OpenSSL and not in browsers."""
    import hashlib

    seed = b"\7" * 32
    signer = Ed25519Signer.from_seed(seed)
    wide = bytearray(hashlib.sha512(seed).digest()[:32])
    wide[0] &= 248
    wide[31] = wide[31] & 127 | 64
    r = (1).to_bytes(32, "little")
    k = int.from_bytes(hashlib.sha512(r + signer.key + b"m").digest(), "little") % L
    forged = r + (k * int.from_bytes(wide, "little") % L).to_bytes(32, "little")
    signer.private.public_key().verify(forged, b"m")  # the library is content
    with pytest.raises(BadSignature):
        verify_signatures([{**signer.sign(b"m"), "sig": b64(forged)}], b"m")


def test_every_signature_in_the_array_is_looked_at():
    for signer in (Ed25519Signer.generate(), ES256Signer.generate()):
        record = signer.sign(b"m")
        verify_signatures([record], b"m")
        with pytest.raises(BadSignature):
            verify_signatures([record], b"other")
        for at in (0, 31, 32, 63):
            changed = bytearray(signer.raw(b"m"))
            changed[at] ^= 1
            with pytest.raises(BadSignature):
                verify_signatures([{**record, "sig": b64(bytes(changed))}], b"m")
        with pytest.raises(BadSignature):
            verify_signatures([{**record, "key": b64(type(signer).generate().key)}], b"m")
        with pytest.raises(BadSignature):
            verify_signatures(({**record},), b"m")  # an array, as JSON has it


def test_es256_signatures_are_raw():
    signer = ES256Signer.generate()
    record = signer.sign(b"m")
    der = signer.private.sign(b"m", ec.ECDSA(SHA256()))
    for wrong in (der, bytes(64), b"\xff" * 64, signer.raw(b"m") + b"\0"):
        with pytest.raises(BadSignature):
            verify_signatures([{**record, "sig": b64(wrong)}], b"m")


def test_a_signature_made_later_has_another_hash():
    signer = ES256Signer.generate()
    first, second = [signer.sign(b"m")], [signer.sign(b"m")]
    assert sig_hash(first) != sig_hash(second)
    assert sig_hash(first) == sha256_hex(canon(first))


def test_signed_by_these_and_nobody_else():
    verify_by([SUP.sign(b"m"), FIN.sign(b"m")], b"m", FIN.key, SUP.key)
    for sigs in ([SUP.sign(b"m")], [SUP.sign(b"m"), NEW.sign(b"m")], [SUP.sign(b"m"), FIN.sign(b"m"), NEW.sign(b"m")]):
        with pytest.raises(BadSignature):
            verify_by(sigs, b"m", FIN.key, SUP.key)


# ----------------------------------------------------------------------------------------------------------- vkeys


def test_vkeys_are_read_back():
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"  # C2SP's and Go's example
    assert str(Vkey.parse(text)) == text
    for wrong in (
        text.upper(),
        text[:-1],
        text.replace("c74f20a3", "c74f20a4"),
        text.replace("PeterNeumann", "Peter Neumann"),
        text.replace("PeterNeumann", ""),
        "PeterNeumann+c74f20a3",
        "",
        "a\tb" + text[12:],
        *(str(Vkey(name, 1, SUP.key)) for name in ("", "a b", "a\u3000b", "a\nb", "a\1b")),
        str(Vkey("x", 2, SUP.key)),
        str(Vkey("x", 1, b"\1" + bytes(31))),
        str(Vkey("x", 1, SUP.key[:31])),
    ):
        with pytest.raises((NotCanonical, BadSignature)):
            Vkey.parse(wrong)


# ---------------------------------------------------------------------------------------------------------- policy


def witness(name, signer, vkey_name=None):
    return f"witness {name} {Vkey(vkey_name or name + '.example', WITNESS, signer.key)}"


LOG_LINE = f"log {Vkey('log.example/2026', 1, LOG.key)} https://log.example/"
POLICY = "\n".join(
    [
        "# the province's policy",
        "",
        LOG_LINE,
        witness("w1", W1) + " https://w1.example/",
        witness("w2", W2),
        "\t" + witness("w3", W3) + " ",
        witness("city", W4),
        "group province 2 w1 w2 w3",
        "group both all province city",
        "quorum both",
        "",
    ]
)


def test_a_policy_with_two_groups():
    policy = Policy.parse(POLICY.encode())
    assert policy.origin == "log.example/2026" and policy.log.public == LOG.key
    assert policy.urls == {"log": "https://log.example/", "w1": "https://w1.example/"}
    assert policy.met({"w1", "w3", "city"})
    assert not policy.met({"w1", "w2", "w3"}) and not policy.met({"w1", "city"}) and not policy.met(set())
    assert policy.sha256 == sha256_hex(POLICY.encode())
    policy.demand_quorum()


def test_the_time_of_a_checkpoint_is_when_its_quorum_was_complete():
    policy = Policy.parse(POLICY.encode())
    times = {"w1": NOW, "w2": NOW + 9 * DAY, "w3": NOW + 2 * DAY, "city": NOW + DAY}
    assert policy.time(times) == NOW + 2 * DAY
    assert policy.time({**times, "city": NOW + 5 * DAY}) == NOW + 5 * DAY
    with pytest.raises(Refused, match="E-QUORUM"):
        policy.time({"w1": NOW, "w2": NOW})


def test_no_quorum_is_said_aloud():
    policy = Policy.parse(f"{LOG_LINE}\nquorum none\n".encode())
    assert policy.met(set())
    with pytest.raises(Refused, match="E-QUORUM-NONE"):
        policy.demand_quorum()
    with pytest.raises(Refused, match="E-QUORUM"):
        policy.time({})


def test_one_witness_may_be_the_quorum():
    policy = Policy.parse(f"{LOG_LINE}\n{witness('w1', W1)}\n{witness('w2', W2)}\nquorum w2\n".encode())
    assert policy.met({"w2"}) and not policy.met({"w1"})


def test_an_old_log_key_stays_so_that_old_checkpoints_verify():
    policy = Policy.parse(f"{LOG_LINE}\nlog {Vkey('log.example/2026', 1, W4.key)}\nquorum none\n".encode())
    assert [vkey.public for vkey in policy.logs] == [LOG.key, W4.key] and policy.log.public == W4.key


BASE = [LOG_LINE, witness("w1", W1), witness("w2", W2), "group g 2 w1 w2", "quorum g"]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        BASE[:-1],
        BASE[1:],
        [*BASE, "quorum g"],
        [*BASE[:-1], "quorum other"],
        ["quorum g", *BASE[:-1]],
        [*BASE, "unknown line"],
        [*BASE, "quorum"],
        [*BASE, "log"],
        [BASE[0] + " url more", *BASE[1:]],
        [BASE[0], *BASE],
        [*BASE, f"log {Vkey('log.other', 1, W3.key)}"],
        [*BASE, f"log {Vkey('log.example/2026', WITNESS, W3.key)}"],
        [*BASE, f"witness w3 {Vkey('w3', 1, W3.key)}"],
        [*BASE, witness("w1", W3)],
        [*BASE, witness("w3", W1)],
        [*BASE, witness("w3", LOG)],
        [*BASE, witness("w3", W3, "w1.example")],
        [*BASE, witness("none", W3)],
        [*BASE, "witness w3 w3+00000000+AAAA"],
        [*BASE, "group h 1 w1"],
        [*BASE, "group h 1 g g"],
        [*BASE, "group h 2 g"],
        [*BASE, "group h 0 g"],
        [*BASE, "group h 01 g"],
        [*BASE, "group h +1 g"],
        [*BASE, "group h １ g"],
        [*BASE, "group h any"],
        [*BASE, "group h"],
        [*BASE, "group"],
        [*BASE, "witness w3"],
        [*BASE, "witness"],
        [*BASE, witness("w3", W3) + " url more"],
        [*BASE[:-1], "quorum g more"],
        [*BASE, witness("g", W3)],
        [*BASE, "group none any g"],
        [*BASE, "group w1 any g"],
        [*BASE, "group h any h"],
        [*BASE, "group h any later"],
    ],
    ids=lambda lines: lines[-1][:40] if lines else "nothing",
)
def test_a_malformed_policy_is_refused(lines):
    with pytest.raises(Refused, match="E-POLICY"):
        Policy.parse("".join(line + "\n" for line in lines).encode())


def test_a_policy_is_made_of_lines_of_text():
    whole = "".join(line + "\n" for line in BASE).encode()
    Policy.parse(whole)
    for wrong in (
        whole[:-1],
        whole + b"\r\n",
        whole.replace(b"\n", b"\r\n"),
        whole + b"\0\n",
        whole + b"# \xff\n",
        b"",
    ):
        with pytest.raises(Refused, match="E-POLICY"):
            Policy.parse(wrong)


# --------------------------------------------------------------------------------------------------------- parties


def line(kind, name, signer, since=NOW, until=None):
    return f"{kind} {name} {Vkey(name, 1, signer.key)} {stamp(since)} {stamp(until) if until else '-'}\n"


CA_HASH = sha256(b"a root")
PARTIES = (
    line("authority", "A-SUP", SUP)
    + line("authority", "A-FIN", FIN)
    + line("custodian", "C-NOT", NOT, until=NOW + 10 * DAY)
    + line("party", "P-NOT", key(21))
    + f"ca CA-1 {CA_HASH.hex()} {stamp(NOW)} -\n"
)


def test_lines_are_in_force_for_a_time():
    parties = Parties.parse(PARTIES.encode())
    assert parties.authority("A-SUP", NOW) == SUP.key
    assert parties.custodian("C-NOT", NOW + 9 * DAY) == NOT.key
    assert parties.party("P-NOT", NOW) == key(21).key
    assert parties.ca(CA_HASH, NOW) == "CA-1"
    for asked in (("C-NOT", "custodian", NOW + 10 * DAY), ("A-SUP", "authority", NOW - DAY), ("A-SUP", "party", NOW)):
        with pytest.raises(Refused, match="E-IDENTITY"):
            parties.key(*asked)
    for digest, at in ((CA_HASH, NOW - DAY), (sha256(b"another"), NOW)):
        with pytest.raises(Refused, match="E-CA"):
            parties.ca(digest, at)


def test_a_key_is_replaced_by_ending_its_line():
    ended = line("authority", "A-SUP", SUP, until=NOW + DAY) + line("authority", "A-SUP", NEW, since=NOW + DAY)
    for text in (ended, "".join(reversed(ended.splitlines(keepends=True)))):
        parties = Parties.parse(text.encode())
        assert parties.authority("A-SUP", NOW) == SUP.key and parties.authority("A-SUP", NOW + DAY) == NEW.key
    again = line("authority", "A-SUP", NEW, since=NOW + DAY - timedelta(microseconds=1))
    with pytest.raises(Refused, match="E-PARTIES"):
        Parties.parse((ended.splitlines()[0] + "\n" + again).encode())


@pytest.mark.parametrize(
    "text",
    [
        line("operator", "X", NEW),
        line("authority", "X", NEW).replace("X ", "Y ", 1),
        line("authority", "X", NEW).replace(" -\n", "\n"),
        line("authority", "X", NEW).replace(" -\n", " - more\n"),
        line("authority", "X", NEW).replace(" -\n", " never\n"),
        line("authority", "X", NEW, until=NOW),
        line("authority", "X", NEW).replace(".000000Z", "Z"),
        f"authority X {Vkey('X', WITNESS, NEW.key)} {stamp(NOW)} -\n",
        f"authority X {Vkey('X', 1, bytes(32))} {stamp(NOW)} -\n",
        f"ca CA {CA_HASH.hex().upper()} {stamp(NOW)} -\n",
        f"ca CA {CA_HASH.hex()[:-2]} {stamp(NOW)} -\n",
        line("authority", "A-SUP", NEW),
        line("authority", "A-TWO", SUP),
        "nonsense\n",
        "é\n".encode("latin-1").decode("latin-1") + "\0\n",
    ],
    ids=range(15),
)
def test_a_malformed_line_of_parties_is_refused(text):
    with pytest.raises(Refused, match="E-PARTIES"):
        Parties.parse((PARTIES + text).encode())


def test_two_authorities_for_grave_acts():
    parties = Parties.parse(PARTIES.encode())
    both = [SUP.sign(b"m"), FIN.sign(b"m")]
    assert parties.two_authorities(both, b"m", NOW) == {"A-SUP", "A-FIN"}
    assert parties.authorities_of(both[:1], b"m", NOW) == {"A-SUP"}
    for sigs, at in (
        (both[:1], NOW),
        ([both[0], SUP.sign(b"m")], NOW),
        ([*both, NOT.sign(b"m")], NOW),
        (both, NOW - DAY),
    ):
        with pytest.raises(BadSignature):
            parties.two_authorities(sigs, b"m", at)


def test_a_later_version_is_signed_by_two_and_removes_nothing():
    parties = Parties.parse(PARTIES.encode())

    def offered(text, *signers):
        message = b"trading/parties/v1\n" + text.encode()
        return parties.accept(text.encode(), [signer.sign(message) for signer in signers], NOW)

    more = PARTIES.replace(line("party", "P-NOT", key(21)), line("party", "P-NOT", key(21), until=NOW + DAY))
    more += line("party", "P-NEW", key(22))
    assert offered(more, SUP, FIN).party("P-NEW", NOW) == key(22).key
    with pytest.raises(BadSignature):
        offered(more, SUP)
    with pytest.raises(BadSignature):
        offered(more, SUP, NEW)
    reopened = PARTIES.replace(stamp(NOW + 10 * DAY), stamp(NOW + 20 * DAY))
    for text in (PARTIES.replace(line("party", "P-NOT", key(21)), ""), reopened):
        with pytest.raises(Refused, match="E-PARTIES"):
            offered(text, SUP, FIN)
    sigs = [signer.sign(b"trading/policy/v1\n" + POLICY.encode()) for signer in (SUP, FIN)]
    assert parties.accept_policy(POLICY.encode(), sigs, NOW).quorum == "both"
    with pytest.raises(BadSignature):
        parties.accept_policy(POLICY.encode(), sigs[:1], NOW)


# ------------------------------------------------------------------------------------------------------ identities


def vouching(name, signer, *authorities, role="tenderee", since=NOW, until=None, time=NOW, by=None, **more):
    names = {SUP.key: "A-SUP", FIN.key: "A-FIN", NEW.key: "A-NEW"}
    ids = [names[a.key] for a in authorities]
    record = {
        "type": "trading.identity-vouched/v1",
        "subject": name,
        "id": name,
        "role": role,
        "vkey": str(Vkey(name, 1, signer.key)),
        "from": stamp(since),
        "until": stamp(until) if until else None,
        "by": by or (ids[0] if len(ids) == 1 else ids),
        **more,
    }
    record["sig"] = [authority.sign(record_sig_bytes(record)) for authority in authorities]
    return {**record, "actor": {"kind": "authority", "id": ids[0]}, "time": stamp(time), "serial": 1}


def test_an_authority_vouches_for_a_tenderee():
    identities = Identities(Parties.parse(PARTIES.encode()), [vouching("T-1", TEN, SUP, until=NOW + DAY)])
    assert identities.void == []
    assert identities.key("T-1", "tenderee", NOW) == TEN.key == identities.key("T-1", ("party", "tenderee"), NOW)
    identities.check([TEN.sign(b"m")], b"m", "T-1", "tenderee", NOW)
    for asked in (("T-1", "tenderee", NOW + DAY), ("T-1", "custodian", NOW), ("T-2", "tenderee", NOW)):
        with pytest.raises(Refused, match="E-IDENTITY"):
            identities.key(*asked)
    with pytest.raises(BadSignature):
        identities.check([NEW.sign(b"m")], b"m", "T-1", "tenderee", NOW)
    assert identities.key("C-NOT", "custodian", NOW) == NOT.key
    with pytest.raises(Refused, match="E-IDENTITY"):
        identities.key("C-NOT", "custodian", NOW + 10 * DAY)


def test_a_vouching_dated_back_makes_nothing_valid_that_was_signed_before():
    late = vouching("T-1", TEN, SUP, since=NOW, time=NOW + DAY)
    identities = Identities(Parties.parse(PARTIES.encode()), [late])
    with pytest.raises(Refused):
        identities.key("T-1", "tenderee", NOW)
    assert identities.key("T-1", "tenderee", NOW + DAY) == TEN.key


def test_replacing_a_key_needs_two_authorities_and_ends_the_old_one():
    first = vouching("T-1", TEN, SUP)
    later = {"since": NOW + DAY, "time": NOW + DAY}
    parties = Parties.parse(PARTIES.encode())
    alone = Identities(parties, [first, vouching("T-1", NEW, FIN, **later)])
    assert [why for _, why in alone.void] == ["one_authority"]
    assert alone.key("T-1", "tenderee", NOW + 2 * DAY) == TEN.key
    both = Identities(parties, [first, vouching("T-1", NEW, SUP, FIN, **later)])
    assert both.void == []
    assert both.key("T-1", "tenderee", NOW) == TEN.key
    assert both.key("T-1", "tenderee", NOW + DAY) == NEW.key
    other_role = Identities(parties, [first, vouching("T-1", NEW, FIN, role="party", **later)])
    assert other_role.void == [] and other_role.key("T-1", "tenderee", NOW + DAY) == TEN.key


def test_a_stolen_key_ends_when_the_authorities_say():
    parties = Parties.parse(PARTIES.encode())
    record = vouching("T-1", NEW, SUP, FIN, since=NOW + DAY, time=NOW + 5 * DAY)
    identities = Identities(parties, [vouching("T-1", TEN, SUP), record])
    assert identities.key("T-1", "tenderee", NOW) == TEN.key
    with pytest.raises(Refused):
        identities.key("T-1", "tenderee", NOW + 2 * DAY)
    assert identities.key("T-1", "tenderee", NOW + 5 * DAY) == NEW.key


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (vouching("C-NOT", NEW, SUP, role="custodian"), "in_parties"),
        (vouching("A-SUP", NEW, SUP), "in_parties"),
        (vouching("T-1", TEN, SUP, role="authority"), "form"),
        (vouching("T-1", TEN, NEW), "signature"),
        (vouching("T-1", TEN, SUP, time=NOW - DAY), "signature"),
        (vouching("T-1", TEN, SUP, by="A-FIN"), "signature"),
        (vouching("T-1", TEN, SUP, by=["A-SUP", "A-FIN"]), "signature"),
        (vouching("T-1", TEN, SUP, by=["A-SUP", "A-SUP"]), "form"),
        (vouching("T-1", TEN, SUP, by=7), "form"),
        (vouching("T-1", TEN, SUP, by=[["A-SUP"]]), "form"),
        ({**vouching("T-1", TEN, SUP), "vkey": str(Vkey("T-1", WITNESS, TEN.key))}, "form"),
        (vouching("T-1", TEN, SUP, until=NOW), "form"),
        ({**vouching("T-1", TEN, SUP), "until": stamp(NOW + DAY)}, "signature"),
        ({**vouching("T-1", TEN, SUP), "vkey": str(Vkey("T-1", 1, NEW.key))}, "signature"),
        ({**vouching("T-1", TEN, SUP), "vkey": str(Vkey("T-2", 1, TEN.key))}, "form"),
        ({**vouching("T-1", TEN, SUP), "vkey": None}, "form"),
        ({**vouching("T-1", TEN, SUP), "sig": []}, "signature"),
        ({"id": "T-1"}, "form"),
    ],
    ids=range(18),
)
def test_void_vouchings(record, why):
    identities = Identities(Parties.parse(PARTIES.encode()), [record])
    assert [reason for _, reason in identities.void] == [why]
    with pytest.raises(Refused):
        identities.key("T-1", "tenderee", NOW + DAY)


# ---------------------------------------------------------------------------------------------------- certificates


def certificate(
    subject,
    public,
    issuer,
    issuer_key,
    *,
    ca=None,
    serial=None,
    usage=None,
    since=None,
    until=None,
    more=(),
    noted=(),
):
    names = [x509.NameAttribute(NameOID.COMMON_NAME, subject)]
    names += [x509.NameAttribute(NameOID.SERIAL_NUMBER, value) for value in serial or []]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since or NOW - 100 * DAY)
        .not_valid_after(until or NOW + 100 * DAY)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca[0], path_length=ca[1]), critical=True)
    if usage is not None:
        builder = builder.add_extension(x509.KeyUsage(False, False, False, False, False, usage, True, None, None), True)
    for extension in more:
        builder = builder.add_extension(extension, critical=True)
    for extension in noted:
        builder = builder.add_extension(extension, critical=False)
    algorithm = None if isinstance(issuer_key, Ed25519PrivateKey) else SHA256()
    return builder.sign(issuer_key, algorithm).public_bytes(Encoding.DER)


ROOT_KEY, MID_KEY = Ed25519PrivateKey.from_private_bytes(b"r" * 32), ec.generate_private_key(ec.SECP256R1())
LEAF = Ed25519Signer.from_seed(b"l" * 32)
FIRM = "91440000000000000X"
ROOT = certificate("root", ROOT_KEY.public_key(), "root", ROOT_KEY, ca=(True, 1))
MID = certificate("mid", MID_KEY.public_key(), "root", ROOT_KEY, ca=(True, 0), usage=True)


def leaf(**more):
    more = {"serial": [FIRM], "ca": (False, None), **more}
    return certificate("firm", LEAF.private.public_key(), "mid", MID_KEY, **more)


def parties_with(root):
    return Parties.parse(f"ca CA-1 {sha256(root).hex()} {stamp(NOW)} {stamp(NOW + 50 * DAY)}\n".encode())


def test_a_firm_signs_under_its_certificate():
    chain = [leaf(), MID, ROOT]
    sigs = [CertSigner(LEAF, chain).sign(b"m")]
    (signer,) = verify_signatures(sigs, b"m")
    assert signer.key == LEAF.key and chain_to_ca(signer.x5c, parties_with(ROOT), NOW, FIRM) == "CA-1"
    with pytest.raises(BadSignature):
        verify_signatures(sigs, b"other")
    with pytest.raises(BadSignature):
        verify_signatures([{**sigs[0], "alg": "ES256"}], b"m")
    with pytest.raises(BadSignature):
        verify_by(sigs, b"m", LEAF.key)  # an identity key does not come in a certificate


def test_es256_under_a_certificate():
    signer = ES256Signer.generate()
    ends = certificate("firm", signer.private.public_key(), "root", ROOT_KEY, serial=[FIRM])
    (who,) = verify_signatures([CertSigner(signer, [ends, ROOT]).sign(b"m")], b"m")
    assert who.key == signer.key and chain_to_ca(who.x5c, parties_with(ROOT), NOW, FIRM) == "CA-1"


def test_a_certificates_key_is_of_the_algorithm_named():
    p384 = ec.generate_private_key(ec.SECP384R1())
    point = ES256Signer.generate()
    for public, alg in (
        (p384.public_key(), "ES256"),
        (point.private.public_key(), "EdDSA"),
        (LEAF.private.public_key(), "ES256"),
    ):
        der = certificate("firm", public, "root", ROOT_KEY, serial=[FIRM])
        for one in (alg, "SM2-SM3"):
            with pytest.raises(BadSignature):
                verify_signatures([{"alg": one, "sig": b64(bytes(64)), "x5c": [b64(der)]}], b"m")


def test_a_chain_holds_from_its_first_to_its_last_second():
    ends = leaf(since=NOW, until=NOW + DAY)
    for at in (NOW, NOW + DAY):
        assert chain_to_ca([ends, MID, ROOT], parties_with(ROOT), at, FIRM) == "CA-1"
    with pytest.raises(BadSignature):
        chain_to_ca([ends, MID, ROOT], parties_with(ROOT), NOW + DAY + timedelta(seconds=1), FIRM)


def test_an_unknown_extension_that_is_not_critical_is_passed_over():
    ends = leaf(more=[x509.SubjectAlternativeName([x509.DNSName("firm.example")])], noted=[UNKNOWN])
    assert chain_to_ca([ends, MID, ROOT], parties_with(ROOT), NOW, FIRM) == "CA-1"


def test_a_ca_that_is_not_or_no_longer_listed():
    for parties, at in (
        (parties_with(MID), NOW),
        (parties_with(ROOT), NOW + 50 * DAY),
        (parties_with(ROOT), NOW - DAY),
    ):
        with pytest.raises(Refused, match="E-CA"):
            chain_to_ca([leaf(), MID, ROOT], parties, at, FIRM)


FAKE = certificate("root", MID_KEY.public_key(), "root", MID_KEY, ca=(True, None))
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\0")


def mid(**more):
    return certificate("mid", MID_KEY.public_key(), "root", ROOT_KEY, **more)


@pytest.mark.parametrize(
    "chain",
    [
        [],
        [leaf()],
        [ROOT],
        [leaf(), MID],
        [leaf(), ROOT],
        [MID, leaf(), ROOT],
        [leaf(), MID, FAKE],
        [leaf(serial=[]), MID, ROOT],
        [leaf(serial=["91440000000000000Y"]), MID, ROOT],
        [leaf(serial=[FIRM, FIRM]), MID, ROOT],
        [leaf(serial=[FIRM[:9], FIRM[9:]]), MID, ROOT],
        [leaf(until=NOW - DAY), MID, ROOT],
        [leaf(since=NOW + DAY), MID, ROOT],
        [leaf(), mid(), ROOT],
        [leaf(), mid(ca=(False, None)), ROOT],
        [leaf(), mid(ca=(True, 0), usage=False), ROOT],
        [leaf(), mid(ca=(True, 0), until=NOW - DAY), ROOT],
        [leaf(more=[UNKNOWN]), MID, ROOT],
        [leaf(), MID, certificate("root", ROOT_KEY.public_key(), "root", ROOT_KEY, ca=(True, 0))],
        [leaf(), MID, certificate("root", ROOT_KEY.public_key(), "root", ROOT_KEY)],
        [leaf()[:-1], MID, ROOT],
        [b"", MID, ROOT],
        [leaf(), *[MID] * 8, ROOT],
    ],
    ids=range(23),
)
def test_chains_that_do_not_hold(chain):
    with pytest.raises(BadSignature):
        chain_to_ca(chain, parties_with(chain[-1] if chain else b""), NOW, FIRM)


def test_damaged_certificates_raise_nothing_else():
    good = leaf()
    for at in range(0, len(good), 3):
        damaged = good[:at] + bytes([good[at] ^ 0x55]) + good[at + 1 :]
        with pytest.raises((BadSignature, Refused)):
            chain_to_ca([damaged, MID, ROOT], parties_with(ROOT), NOW, FIRM)


def test_raw_public_key_of_a_certificate_is_the_leafs():
    public = LEAF.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    assert verify_signatures([CertSigner(LEAF, [leaf(), MID, ROOT]).sign(b"m")], b"m")[0].key == public
