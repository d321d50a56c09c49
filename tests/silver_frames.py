"""A run of Silver over rows in memory, for the tests of the medallion package."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.silver import Silver, Verdict
from flowforge.model.contract import ContractColumn, DataType, Origin
from flowforge.model.job import Job

INGESTED_AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
Text = str | None


def bronze_rows(columns: Sequence[str], rows: Sequence[Sequence[Text]], *, run_id: str = "run") -> pl.LazyFrame:
    """Rows of Bronze with their positions."""
    return (
        pl.DataFrame([list(row) for row in rows], schema=dict.fromkeys(columns, pl.String()), orient="row")
        .with_columns(
            pl.lit(INGESTED_AT, dtype=pl.Datetime("us", "UTC")).alias("_ingested_at"),
            pl.lit("orders.csv").alias("_source_file"),
            pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("_row_number"),
            pl.lit(run_id).alias("_run_id"),
        )
        .with_row_index(POSITION)
        .lazy()
    )


def contract(**types: str) -> list[ContractColumn]:
    """Declared columns, named in Silver as in Bronze."""
    return [ContractColumn(name=name, source=name, data_type=DataType.parse(kind), declared=True) for name, kind in types.items()]


def job(
    *,
    key: Sequence[str] = (),
    rules: Sequence[dict[str, Any]] = (),
    mappings: Sequence[dict[str, Any]] = (),
    derived: Sequence[dict[str, Any]] = (),
    filters: Sequence[dict[str, Any]] = (),
    **silver: Any,
) -> Job:
    """A job with these options of Silver."""
    return Job.model_validate(
        {
            "id": "job_orders",
            "name": "Orders",
            "transformationConfig": {
                "columnMappings": list(mappings),
                "derivedColumns": list(derived),
                "filters": list(filters),
            },
            "validationConfig": {"dataQualityRules": list(rules)},
            "destinationConfig": {"silverConfig": {"primaryKey": list(key), **silver}},
        }
    )


def judged(
    rows: Sequence[Sequence[Text]], columns: Sequence[ContractColumn], configured: Job
) -> tuple[Verdict, pl.DataFrame, pl.DataFrame]:
    """The verdict, the accepted rows and the quarantine of a run."""
    sources = [column.source for column in columns if column.origin is Origin.SOURCE]
    silver = Silver(bronze_rows(sources, rows), columns, configured)
    verdict = silver.judge(len(rows))
    return verdict, silver.accepted(verdict).collect(), silver.quarantine(verdict).collect()
