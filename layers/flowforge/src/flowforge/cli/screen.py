"""The consoles that commands print to."""

import os
import sys
from io import TextIOWrapper

from rich.console import Console

WIDTH_OFF_SCREEN = 220
"""Into a file or a pipe a table takes the width it needs; rich would break S3 keys at 80 characters."""


def consoles() -> tuple[Console, Console]:
    """Open standard output and standard error. A character that the locale cannot write is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else WIDTH_OFF_SCREEN
    return Console(width=width, highlight=False), Console(stderr=True, highlight=False)
