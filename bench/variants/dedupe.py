"""Exact keep-last by a composite key over 40 million rows, beside a streaming copy of the same file."""

from pathlib import Path

import polars as pl

from bench.child import Work
from bench.lineitem import KEY, parquet_path, read_once
from bench.workplace import Workplace
from flowforge.medallion.duplicates import POSITION, superseded_positions, without
from flowforge.medallion.engine_settings import apply_engine_settings
from flowforge.steps.attempt import ROW_GROUP_ROWS

SIZE = "five_gigabytes"
EVERY = 20
"""One row of so many comes again: 5 %."""


def prepare(workplace: Workplace) -> None:
    """The table without duplicates, and with the rows of every twentieth order again at its end, scattered over the keys."""
    once, twice = _paths(workplace)
    if not once.exists():
        # The same row groups and compression as the product writes, so that both are read alike.
        _sink(pl.scan_parquet(parquet_path(workplace, SIZE)), once)
    if not twice.exists():
        table = pl.scan_parquet(once)
        again = table.filter(pl.col("l_orderkey") // 32 % EVERY == 0).with_columns(pl.lit("came again").alias("l_comment"))
        _sink(pl.concat([table, again]), twice)


def copy(workplace: Workplace) -> Work:
    """A streaming copy of the table without duplicates."""
    return _copy(workplace, _paths(workplace)[0])


def copy_with_duplicates(workplace: Workplace) -> Work:
    """A streaming copy of the table with duplicates."""
    return _copy(workplace, _paths(workplace)[1])


def keep_last(workplace: Workplace) -> Work:
    """Keep-last of the table without duplicates."""
    return _keep_last(workplace, _paths(workplace)[0])


def keep_last_with_duplicates(workplace: Workplace) -> Work:
    """Keep-last of the table with duplicates."""
    return _keep_last(workplace, _paths(workplace)[1])


def _paths(workplace: Workplace) -> tuple[Path, Path]:
    folder = workplace.data / SIZE
    return folder / "once.parquet", folder / "with-duplicates.parquet"


def _copy(workplace: Workplace, path: Path) -> Work:
    apply_engine_settings()
    read_once(path)

    def work() -> dict[str, int]:
        target = workplace.scratch / "copy.parquet"
        _sink(pl.scan_parquet(path), target)
        return {"read": _rows(path)}

    return work


def _keep_last(workplace: Workplace, path: Path) -> Work:
    apply_engine_settings()
    read_once(path)

    def work() -> dict[str, int]:
        rows = _rows(path)
        table = pl.scan_parquet(path, row_index_name=POSITION)
        superseded = superseded_positions(table.select(POSITION, *KEY), KEY, rows=rows)
        target = workplace.scratch / "unique.parquet"
        _sink(without(table, superseded).drop(POSITION), target)
        if _rows(target) != rows - superseded.height:
            raise ArithmeticError(f"{_rows(target)} rows were written of {rows} less {superseded.height}")
        return {"read": rows, "superseded": superseded.height}

    return work


def _sink(frame: pl.LazyFrame, target: Path) -> None:
    """As a step writes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(".making")
    frame.sink_parquet(beside, compression="zstd", row_group_size=ROW_GROUP_ROWS, maintain_order=True, engine="streaming")
    beside.rename(target)


def _rows(path: Path) -> int:
    rows: int = pl.scan_parquet(path).select(pl.len()).collect().item()
    return rows
