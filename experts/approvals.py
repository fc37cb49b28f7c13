"""Who signs in a draw, and over what: parties, authorities who approve, two keys before the door (draw.md §2, §3). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any, Final

from audit.refusal import Refused
from audit.signature import BadSignature, verify_signatures
from audit.trust import Identities, Parties, record_sig_bytes

APPROVED: Final = "approved"
INDEPENDENT: Final = ("authority", "custodian", "party")
"""Kinds of identity keys that are neither the tenderee's nor the platform's operator."""
PARTIES: Final = (*INDEPENDENT, "tenderee")
"""Kinds of identity keys that may take part in a draw."""
APPROVED_FROM: Final = 3
"""The first attempt of a draw that an authority approves. # draw.md §2.2"""
DOOR: Final = timedelta(minutes=30)
"""How long before a panel meets two keys open its door list. # draw.md §3"""


def unapproved(record: Mapping[str, Any]) -> bytes:
    """What `approved` is signed over: the record-sig bytes of the record without it."""
    return record_sig_bytes({name: value for name, value in record.items() if name != APPROVED})


def kinds_of(identities: Identities, id: str, at: datetime) -> frozenset[str]:
    """As what somebody has an identity key in force."""
    found = set()
    for kind in PARTIES:
        try:
            identities.key(id, kind, at)
        except Refused:
            continue
        found.add(kind)
    return frozenset(found)


def check_parties(identities: Identities, ids: tuple[str, ...], at: datetime) -> None:
    """Two at least, distinct, each with an identity key in force, one of them independent and not the tenderee's.

    Raises Refused E-DRAW-PARTIES (why, id).
    """
    if len(ids) < 2:
        raise Refused("E-DRAW-PARTIES", why="fewer than two parties", id="")
    if len(set(ids)) != len(ids):
        raise Refused("E-DRAW-PARTIES", why="a party stands there twice", id="")
    known = {id: kinds_of(identities, id, at) for id in ids}
    for id, kinds in known.items():
        if not kinds:
            raise Refused("E-DRAW-PARTIES", why="a party without an identity key in force", id=id)
    if not any(kinds and "tenderee" not in kinds for kinds in known.values()):
        raise Refused("E-DRAW-PARTIES", why="nobody but the tenderee", id="")


def check_party(identities: Identities, sigs: Any, message: bytes, id: str, at: datetime) -> None:
    """One signature, by the party's key in force. Raises BadSignature, Refused E-IDENTITY."""
    if not isinstance(sigs, list) or len(sigs) != 1:
        raise BadSignature("one signature")
    identities.check(sigs, message, id, PARTIES, at)


def approved_by(parties: Parties, record: Mapping[str, Any], sigs: Any, at: datetime) -> frozenset[str]:
    """The authorities that approved a record. Raises BadSignature: none did, or a signature is nobody's in force."""
    signed = parties.authorities_of(sigs, unapproved(record), at)
    if not signed:
        raise BadSignature("authority")
    return signed


def two_keys(identities: Identities, record: Mapping[str, Any], sigs: Any, at: datetime) -> frozenset[str]:
    """The ids of different kinds out of party, authority, custodian that opened the door. Raises BadSignature."""
    signers = verify_signatures(sigs, unapproved(record))
    held = []
    for signer in signers:
        holders = {one for one in identities.holders(signer.key, at) if one[1] in INDEPENDENT}
        if signer.alg != "EdDSA" or signer.x5c or not holders:
            raise BadSignature("identity")
        held.append(holders)
    for one, other in combinations(held, 2):
        if any(id != id_ and kind != kind_ for id, kind in one for id_, kind_ in other):
            return frozenset(id for holders in held for id, _ in holders)
    raise BadSignature("two kinds of keys")
