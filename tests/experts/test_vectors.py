"""The specification's vectors, and those of other shapes."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audit.refusal import Broken
from audit.report import Found
from experts import draw
from experts.told import Draw
from experts.verify_calls import Course, check_order
from experts.verify_draw import Pool

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "draw.json").read_text("utf-8"))
CASES = {one["name"]: one for one in VECTORS["cases"]}
GOOD = [name for name, one in CASES.items() if "fails" not in one]


def test_the_specifications_own_numbers() -> None:
    ctx, secret = VECTORS["ctx"].encode(), bytes.fromhex(VECTORS["secret"])
    assert draw.draw_ctx("D-0001", "T2026-001") == ctx
    assert draw.secret_commit(ctx, secret).hex() == VECTORS["commit"]
    leaves = [draw.leaf_of(bytes.fromhex(salt), expert) for expert, salt, _ in VECTORS["experts"]]
    assert [leaf.hex() for leaf in leaves] == [leaf for *_, leaf in VECTORS["experts"]]
    root = draw.root_of(leaves)
    seed = draw.seed_of(ctx, secret, [bytes.fromhex(nonce) for nonce in VECTORS["nonces"]], root)
    assert (root.hex(), seed.hex()) == (VECTORS["root"], VECTORS["seed"])
    assert [leaves.index(leaf) for leaf in draw.order(seed, leaves)] == VECTORS["order"]
    assert draw.first(seed, leaves, 4) == draw.order(seed, leaves)[:4]


def experts_of(case: Mapping[str, Any]) -> dict[str, tuple[str, bytes, list[str]]]:
    """By leaf: id, salt, specialties."""
    told = case["experts"]
    if isinstance(told, dict):
        ids = [f"E{n:06}" for n in range(told["count"])]
        told = [
            {
                "expert": one,
                "salt": sha256(b"salt " + one.encode()).hexdigest()[:32],
                "specialties": told["specialties"],
            }
            for one in ids
        ]
    return {
        draw.leaf_of(bytes.fromhex(one["salt"]), one["expert"]).hex(): (
            one["expert"],
            bytes.fromhex(one["salt"]),
            one["specialties"],
        )
        for one in told
    }


@pytest.mark.parametrize("name", GOOD)
def test_a_case_of_another_shape(name: str) -> None:
    case = CASES[name]
    ctx, secret = case["ctx"].encode(), bytes.fromhex(case["secret"])
    nonces = [bytes.fromhex(nonce) for nonce in case["nonces"]]
    assert draw.secret_commit(ctx, secret).hex() == case["commit"]
    assert [draw.nonce_commit(ctx, i, one).hex() for i, one in enumerate(nonces, 1)] == case["nonce_commits"]
    known = experts_of(case)
    pool = {bytes.fromhex(leaf): tuple(of) for leaf, (_, _, of) in known.items()}
    shuffled = dict(random.sample(sorted(pool.items()), len(pool)))
    assert sha256(draw.leaves_file(shuffled)).hexdigest() == case["leaves"], (
        "the file does not depend on the order given"
    )
    assert draw.root_of(shuffled).hex() == case["root"]
    seed = draw.seed_of(ctx, secret, nonces, draw.root_of(pool))
    assert seed.hex() == case["seed"]
    order = draw.order(seed, shuffled)
    if "order_sha256" in case:
        assert sha256(b"".join(order)).hexdigest() == case["order_sha256"]
        return
    queues = draw.queues_of(order, draw.parts_of(shuffled, draw.read_need(case["need"])))
    assert {name: [known[leaf.hex()][0] for leaf in queue] for name, queue in queues.items()} == case["queues"]
    ranked = draw.rank_experts(seed, [(salt, expert) for expert, salt, _ in known.values()])
    assert [leaf for leaf, _ in ranked] == order


def test_who_is_able_in_several_counts_for_the_rarest_and_a_tie_goes_by_name() -> None:
    case = CASES["specialties, two of them equally rare"]
    able = {one["expert"]: one["specialties"] for one in case["experts"]}
    queued = {expert: name for name, queue in case["queues"].items() for expert in queue}
    assert set(queued) == set(able), "the needs partition the pool"
    sizes = {name: sum(name in of for of in able.values()) for name in ("civil", "economics", "law")}
    assert sizes == {"civil": 5, "economics": 5, "law": 3}
    assert queued["a2"] == "civil" and queued["a4"] == queued["a5"] == queued["a6"] == "law"


def test_a_leaf_that_stands_twice_is_no_pool() -> None:
    case = CASES["a duplicate leaf"]
    with pytest.raises(Broken, match=case["fails"]):
        draw.root_of([bytes.fromhex(leaf) for leaf in case["leaves"]])


def test_without_a_nonce_nothing_is_drawn() -> None:
    case = CASES["no nonces"]
    with pytest.raises(Broken, match=case["fails"]):
        draw.seed_of(case["ctx"].encode(), bytes.fromhex(case["secret"]), [], bytes.fromhex(case["root"]))


@dataclass(frozen=True)
class Called:
    """A record of a call."""

    index: int
    body: dict[str, Any] = field(default_factory=dict)
    time: datetime = datetime(2026, 3, 2, tzinfo=UTC)

    @property
    def at(self) -> str:
        return f"record {self.index}"

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


@pytest.mark.parametrize("story", VECTORS["calls"], ids=lambda story: story["name"])
def test_calls_follow_the_order(story: dict[str, Any]) -> None:
    order = [VECTORS["experts"][n][2] for n in VECTORS["order"]]
    course = Course()
    for index, (place, outcome) in enumerate(story["records"]):
        record: Any = Called(index, {"leaf": order[place], "specialty": "civil", "outcome": outcome})
        course.records[order[place]].append(record)
        if outcome == "declined":
            course.lost[order[place]] = record
    leaves = [bytes.fromhex(leaf) for leaf in order]
    attempt: Any = SimpleNamespace(
        record={"need": (draw.Need("civil", story["seats"]),), "representatives": 0}, of=lambda name: []
    )
    found = Found(13)
    check_order(Draw("d", [attempt]), course, Pool(dict.fromkeys(leaves, "civil"), {"civil": leaves}), found)
    assert [fault.code for fault in found.faults][:1] == ([story["fails"]] if story["fails"] else [])
