"""Twelve rules over Silver's rows, split into accepted and quarantined, beside a streaming copy of the same typed rows."""

from pathlib import Path
from typing import Any

import polars as pl

from bench.child import Work
from bench.lineitem import TYPES, csv_path
from bench.product import JOB_ID
from bench.workplace import Workplace
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.engine_settings import apply_engine_settings
from flowforge.medallion.silver import Silver
from flowforge.model.contract import ContractColumn, DataType
from flowforge.model.job import Job
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.workflow import read_workflow
from flowforge.steps.attempt import ROW_GROUP_ROWS

TWELVE = [{"column": name, "ruleType": "not_null"} for name in list(TYPES)[2:14]]
FAILING = 50
"""One row of so many breaks a rule: 2 %."""


def prepare(workplace: Workplace) -> None:
    """Bronze of the gigabyte, with one row of fifty that has an empty cell, in one of the twelve columns after another."""
    path = _bronze(workplace)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = pl.scan_csv(csv_path(workplace, "gigabyte"), infer_schema=False, row_index_name="_row_number", row_index_offset=1)
    broken = pl.col("_row_number") % FAILING == 0
    turn = pl.col("_row_number") // FAILING % len(TWELVE)
    emptied = [
        pl.when(broken & (turn == number)).then(None).otherwise(pl.col(rule["column"])).alias(rule["column"])
        for number, rule in enumerate(TWELVE)
    ]
    audit = {
        "_ingested_at": pl.lit("2026-01-01T00:00:00").str.to_datetime(time_unit="us", time_zone="UTC"),
        "_source_file": pl.lit("lineitem.csv"),
        "_row_number": pl.col("_row_number").cast(pl.Int64),
        "_run_id": pl.lit("run"),
    }
    rows.with_columns(emptied).select(*TYPES, *(audit[name].alias(name) for name in AUDIT_COLUMNS)).sink_parquet(
        path, compression="zstd", row_group_size=ROW_GROUP_ROWS, engine="streaming"
    )


def split(workplace: Workplace) -> Work:
    """Judge every row by the rules, and write those accepted and those set aside."""
    silver = _silver(workplace, TWELVE)

    def work() -> dict[str, Any]:
        rows = silver.typed.select(pl.len()).collect().item()
        verdict = silver.judge(rows)
        # The key's hash is no part of the rules.
        _sink(silver.accepted(verdict).drop("_sk_id"), workplace, "accepted")
        _sink(silver.quarantine(verdict), workplace, "quarantined")
        return {"rows": rows, "share": round(verdict.quarantined / rows, 3)}

    return work


def copy(workplace: Workplace) -> Work:
    """Type the rows and write them."""
    silver = _silver(workplace, [])

    def work() -> dict[str, Any]:
        _sink(silver.typed.drop(POSITION), workplace, "copy")
        return {"rows": silver.typed.select(pl.len()).collect().item()}

    return work


def _silver(workplace: Workplace, rules: list[dict[str, str]]) -> Silver:
    apply_engine_settings()
    columns = [ContractColumn(source=name, name=name, data_type=DataType.parse(kind)) for name, kind in TYPES.items()]
    return Silver(pl.scan_parquet(_bronze(workplace), row_index_name=POSITION), columns, _job(rules))


def _job(rules: list[dict[str, str]]) -> Job:
    job = {
        "id": JOB_ID,
        "name": "Lineitem",
        "validationConfig": {"dataQualityRules": rules},
        # Rows without a key that come on top of others are never the same, so nothing is looked for but broken rules.
        "destinationConfig": {"silverConfig": {"mergeStrategy": "append"}},
    }
    [read] = read_workflow({"id": "wf_bench", "name": "Bench", "jobs": [job]}, origin="the benchmark").jobs
    return read


def _sink(frame: pl.LazyFrame, workplace: Workplace, name: str) -> None:
    path = workplace.scratch / f"{name}.parquet"
    frame.sink_parquet(path, compression="zstd", row_group_size=ROW_GROUP_ROWS, maintain_order=True, engine="streaming")


def _bronze(workplace: Workplace) -> Path:
    return workplace.data / "gigabyte" / "with-empty-cells.parquet"
