"""The files an archive edition owes, computed from what the centre holds (log.md §7).

The builder asks the very rules that ``verify`` asks (``owed`` of its steps), so an archive cannot lack a file that
verification wants or carry one that it cannot bind. Pure: bytes, paths and values in, (path, content) out, for
``audit.archive.write_archive``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Content = bytes | Path
"""A file's bytes, or where they lie (payloads: never read into memory here)."""
Edition = Literal["public", "supervision"]


@dataclass(frozen=True)
class Disclosed:
    """A record the centre may show: its place in the log, the nonce of its entry (None: clear), its bytes."""

    index: int
    nonce: bytes | None
    record: bytes


class Tree(Protocol):
    """The log as stored, up to the checkpoint the archive ends in."""

    def entries(self, start: int, stop: int) -> Sequence[bytes]:
        """Leaves ``start`` … ``stop - 1``."""

    def node(self, level: int, index: int) -> bytes:
        """The root of the complete subtree number ``index`` of 2**``level`` leaves (``audit.merkle.HashReader``)."""


@dataclass(frozen=True)
class Material:
    """All that an edition may be made from. More than it owes is welcome: the builder chooses."""

    tender: str
    origin: str
    size: int
    """Leaves of the checkpoint the archive ends in; it must come after the tender's ``archived`` record."""
    policy: bytes
    parties: bytes
    rulebook: bytes
    notes: Mapping[int, bytes]
    """Cosigned checkpoints by size: at least every beat's since the first bundle, ``@<size>`` and ``size``."""
    tree: Tree
    disclosed: Sequence[Disclosed]
    """Every blinded record of the tender (whatever its rule), every registration of a bidder's key, and, below the
    first bundle, the clear records that may be needed: record 0, trust files, vouchings, statements' registrations
    and rehearsals, the roster."""
    files: Mapping[str, Content] = field(default_factory=dict)
    """Further files under the path they take in the archive: ``keysets/``, ``statements/``, ``registrations/``,
    ``probes/``, ``bids/``, ``releases/``, ``draw/``, ``evaluation/``. Superfluous ones are left out."""


def edition_files(material: Material, edition: Edition) -> Iterator[tuple[str, Content]]:
    """Every file of this edition but MANIFEST, in no particular order.

    Raises ``Broken("A-OWED", path=…)`` when the material lacks one that is owed.
    """
    raise RuntimeError("filled in by the next commit")
