"""A run's Bronze as Silver reads it: all its objects in order, with positions over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowforge.lake.lake import Lake
from flowforge.medallion.duplicates import POSITION
from flowforge.steps.attempt import scan


@dataclass(frozen=True)
class RunBronze:
    """The rows that a run brought: ``frame`` has ``_position`` too, ``count`` is what the objects' footers state.

    ``suffix`` is part of the names of files that are made of them, where those of several runs lie together.
    """

    run_id: str
    frame: pl.LazyFrame
    count: int
    suffix: str = ""


def run_bronze(lake: Lake, run_id: str, objects: Sequence[str], suffix: str = "") -> RunBronze:
    """The rows of a run's objects, which bronze_ingest gave the same columns."""
    count = scan(lake, *objects).select(pl.len()).collect().item()
    return RunBronze(run_id, scan(lake, *objects, position=POSITION), count, suffix)
