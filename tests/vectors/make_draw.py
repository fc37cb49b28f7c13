"""Write `draw.json`: fixed inputs and what follows from them, for every implementation of experts/draw.md.

    python -m tests.vectors.make_draw

Its first keys are the specification's own and never change. `cases` are pools of other shapes: `fails` names the code of
what does not hold; of a thousand experts only the hash of the order stands here. `calls` are records of calls of the ten.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from audit.canon import canon
from experts import draw

PATH = Path(__file__).with_name("draw.json")
SECRET = bytes(range(32))
NONCES = [bytes([n]) * 32 for n in (1, 2, 3)]


def ctx(name: str) -> bytes:
    """What the commitments of a case are bound to."""
    return draw.draw_ctx(sha256(name.encode()).hexdigest()[:32], "T-1@8")


def salt(expert: str) -> bytes:
    """Fixed, so that everybody can make the pool again."""
    return sha256(b"salt " + expert.encode()).digest()[:16]


def case(name: str, experts: dict[str, list[str]], need: list[tuple[str, int]], nonces: list[bytes] = NONCES) -> Any:
    """One pool, and the order of each specialty."""
    made: dict[str, Any] = {
        "name": name,
        "ctx": ctx(name).decode(),
        "secret": SECRET.hex(),
        "commit": draw.secret_commit(ctx(name), SECRET).hex(),
        "nonces": [nonce.hex() for nonce in nonces],
        "nonce_commits": [draw.nonce_commit(ctx(name), i, nonce).hex() for i, nonce in enumerate(nonces, 1)],
        "need": [{"specialty": specialty, "count": count} for specialty, count in need],
    }
    pool = {draw.leaf_of(salt(expert), expert): tuple(sorted(of)) for expert, of in experts.items()}
    ids = {draw.leaf_of(salt(expert), expert): expert for expert in experts}
    root = draw.root_of(pool)
    seed = draw.seed_of(ctx(name), SECRET, nonces, root)
    order = draw.order(seed, pool)
    queues = draw.queues_of(order, draw.parts_of(pool, [draw.Need(*one) for one in need]))
    made |= {"leaves": sha256(draw.leaves_file(pool)).hexdigest(), "root": root.hex(), "seed": seed.hex()}
    if len(experts) > 100:
        made["experts"] = {"count": len(experts), "id": "E000000 and so on, six digits", "specialties": [need[0][0]]}
        made["order_sha256"] = sha256(b"".join(order)).hexdigest()
    else:
        made["experts"] = [
            {
                "expert": one,
                "salt": salt(one).hex(),
                "leaf": draw.leaf_of(salt(one), one).hex(),
                "specialties": sorted(of),
            }
            for one, of in experts.items()
        ]
        made["queues"] = {name: [ids[leaf] for leaf in queue] for name, queue in sorted(queues.items())}
    return made


def cases() -> list[dict[str, Any]]:
    """Every case."""
    several = {
        "a1": ["civil"], "a2": ["civil", "economics"], "a3": ["economics"], "a4": ["civil", "economics", "law"],
        "a5": ["civil", "law"], "a6": ["economics", "law"], "a7": ["civil"], "a8": ["economics"],
    }  # fmt: skip
    leaf = draw.leaf_of(salt("E000000"), "E000000").hex()
    return [
        case("one expert", {"E000000": ["civil"]}, [("civil", 1)]),
        case("a non-ASCII id", {"专家甲": ["civil"], "é": ["civil"], "😀": ["civil"]}, [("civil", 2)]),
        case("specialties, two of them equally rare", several, [("civil", 2), ("economics", 1), ("law", 2)]),
        case("a thousand", {f"E{n:06}": ["civil"] for n in range(1000)}, [("civil", 5)]),
        {"name": "a duplicate leaf", "leaves": [leaf, leaf], "fails": "D-LEAF-TWICE"},
        {"name": "no nonces", "ctx": ctx("no nonces").decode(), "secret": SECRET.hex(), "nonces": [], "root": leaf,
         "fails": "D-NO-NONCE"},
    ]  # fmt: skip


def calls() -> list[dict[str, Any]]:
    """Calls of the specification's ten experts, for two seats, by their place in the order; `outcome` of each record."""
    return [
        {"name": "in order", "seats": 2, "records": [[0, "accepted"], [1, "declined"], [2, "accepted"]], "fails": None},
        {"name": "two at once", "seats": 2, "records": [[1, "accepted"], [0, "accepted"]], "fails": None},
        {"name": "the first is skipped", "seats": 2, "records": [[1, "accepted"], [2, "accepted"]], "fails": "D-SKIPPED"},
        {"name": "one too many", "seats": 2, "records": [[0, "accepted"], [1, "no_answer"], [2, "accepted"]],
         "fails": "D-OPEN"},
    ]  # fmt: skip


def main() -> None:
    given = json.loads(PATH.read_text("utf-8"))
    kept = {name: given[name] for name in ("ctx", "secret", "commit", "nonces", "experts", "root", "seed", "order")}
    whole = {**kept, "cases": cases(), "calls": calls()}
    canon(whole)
    PATH.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
