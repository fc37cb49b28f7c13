"""A kit as it comes from the platform, and the proof that its log continues the one this tool has seen before."""

from __future__ import annotations

import io
from typing import BinaryIO

from audit.archive import Archive
from audit.canon import b64
from audit.checkpoint import checkpoint_of
from audit.merkle import Tiles, consistency_proof, tile_path
from audit.refusal import Broken, Refused
from bidding.view import View, look
from trading.client import Platform
from trading.tools.memory import Memory
from trading.tools.trust import Trust


class Kit:
    """The files of a kit in memory, with what the tool fetched beside them. Nothing in it is believed yet."""

    def __init__(self, data: bytes) -> None:
        """Raises Refused("T-KIT") for bytes that are no archive."""
        try:
            self._archive = Archive(io.BytesIO(data))
        except Broken as error:
            raise Refused("T-KIT", why=str(error)) from error
        self._more: dict[str, bytes] = {}

    @property
    def names(self) -> list[str]:
        """Paths in it."""
        return [*self._archive.names, *self._more]

    def read(self, name: str) -> bytes:
        """The bytes of one. Raises KeyError, or Broken for damage."""
        return self._more[name] if name in self._more else self._archive.read(name)

    def opened(self, name: str) -> BinaryIO:
        """The same as a seekable stream."""
        return io.BytesIO(self.read(name))

    def add(self, name: str, data: bytes) -> None:
        """Lay a file beside those that came."""
        self._more[name] = data


def see(kit: Kit, trust: Trust, memory: Memory, platform: Platform | None = None) -> View:
    """Verify a kit against the tool's own trust files, clock and memory, and keep its checkpoint.

    `platform` gives the tiles for the proof that the log only grew; without it (offline) the kit itself must reach back
    to the checkpoint kept. Raises `bidding.view.Unproven`, Refused("T-MEMORY").
    """
    kept = memory.checkpoint(trust.policy)
    try:
        size = checkpoint_of(kit.read("checkpoint")).size
    except (Broken, KeyError) as error:
        raise Refused("T-KIT", why=str(error)) from error
    if kept is not None and platform is not None and 0 < kept.size < size:

        def tile(level: int, number: int, width: int) -> bytes:
            return platform.fetch("/log/" + tile_path(level, number, width).lstrip("/"))

        try:
            hashes = consistency_proof(Tiles(size, tile), kept.size, size)
        except Broken as error:
            raise Refused("T-KIT", why=str(error)) from error
        kit.add(f"consistency/{kept.size}", ("\n".join(b64(value) for value in hashes) + "\n").encode())
    view = look(kit, trust.policy, trust.parties, kept=kept)
    memory.keep_checkpoint(view.note.note, trust.policy)
    return view
