"""Settings of the engine that have no other place than its environment variables; read when it first works."""

import os
import tempfile
from pathlib import Path

SETTINGS = {
    # A Lambda has neither HOME nor USER, and without them the engine does not find a place for its temporary files.
    "POLARS_TEMP_DIR": str(Path(tempfile.gettempdir()) / "polars"),
    # The engine reads far ahead of what it converts; two chunks keep it busy and hold a fifth less memory.
    "POLARS_CSV_CHUNK_PREFETCH_LIMIT": "2",
}


def apply_engine_settings() -> None:
    """Set what the environment does not set already."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
