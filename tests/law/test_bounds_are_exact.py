"""Every number of a checked rule, one more or one less: the test of its own row notices.

A bound that only a neighbour's test holds, or that nobody reads, would drift in silence. So each number is changed where
it stands, in the rule and in the books that pinned it, and the row's test must fail.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from audit.refusal import Refused
from tests.law.rows import books
from tests.world import World
from trading.law import rules
from trading.law.article import Rule, Value
from trading.law.rulebook import Rulebook


def numbers(rule: Rule) -> Iterator[str]:
    """The names of the numbers in a value."""
    if isinstance(rule.value, tuple):
        yield from (name for name, number in rule.value if isinstance(number, int))
    elif isinstance(rule.value, int):
        yield ""


ROWS = [rule for rule in rules.ALL if rule.checked and rule.test]
NUMBERS = [(rule.id, name) for rule in ROWS for name in numbers(rule)]
"""A rule's id, and the name of one of its several numbers ("" for the only one). All others of the table say what must, may
or must not be, in a word."""
NOTICED = (AssertionError, Refused, pytest.fail.Exception)


def changed(value: Value, name: str, by: int) -> Value:
    if isinstance(value, tuple):
        return tuple((one, other(number, by) if one == name else number) for one, number in value)
    return int(value) + by


def other(number: int | str, by: int) -> int | str:
    """One more or less; of yes (an odd number of members) it is no."""
    return not number if isinstance(number, bool) else int(number) + by


@contextmanager
def instead(rule: Rule, value: Value) -> Iterator[None]:
    """The rule with another value, in the house and in every book of the rows."""
    shelf = [one for one in vars(books).values() if isinstance(one, Rulebook | books.Sheet) and rule.id in one.values]
    before = rule.value

    def write(told: Value) -> None:
        object.__setattr__(rule, "value", told)
        for book in shelf:
            book.values[rule.id] = (told, rule.unit)
            vars(book).pop("rules", None)

    write(value)
    try:
        yield
    finally:
        write(before)


def ask(row: str, folder: Path) -> None:
    """The test of a row, with each set of its parameters."""
    path, name = row.split("::")
    test = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
    tables = []
    for mark in getattr(test, "pytestmark", ()):
        names, given = mark.args[:2]
        names = [one.strip() for one in names.split(",")] if isinstance(names, str) else list(names)
        tables.append([dict(zip(names, one if len(names) > 1 else (one,), strict=True)) for one in given])
    fixtures = {"tmp_path": lambda: folder, "world": lambda: World(folder)}
    wanted = {name for name in inspect.signature(test).parameters if name in fixtures}
    for number, chosen in enumerate(itertools.product(*tables)):
        folder = folder / str(number)
        test(
            **{name: fixtures[name]() for name in wanted},
            **{name: one for part in chosen for name, one in part.items()},
        )


@pytest.mark.parametrize("by", [1, -1])
@pytest.mark.parametrize(("id", "name"), NUMBERS)
def test_one_more_or_one_less_is_noticed(id: str, name: str, by: int, tmp_path: Path) -> None:
    rule = rules.RULES[id]
    with instead(rule, changed(rule.value, name, by)), pytest.raises(NOTICED):  # type: ignore[arg-type]
        ask(rule.test, tmp_path)


def test_a_formula_is_read(tmp_path: Path) -> None:
    """GP-37 is the one number that stands inside a word."""
    rule = rules.RULES["GP-37"]
    with instead(rule, "base/bid*99"), pytest.raises(NOTICED):  # type: ignore[arg-type]
        ask(rule.test, tmp_path)


@pytest.mark.parametrize("row", sorted({rules.RULES[id].test for id, _ in NUMBERS} | {rules.RULES["GP-37"].test}))
def test_the_control(row: str, tmp_path: Path) -> None:
    """As the law has it, the same calls pass."""
    ask(row, tmp_path)
