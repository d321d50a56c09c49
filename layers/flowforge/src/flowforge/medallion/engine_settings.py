"""Settings of the engine that have no other place than its environment variables; read when it first works."""

import os
import tempfile
from pathlib import Path

SETTINGS = {
    # A Lambda has neither HOME nor USER, and without them the engine does not find a place for its temporary files.
    "POLARS_TEMP_DIR": str(Path(tempfile.gettempdir()) / "polars"),
    # In bytes. The engine's own choice of chunk grows with the file; this one is as fast and holds half the memory.
    "POLARS_CSV_CHUNK_SIZE": str(4 << 20),
}


def apply_engine_settings() -> None:
    """Set what the environment does not set already."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
