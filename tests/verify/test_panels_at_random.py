"""Panels that do anything at all, lawful or not, each act signed as it should be: both verifiers name the same step."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from audit.refusal import Broken, Refused
from tests.attacks.conftest import EDITIONS, Stage
from tests.verify.panels import REGIMES, RULES, finish
from tests.world_draw import LOST, Panel, Roster
from trading.law.methods import Sheet

pytestmark = pytest.mark.slow

FATES = (
    "accepted",
    "accepted",
    "accepted",
    "declined",
    "conflict",
    "unreachable",
    "busy",
    "late",
    "no_show",
    "removed",
)


class Wild:
    """One tender whose panel is moved by dice; ``wrong``: how often it does what it should not."""

    def __init__(self, folder: Path, seed: str, wrong: float) -> None:
        self.dice, self.wrong, self.stage = random.Random(seed), wrong, Stage(folder)
        self.roster = Roster(self.stage.world, self.dice.choice([24, 40]))
        self.tender = self.stage.bids(**{**REGIMES["works"], **RULES})
        if self.errs():
            self.roster.admit(["late"])
        self.tender.open()
        self.panel = self.begin()

    def errs(self) -> bool:
        return self.dice.random() < self.wrong

    def begin(self) -> Panel:
        """A draw with some attempts."""
        names = list(self.roster.specialties)
        excluded = {name: self.dice.choice(["kin", "leave"]) for name in self.dice.sample(names, 2)}
        how: dict[str, Any] = {"excluded": excluded, "meets": self.dice.choice([1, 30])}
        if self.dice.random() < 0.4:
            how |= {"need": [("civil", 2), ("economics", 2)], "representatives": 1}
        if self.errs():
            how["left_out"] = names[:1]
        panel = Panel(self.tender, self.roster, **how)
        if self.errs():
            panel.replaces = None if panel.replaces else "ab" * 16
        while self.dice.random() < 0.3:
            panel.fail(
                self.dice.randint(1, 3), approved=["A-SUP"] if len(panel.attempts) > 1 and not self.errs() else []
            )
        attempt = panel.commit(approved=["A-SUP"] if len(panel.attempts) > 1 and not self.errs() else [])
        panel.say(reveals=False, leave_out=[2] if self.errs() else [])
        if self.errs():
            self.stage.world.wait(self.dice.choice([100, 400]))
        if self.errs():
            attempt.nonces[1] = bytes(32)
        panel.say(reveals=True, leave_out=[1] if self.errs() else [])
        if self.errs():
            panel.void(attempt.number, self.dice.randint(1, 4))
        return panel

    def ring(self) -> None:
        """Some calls, the next in order or any."""
        queues, panel = self.panel.queues, self.panel
        for specialty, count in panel.need:
            while len(panel.sitting(specialty)) < count:
                waiting = [leaf for leaf in queues[specialty] if leaf not in panel.called()]
                if not waiting:
                    break
                leaf = self.dice.choice(waiting) if self.errs() else waiting[0]
                panel.fare(leaf, specialty, self.dice.choice(FATES))
        if self.errs():
            leaf = self.dice.choice([*panel.called(), queues["civil"][-1]])
            panel.lose(
                leaf, self.dice.choice(["civil", "economics"]), self.dice.choice(LOST), self.dice.choice(["", "A-SUP"])
            )
        if self.errs():
            panel.log(
                "panel-exhausted", attempt=len(panel.attempts), specialty=self.dice.choice(["civil", "economics"])
            )

    def sit(self) -> None:
        """Those who accepted sit; perhaps somebody is lost and replaced."""
        self.panel.sit()
        if self.errs():
            self.panel.check_in(self.dice.randint(1, 6), self.dice.choice([None, *self.panel.called()]))
        for seat in self.dice.sample(range(1, 6), self.dice.choice([0, 0, 1, 2])):
            if self.dice.random() < 0.5 or self.panel.seats[seat] is None:
                self.panel.declare(seat, conflict=True)
                if self.panel.seats[seat] is None and not self.errs():
                    self.panel.check_in(seat, None, self.stage.world.people["C-TEN"])
            else:
                leaf = str(self.panel.seats[seat])
                part = self.panel.called()[leaf][0].body["specialty"]
                self.panel.lose(
                    leaf, part, self.dice.choice(["declined", "no_show", "removed", "conflict"]), by="A-SUP"
                )
        if not self.errs():
            self.ring()
            self.panel.sit()

    def score(self) -> None:
        """Declarations, commitments and sheets, more or less in their order."""
        sheets: list[Sheet] = []
        for seat in range(1, 6):
            if not self.errs():
                self.panel.declare(seat, conflict=self.errs())
        order = self.dice.sample(range(1, 6), 5)
        for seat in order:
            sheets.append(self.panel.commit_score(seat))
            if self.errs():
                self.panel.reveal_score(sheets.pop(0))
        for sheet in sheets:
            self.panel.reveal_score(sheet, signer=self.stage.world.key if self.errs() else None)
        if self.dice.random() < 0.3:
            seat = self.dice.randint(1, 5)
            self.panel.reveal_score(self.panel.commit_score(seat, self.tender.sheet(seat, lambda *_: "55")))

    def read(self) -> None:
        """Somebody looks at the names."""
        if self.errs():
            keys = self.dice.sample(["P-NOT", "C-SUP", "C-NOT", "A-SUP", "A-FIN", "P-TEN"], 2)
            self.panel.read(self.dice.choice(["seated", "two_keys"]), keys)
            return
        self.stage.world.until(self.panel.meets)
        self.panel.read("two_keys", ["P-NOT", "C-SUP"])

    def live(self) -> None:
        """From the first call to the archive."""
        self.ring()
        if self.dice.random() < 0.3:
            self.read()
        if self.errs():
            self.panel = self.begin()
            self.ring()
        self.sit()
        if self.dice.random() < 0.3:
            self.read()
        self.score()
        finish(self.tender, self.panel, silent=[2], dissent=[3])


@pytest.mark.parametrize("wrong", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("seed", range(4))
def test_both_verifiers_agree(tmp_path: Path, seed: int, wrong: float) -> None:
    named = judged(tmp_path, f"{seed} {wrong}", wrong)
    assert wrong or named is None, "without a wrong act nothing fails"


def judged(folder: Path, seed: str, wrong: float) -> str | None:
    """The first step that failed; "" where the world could not go on."""
    wild = Wild(folder, seed, wrong)
    try:
        wild.live()
        said = [(edition, *wild.stage.judge(wild.tender, edition)) for edition in EDITIONS]
    except (Broken, Refused, KeyError, IndexError, ValueError):
        return ""
    named: str | None = None
    for edition, report, other in said:
        named = report.failed.code if report.failed else None
        assert (report.exit, named) == other[:2], (seed, edition, report.failed, other)
        assert "V-INTERNAL" not in {fault.code for step in report.steps for fault in step.faults}, seed
    return named
