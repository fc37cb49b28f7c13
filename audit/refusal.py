"""The two errors of the house.

``Refused``: a rule says no. It becomes a page or a problem document in one place, at the edge.
``Broken``: a proof, a signature or a byte string does not hold. It stops the act; the edge raises an alert.
Everything else that is raised is our bug, and loud. Nothing here makes sentences: ``code`` and ``facts``
are looked up in the message catalogue by whoever speaks to people.
"""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A rule says no.

    ``code`` names the rule (``E-LATE``), ``article`` the statute or section it stands in (any value the
    raiser's floor uses for it), ``facts`` the values a sentence needs.
    """

    def __init__(self, code: str, article: Any = None, **facts: Any) -> None:
        super().__init__(code, article, facts)
        self.code = code
        self.article = article
        self.facts = facts

    def __str__(self) -> str:
        return _line(self.code, self.facts)

    def __reduce__(self) -> Any:
        return _revive, (type(self), (self.code, self.article), self.facts)


class Broken(Exception):
    """A proof does not hold. ``code`` names which kind (``N-QUORUM``), ``facts`` say where."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        return _line(self.code, self.facts)

    def __reduce__(self) -> Any:
        return _revive, (type(self), (self.code,), self.facts)


def _line(code: str, facts: dict[str, Any]) -> str:
    return " ".join([code, *(f"{name}={value!r}" for name, value in facts.items())])


def _revive(kind: type[Exception], args: tuple[Any, ...], facts: dict[str, Any]) -> Exception:
    """Facts are keywords, which the default pickling of exceptions would lose between processes."""
    if issubclass(kind, Refused | Broken) and kind.__init__ in (Refused.__init__, Broken.__init__):
        return kind(*args, **facts)
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update({"code": args[0], "facts": facts})
    return error
