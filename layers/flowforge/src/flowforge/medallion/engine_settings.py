"""Settings of the engine that have no other place than its environment variables; read when it first works."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

SETTINGS = {
    # A Lambda has neither HOME nor USER, and without them the engine does not find a place for its temporary files.
    "POLARS_TEMP_DIR": str(Path(tempfile.gettempdir()) / "polars"),
    # In bytes. The engine's own choice of chunk grows with the file; this one is as fast and holds half the memory.
    "POLARS_CSV_CHUNK_SIZE": str(4 << 20),
    # How many values of a Parquet file a thread decodes at once, and how many row groups are fetched ahead. By the engine's own
    # choices these are several row groups for each thread: a copy of 8.1 million rows of 21 columns held 680 MB then and holds
    # 250 MB now, a merge 1,740 MB and 580 MB, in less time.
    "POLARS_PARQUET_DECODE_TARGET_VALUES_PER_THREAD": "1000000",
    # How many parts of a query wait for each thread, see ROWS_AT_ONCE.
    "POLARS_DEFAULT_DISTRIBUTOR_BUFFER_SIZE": "1",
    "POLARS_ROW_GROUP_PREFETCH_SIZE": str(max(2, os.cpu_count() or 1)),
}
ROWS_AT_ONCE = 50_000
"""How many rows go through a query together where functions of ours work on them.

The engine reads ahead meanwhile, as many parts as may wait: a Silver of 8.1 million rows of 16 columns held 1,090 MB by the
engine's own choices and holds 700 MB by these, in the same time. A merge is better off with the engine's 100,000: it held 560 MB
with those, and from 700 to 920 MB with fewer.
"""
_ROWS_VARIABLE = "POLARS_IDEAL_MORSEL_SIZE"


def apply_engine_settings() -> None:
    """Set what the environment does not set already."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)


@contextmanager
def few_rows_at_once() -> Iterator[None]:
    """Let ``ROWS_AT_ONCE`` hold within the block, where the environment does not say otherwise."""
    if _ROWS_VARIABLE in os.environ:
        yield
        return
    # The engine has read its environment when it was loaded.
    pl.Config.set_streaming_chunk_size(ROWS_AT_ONCE)
    try:
        yield
    finally:
        pl.Config.set_streaming_chunk_size(None)
