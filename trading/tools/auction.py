"""The bidder's side of an online auction 网上竞价: a key of its own, bids signed here, receipts checked and kept.

The key lies in the tool's memory (0600) before anybody hears of it: whoever loses it has lost its number.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from audit.canon import b64, sha256_hex
from audit.receipt import Receipt, check_receipt
from audit.refusal import Refused
from audit.signature import Ed25519Signer, Signer
from audit.trust import Policy
from trading.client import Platform
from trading.cries import crying, joining
from trading.tools.bidder import plain_receipt
from trading.tools.memory import Memory


def key_of(memory: Memory, tender: str, *, make: bool = False) -> Ed25519Signer:
    """The key of this auction, made if it is asked for. Raises Refused T-AUCTION-KEY (there is none)."""
    name = f"auctions/{sha256_hex(tender.encode())[:16]}.key"
    seed = memory.get(name)
    if seed is None and make:
        seed = secrets.token_bytes(32)
        memory.put(name, seed)
    if seed is None:
        raise Refused("T-AUCTION-KEY", tender=tender)
    return Ed25519Signer.from_seed(seed)


def join(platform: Platform, memory: Memory, policy: Policy, tender: str, bid: str, signer: Signer) -> Receipt:
    """Take part with a bid, signed by the key that signed it. Raises Refused T-RECEIPT, Answered."""
    key = b64(key_of(memory, tender, make=True).key)
    body = {"bid": bid, "key": key, "sig": [signer.sign(joining(tender, bid, key))]}
    told = platform.post(f"/tenders/{tender}/auction/bidders", body)
    return _kept(memory, policy, told, "auction-joined", tender=tender, bid=bid, key=key)


def bid(platform: Platform, memory: Memory, policy: Policy, tender: str, price: int) -> Mapping[str, Any]:
    """Bid a price in fen under one's number; where the auction stands. The receipt is kept. Raises as `join`."""
    key = key_of(memory, tender)
    number = platform.get(f"/tenders/{tender}/auction")["own"]
    if number is None:
        raise Refused("E-AUCTION-NUMBER", number="")
    body = {"price": price, "sig": [key.sign(crying(tender, number, price))]}
    told: Mapping[str, Any] = platform.post(f"/tenders/{tender}/auction/bids", body)
    _kept(memory, policy, told, "auction-bid", tender=tender, number=number, price=price, sig=body["sig"])
    return {name: told[name] for name in ("number", "standing", "least", "hammer")}


def _kept(memory: Memory, policy: Policy, told: Mapping[str, Any], what: str, **fields: Any) -> Receipt:
    """The receipt, if it promises just this fact; kept beside the key."""
    receipt = plain_receipt(told["receipt"])
    record = check_receipt(receipt, policy).record
    if record["type"] != f"trading.{what}/v1" or any(record.get(name) != value for name, value in fields.items()):
        raise Refused("T-RECEIPT", stage=what)
    memory.put(f"auctions/{sha256_hex(receipt.record)[:16]}.receipt.json", receipt.format())
    return receipt
