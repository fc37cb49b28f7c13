"""Text on stdin, WAV on stdout: the espeak-ng library of the package `espeakng-loader`, which reads Hanzi.

Run as a program of its own (`python espeak.py VOICE SPEED`) and imported by nothing: the library is under the GPL, and a
fault in it ends this process, not the dispatcher. The text comes by stdin, because a command line can be read by others.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from typing import Any

SYNCHRONOUS, RATE, CHARACTERS, UTF8 = 2, 1, 1, 1  # speak_lib.h


def speak(text: str, voice: str, speed: int) -> tuple[int, bytes]:
    """Sample rate and 16-bit mono samples. Raises OSError where the library says no."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise OSError("espeak_Initialize")
    samples: list[bytes] = []

    def came(wav: Any, count: int, _: Any) -> int:
        if wav and count > 0:
            samples.append(ctypes.string_at(wav, 2 * count))
        return 0

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    callback = kind(came)  # held by a name of its own while the library may call it
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()):
        raise OSError("espeak_SetVoiceByName")
    library.espeak_SetParameter(RATE, speed, 0)
    words = text.encode() + b"\0"
    if library.espeak_Synth(words, ctypes.c_size_t(len(words)), 0, CHARACTERS, 0, UTF8, None, None):
        raise OSError("espeak_Synth")
    library.espeak_Synchronize()
    return rate, b"".join(samples)


if __name__ == "__main__":
    said_rate, said = speak(sys.stdin.buffer.read().decode(), sys.argv[1], int(sys.argv[2]))
    head = struct.pack("<HHIIHH", 1, 1, said_rate, 2 * said_rate, 2, 16)
    chunks = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(said)) + said
    sys.stdout.buffer.write(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
