"""What is signed in an online auction (log.md §8): by the key of a bid to take part, by a number's own key to bid."""

from __future__ import annotations

from audit.trust import record_sig_bytes


def joining(tender: str, bid: str, key: str) -> bytes:
    """What a bidder signs, with the key of its bid, to take part under `key` (base64 of a raw Ed25519 key)."""
    said = {"type": "trading.auction-joined/v1", "subject": tender, "tender": tender, "bid": bid, "key": key}
    return record_sig_bytes(said)


def crying(tender: str, number: int, price: int) -> bytes:
    """What a number signs, with its own key, to bid a price in fen."""
    said = {"type": "trading.auction-bid/v1", "subject": tender, "tender": tender, "number": number, "price": price}
    return record_sig_bytes(said)
