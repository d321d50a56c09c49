"""Files in scratch space: written as streams, and given up before they fill the disk."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from flowforge.model.errors import NextTier

RESERVE_BYTES = 64 << 20
"""What stays free for the engine and the runtime."""
CHECK_BYTES = 16 << 20
"""How much is written between two looks at the disk."""


class ScratchFile:
    """A new file in scratch space. ``write`` raises NextTier where the disk has only its reserve left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] = path.open("wb")
        self._since_look = CHECK_BYTES

    def write(self, data: bytes) -> None:
        """Write on."""
        self._since_look += len(data)
        if self._since_look >= CHECK_BYTES:
            self._since_look = 0
            if shutil.disk_usage(self._path.parent).free < RESERVE_BYTES + len(data):
                raise NextTier(f"{self._path.parent} has no room for an unpacked or rewritten copy of the file")
        self._file.write(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "ScratchFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_scratch(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file from chunks. Raises NextTier where the disk is too small."""
    with ScratchFile(path) as file:
        for chunk in chunks:
            file.write(chunk)
