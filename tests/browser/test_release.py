"""The stories of tests/bidding/test_custody.py, told to the browser's module: it releases for nobody they warn of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from audit.canon import b64, instant, stamp
from audit.refusal import Refused
from bidding.manifest import Manifest
from tests.bidding import test_custody as attended
from tests.bidding import test_custody_given_up as given_up
from tests.bidding.kits import custodian_kit
from tests.browser.node import Node
from tests.world import World

STORIES = [
    (module, told)
    for module in (attended, given_up)
    for name, told in vars(module).items()
    if name.startswith("test_") and name != "test_nothing_is_sealed_for_it"  # a bidder's: test_before_sealing.py
]


def cases(story: Callable[..., None]) -> list[dict[str, Any]]:
    """The parameters a story is told with."""
    for mark in getattr(story, "pytestmark", []):
        if mark.name == "parametrize":
            return [dict(zip(mark.args[0], values, strict=True)) for values in mark.args[1]]
    return [{}]


def raw(private: Any) -> str:
    """A box key's scalar, or an identity key's seed, hex."""
    if hasattr(private, "private_numbers"):
        return str(private.private_numbers().private_value.to_bytes(32, "big").hex())
    return str(private.private.private_bytes_raw().hex())


def ask(node: Node, world: World, kit: dict[str, bytes], **how: Any) -> Any:
    since: datetime | None = how.pop("since", None)
    own, receipts = how.pop("own", []), how.pop("receipts", [])
    keys = {"pair": raw(how.pop("private")), "seed": raw(how.pop("identity"))} if "private" in how else {}
    given = dict(
        files={name: b64(data) for name, data in kit.items()}, policy64=b64(world.policy),
        parties64=b64(world.parties), own=[one.data.decode() for one in own],
        receipts64=[b64(one) for one in receipts], now=world.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        without=sorted(how.pop("without", ())), since=stamp(since) if since else None, **how,
    )  # fmt: skip
    try:
        said = node.ask("checkClosing", **given, **keys)
    except Refused as no:
        raise Refused(no.code, **no.facts | {n: instant(no.facts[n]) for n in ("until",) if n in no.facts}) from no
    listed = tuple(Manifest.parse(one.encode()) for one in said["listed"])
    return SimpleNamespace(
        i=said["i"], closed=said["closed"], findings=tuple(said["findings"]), listed=listed,
        hour=instant(said["hour"]), release=said["release"],
        keyset=SimpleNamespace(id=said["keyset"], stage=said["stage"]), again=(world, kit, {**how, "own": own}),
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "story", "case"),
    [(module, story, case) for module, story in STORIES for case in cases(story)],
    ids=lambda one: (
        one.__name__.removeprefix("test_")
        if callable(one)
        else "-".join(map(str, one.values()))[:40]
        if isinstance(one, dict)
        else ""
    ),
)
def test_the_browser_tells_the_same(
    module: Any,
    story: Callable[..., None],
    case: dict[str, Any],
    node: Node,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def check(world: World, tender: Any, kit: dict[str, bytes] | None = None, **how: Any) -> Any:
        arguments = {"tender": tender.id, "stage": "form", "own": [world.statement("C-TEN")]} | how
        return ask(node, world, custodian_kit(world, tender) if kit is None else kit, **arguments)

    def check_kit(view: SimpleNamespace, files: Any, **how: Any) -> Any:
        return ask(node, view.world, files._files, **how)

    def make_release(checked: Any, private: Any, identity: Any) -> Any:
        world, kit, how = checked.again
        made = ask(node, world, kit, **how, private=private, identity=identity).release
        return made["bytes"].encode(), made["sig"]

    monkeypatch.setattr(module, "check", check, raising=False)
    if module is given_up:
        monkeypatch.setattr(module, "seen", lambda world, kit: SimpleNamespace(world=world))
        monkeypatch.setattr(module, "check_kit", check_kit)
    else:
        monkeypatch.setattr(module, "make_release", make_release)
    given = {"world": World(tmp_path), "monkeypatch": monkeypatch, "tmp_path": tmp_path} | case
    story(**{name: given[name] for name in inspect.signature(story).parameters})


def test_its_codes_are_those_of_python() -> None:
    root = Path(__file__).parents[2] / "bidding"
    found = [
        set(re.findall(r'"(C-[A-Z]+)"', path.read_text("utf-8")))
        for path in (root / "custody.py", root / "browser/release.js")
    ]
    assert found[0] == found[1]
