"""A delta of one per cent merged into a Silver table by a full rewrite: half of its keys are known, half are new."""

import shutil
from pathlib import Path

import duckdb
import polars as pl

from bench.child import Work
from bench.folder_lake import FolderLake, link_lake
from bench.lineitem import KEY, csv_path, read_once
from bench.product import Job, land, plan, planned
from bench.workplace import Workplace
from flowforge.lake import keys
from flowforge.medallion.engine_settings import apply_engine_settings
from flowforge.model.step import Step

JOB = Job(strategy="merge")
TABLE = keys.silver_current_key("bench", "lineitem")
NEW_KEYS = 10**12
HALF_A_PER_CENT = 200


def prepare(workplace: Workplace) -> None:
    """Tables of 8.1 and 0.81 million rows, with the same delta through Bronze; and what Silver accepts of it, for DuckDB."""
    delta = workplace.data / "delta.csv"
    if not delta.exists():
        _write_delta(csv_path(workplace, "gigabyte"), delta)
    for size in ("gigabyte", "tenth"):
        if not _lake(workplace, size).exists():
            _make_lake(workplace, size, delta)
    if not _accepted(workplace).exists():
        _make_accepted(workplace)


def merge(workplace: Workplace) -> Work:
    """The step, with the delta's rows typed, judged and written, and the table rewritten with them in it."""
    return _merge(workplace, "gigabyte")


def merge_into_tenth(workplace: Workplace) -> Work:
    """The step on a table of a tenth of the rows."""
    return _merge(workplace, "tenth")


def duckdb_anti_join(workplace: Workplace) -> Work:
    """DuckDB's COPY of the table's rows whose key the delta has not, and of the delta, which is typed already."""
    table, delta = _lake(workplace, "gigabyte") / TABLE, _accepted(workplace)
    read_once(table)
    target = workplace.scratch / "merged.parquet"
    query = (
        f"COPY (SELECT t.* FROM read_parquet('{table}') AS t ANTI JOIN read_parquet('{delta}') AS d USING ({', '.join(KEY)}) "
        f"UNION ALL SELECT * FROM read_parquet('{delta}')) TO '{target}' (COMPRESSION zstd)"
    )

    def work() -> dict[str, int]:
        with duckdb.connect() as connection:
            [(rows,)] = connection.execute(query).fetchall()
        return {"rows": rows}

    return work


def copy(workplace: Workplace) -> Work:
    """A streaming copy of the table by the engine: what any rewrite costs."""
    table = _lake(workplace, "gigabyte") / TABLE
    apply_engine_settings()
    read_once(table)

    def work() -> dict[str, int]:
        target = workplace.scratch / "copy.parquet"
        pl.scan_parquet(table).sink_parquet(target, compression="zstd", maintain_order=True, engine="streaming")
        return {}

    return work


def _merge(workplace: Workplace, size: str) -> Work:
    root = workplace.scratch / "lake"
    link_lake(_lake(workplace, size), root)
    read_once(root / TABLE)
    run = planned(FolderLake(root), number=2)

    def work() -> dict[str, int]:
        counts = run.step(Step.SILVER_TRANSFORM).counts.model_dump()
        return {"rows": counts["after"]} if size == "gigabyte" else {"inserted": counts["inserted"]}

    return work


def _write_delta(csv: Path, delta: Path) -> None:
    table = pl.scan_csv(csv, infer_schema=False)
    order = pl.col("l_orderkey").cast(pl.Int64)
    known = table.filter(order // 32 % HALF_A_PER_CENT == 0).with_columns(pl.lit("corrected").alias("l_comment"))
    new = known.with_columns((order + NEW_KEYS).cast(pl.String).alias("l_orderkey"))
    pl.concat([known, new]).sink_csv(delta)


def _lake(workplace: Workplace, size: str) -> Path:
    return workplace.prepared / f"merge-{size}"


def _accepted(workplace: Workplace) -> Path:
    return workplace.prepared / "merge-accepted.parquet"


def _make_lake(workplace: Workplace, size: str, delta: Path) -> None:
    making = workplace.prepared / f"making-{size}"
    shutil.rmtree(making, ignore_errors=True)
    lake = FolderLake(making)
    first = plan(lake, JOB, [land(making, csv_path(workplace, size))])
    first.step(Step.BRONZE_INGEST)
    first.step(Step.SILVER_TRANSFORM)
    plan(lake, JOB, [land(making, delta)], number=2).step(Step.BRONZE_INGEST)
    making.rename(_lake(workplace, size))


def _make_accepted(workplace: Workplace) -> None:
    root = workplace.scratch / "accepting"
    link_lake(_lake(workplace, "tenth"), root)
    run = planned(FolderLake(root), number=2)
    run_id = run.step(Step.SILVER_TRANSFORM).run_id
    pl.scan_parquet(root / TABLE).filter(pl.col("_run_id") == run_id).sink_parquet(_accepted(workplace))
