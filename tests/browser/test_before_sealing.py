"""The stories of tests/bidding/test_before_sealing.py, told to the browser's module: it seals for nobody they warn of."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audit.canon import b64, instant
from audit.checkpoint import Checkpoint
from audit.merkle import Leaves, Tiles, consistency_proof, tile_width
from audit.refusal import Refused
from bidding.view import Unproven
from tests.bidding import test_before_sealing as stories
from tests.bidding.kits import sealing_kit
from tests.browser.node import Node
from tests.world import World

STORIES = [
    told
    for name, told in vars(stories).items()
    if name.startswith("test_")
    # a policy of another quorum goes past the helper that is exchanged here: below
    if name != "test_a_policy_without_witnesses_is_refused"
]


def ask(node: Node, world: World, kit: dict[str, bytes], tender: str, **how: Any) -> Any:
    kept: Checkpoint | None = how.pop("kept", None)
    given = {name: sorted(value) for name, value in how.items()}
    said = node.ask(
        "beforeSealing",
        files={name: b64(data) for name, data in kit.items()},
        policy64=b64(world.policy),
        parties64=b64(world.parties),
        kept=kept and {"origin": kept.origin, "size": kept.size, "root": kept.root.hex()},
        tender=tender,
        now=world.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        **given,
    )
    guards = {
        stage: SimpleNamespace(
            custodians=[SimpleNamespace(custodian=one) for one in guard["custodians"]], hour=instant(guard["hour"])
        )
        for stage, guard in said["guards"].items()
    }
    return SimpleNamespace(
        tender=said["tender"],
        deadline=instant(said["deadline"]),
        guards=guards,
        keysets={stage: guard["keyset"] for stage, guard in said["guards"].items()},
        checkpoint=SimpleNamespace(**said["checkpoint"]),
    )


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__[5:])
def test_the_browser_tells_the_same(
    story: Callable[..., None], node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(world: World, tender: Any, kit: dict[str, bytes], tender_id: str = "", **how: Any) -> Any:
        return ask(node, world, kit, tender_id or tender.id, **how)

    def seen(world: World, kit: dict[str, bytes], **how: Any) -> Any:
        """Python's `look` alone; here it is the first half of the one check."""
        try:
            return ask(node, world, kit, next(one.tender for one in tenders if one.world is world).id, **how)
        except Refused as no:
            assert no.code == "E-KEYSET"
            raise Unproven(no.facts["why"]) from no

    tenders: list[Any] = []
    original = World.tender

    def made(self: World, *given: Any, **how: Any) -> Any:
        tender = original(self, *given, **how)
        tenders.append(SimpleNamespace(world=self, tender=tender))
        return tender

    monkeypatch.setattr(World, "tender", made)
    monkeypatch.setattr(stories, "check", check)
    monkeypatch.setattr(stories, "seen", seen)
    world = World(tmp_path)
    given = {"world": world, "monkeypatch": monkeypatch}
    story(**{name: given[name] for name in inspect.signature(story).parameters})


def test_a_policy_without_witnesses_is_refused(node: Node, tmp_path: Path) -> None:
    world = World(tmp_path)
    tender = world.tender("T1")
    kit = sealing_kit(world, tender)
    ask(node, world, kit, tender.id)
    world.policy = world.policy.replace(b"quorum q", b"quorum none")
    with pytest.raises(Refused, match="E-QUORUM-NONE"):
        ask(node, world, kit, tender.id)


@pytest.mark.parametrize(("old", "size"), [(1, 2), (3, 7), (255, 256), (256, 600), (300, 70_000), (65_536, 70_001)])
def test_a_proof_out_of_tiles(node: Node, old: int, size: int) -> None:
    """The path that Python makes, from no more tiles than Python reads."""
    leaves = [os.urandom(32) for _ in range(size)]
    source, read = Leaves(leaves), dict[str, bytes]()

    def tile(level: int, number: int, width: int) -> bytes:
        assert width == tile_width(size, level, number)
        at = range(256 * number, 256 * number + width)
        read[f"{level} {number} {width}"] = b"".join(source.node(8 * level, index) for index in at)
        return read[f"{level} {number} {width}"]

    expected = consistency_proof(Tiles(size, tile), old, size)
    said = node.ask("consistency", old=old, size=size, tiles={name: b64(data) for name, data in read.items()})
    assert said == [b64(one) for one in expected]
