"""Modules that were changed in one place give themselves away: the tests beside this one are not content with anything."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.refusal import Refused
from tests.browser import test_before_sealing as before
from tests.browser import test_sealing as sealing
from tests.browser import test_vectors as vectors
from tests.browser.node import ROOT, Node

Story = Callable[[Node, Path], None]
VERDICTS = {one["name"]: one for one in vectors.VECTORS["verdicts"]}


def verdict(name: str) -> Story:
    return lambda node, tmp: vectors.test_verdicts(node, VERDICTS[name])


def error(check: str, code: str) -> Story:
    """Every vector of that check and code."""

    def tell(node: Node, tmp: Path) -> None:
        for one in vectors.VECTORS["errors"]:
            if (one["check"], one["code"]) == (check, code):
                vectors.test_errors(node, one)

    return tell


def warned(name: str) -> Story:
    """A story of what is refused before sealing."""

    def tell(node: Node, tmp: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            before.test_the_browser_tells_the_same(getattr(before.stories, name), node, tmp, patch)

    return tell


MUTANTS: list[tuple[str, str, str, Story]] = [
    ("envelope.js", 'join("trading/ck/v1\\0", ctx, await digest(header))', 'join("trading/ck/v1\\0", ctx)',
     lambda node, tmp: sealing.test_the_same_coins_give_the_same_bytes(node, tmp)),
    ("envelope.js", "low ^ i", "low + i", lambda node, tmp: sealing.test_the_same_coins_give_the_same_bytes(node, tmp)),
    ("envelope.js", "setUint32(8, low ^ i)", "setUint32(8, low)",
     lambda node, tmp: sealing.test_documents_sealed_in_the_browser_open_in_python(node, tmp)),
    ("envelope.js", "[...is.string(value)].length", "is.string(value).length * 0",
     verdict("a text of five code points")),
    ("boxes.js", "ctx, head, i), 32)", "head, ctx, i), 32)",
     lambda node, tmp: vectors.test_the_envelope_is_a_function_of_key_and_context(node)),
    ("boxes.js", "0x11b", "0x11d", lambda node, tmp: vectors.test_the_specifications_own_numbers(node)),
    ("opening.js", "if (at.length) return", "if (0) return", verdict("a box without its share")),
    ("opening.js", "this.total !== this.length + padding(this.length)", "false",
     verdict("a block of padding too many")),
    ("opening.js", 'windowEnded ? "X-STORE" : "PENDING"', '"X-STORE"', verdict("bytes gone, window open")),
    ("arrival.js", "sigs.length !== 1", "false", error("signer", "E-SIGNER")),
    ("arrival.js", "keyring.mayFollow(bidder, last.key, key)", "true", error("signer", "E-SIGNER")),
    ("arrival.js", "box.length !== BOX", "false", error("boxes", "E-BOXES")),
    ("arrival.js", "last?.withdrawn", "false", error("sequence", "E-SEQ")),
    ("sealing.js", "one.clear || SEALED.has(one.type)", "true",
     warned("test_an_announcement_that_one_bidder_alone_is_shown")),
    ("sealing.js", "one.index >= first &&", "", warned("test_an_announcement_from_before_its_tender")),
    ("sealing.js", "other.index < one.index", "false",
     warned("test_a_replaced_key_signs_nothing_by_a_record_dated_back")),
    ("sealing.js", "same(root, note.root)", "true", warned("test_a_record_that_the_log_does_not_hold")),
    ("sealing.js", "note.time >= moment - FRESH * SECOND * factor", "true", warned("test_a_stale_checkpoint")),
    ("sealing.js", "made.index < announced.index", "true", warned("test_a_key_set_made_after_the_announcement")),
    ("sealing.js", "signed.some((one) => one.key === known.key)", "true",
     warned("test_a_statement_under_a_forged_identity")),
    ("sealing.js", "same(proof, await rehearsalProof(challenge, r))", "true",
     warned("test_a_key_that_was_never_rehearsed")),
]  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The browser's modules and the hands that call them, to be changed."""
    root = tmp_path_factory.mktemp("mutants")
    for folder in ("audit/browser", "bidding/browser"):
        shutil.copytree(ROOT / folder, root / folder)
    (root / "tests/browser").mkdir(parents=True)
    for name in ("hands.js", "hands.mjs"):
        shutil.copy(ROOT / "tests/browser" / name, root / "tests/browser")
    return root


@pytest.mark.parametrize(("file", "old", "new", "story"), MUTANTS, ids=lambda it: it if isinstance(it, str) else "")
def test_a_change_in_one_place_is_seen(copy: Path, tmp_path: Path, file: str, old: str, new: str, story: Story) -> None:
    path = copy / "bidding/browser" / file
    text = path.read_text("utf-8")
    assert old in text, "the module has changed: choose another place"
    path.write_text(text.replace(old, new, 1), "utf-8")
    (tmp_path / "story").mkdir()
    try:
        with Node(copy) as node, pytest.raises((AssertionError, Refused, pytest.fail.Exception)):
            story(node, tmp_path / "story")
    finally:
        path.write_text(text, "utf-8")


def test_an_unchanged_copy_tells_everything(copy: Path, tmp_path: Path) -> None:
    """The control."""
    with Node(copy) as node:
        for n, (*_, story) in enumerate(MUTANTS):
            (tmp_path / str(n)).mkdir()
            story(node, tmp_path / str(n))
