"""Gold of 8.1 million rows of Silver: TPC-H Q1's summary, and a million groups, beside DuckDB's COPY of the same query."""

from pathlib import Path
from typing import Any

import duckdb

from bench.child import Work
from bench.lineitem import read_once
from bench.product import MILLION_GROUPS, PRICING_SUMMARY, Job, prepare_stages, stage_path, staged_lake
from bench.workplace import Workplace
from flowforge.model.step import Step


def prepare(workplace: Workplace) -> None:
    """The Silver table."""
    prepare_stages(workplace, "gigabyte")


def pricing_summary(workplace: Workplace) -> Work:
    """The step with Q1's groups."""
    return _gold(workplace, PRICING_SUMMARY)


def million_groups(workplace: Workplace) -> Work:
    """The step with a group for each part and supplier."""
    return _gold(workplace, MILLION_GROUPS)


def duckdb_pricing_summary(workplace: Workplace) -> Work:
    """DuckDB with Q1's groups."""
    return _duckdb(workplace, PRICING_SUMMARY)


def duckdb_million_groups(workplace: Workplace) -> Work:
    """DuckDB with a group for each part and supplier."""
    return _duckdb(workplace, MILLION_GROUPS)


def _gold(workplace: Workplace, config: dict[str, Any]) -> Work:
    run = staged_lake(workplace, "gigabyte", Step.GOLD_PUBLISH, Job(gold=config))
    read_once(silver_path(workplace, "gigabyte"))
    return lambda: {"groups": run.step(Step.GOLD_PUBLISH).counts.model_dump()["written"]}


def _duckdb(workplace: Workplace, config: dict[str, Any]) -> Work:
    table = silver_path(workplace, "gigabyte")
    read_once(table)
    target = workplace.scratch / "gold.parquet"
    by = ", ".join(config["aggregationGroupBy"])
    aggregates = ", ".join(f"{aggregate} AS {name}" for name, aggregate in config["aggregates"].items())
    query = (
        f"COPY (SELECT {by}, {aggregates} FROM read_parquet('{table}') GROUP BY {by} ORDER BY {by}) "
        f"TO '{target}' (COMPRESSION zstd)"
    )

    def work() -> dict[str, int]:
        with duckdb.connect() as connection:
            [(groups,)] = connection.execute(query).fetchall()
        return {"groups": groups}

    return work


def silver_path(workplace: Workplace, size: str) -> Path:
    """The Silver table's one object."""
    [path] = (stage_path(workplace, size, Step.GOLD_PUBLISH) / "silver").rglob("[!.]*.parquet")
    return path
