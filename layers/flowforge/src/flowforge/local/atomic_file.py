"""Small files that are there whole or not at all, whatever ends the process that writes them."""

import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Replace a file; a reader sees the old text or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
