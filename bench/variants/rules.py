"""Twelve rules over typed rows, split into accepted and quarantined, beside a streaming copy of the same rows."""

from pathlib import Path
from typing import Any

import polars as pl

from bench.child import Work
from bench.lineitem import TYPES, parquet_path, read_once
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

SHIP_MODES = ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"]
TWELVE: list[dict[str, Any]] = [
    {"column": "l_orderkey", "ruleType": "not_null"},
    {"column": "l_shipdate", "ruleType": "not_null"},
    {"column": "l_comment", "ruleType": "not_null"},
    # Quantities are whole numbers from 1 to 50, each as frequent as the others: 2 % break this rule, none breaks another.
    {"column": "l_quantity", "ruleType": "range", "parameters": {"min": 1, "max": 49}},
    {"column": "l_discount", "ruleType": "range", "parameters": {"min": 0, "max": 0.10}},
    {"column": "l_extendedprice", "ruleType": "range", "parameters": {"min": 0}},
    {"column": "l_returnflag", "ruleType": "enum", "parameters": {"values": ["A", "N", "R"]}},
    {"column": "l_shipmode", "ruleType": "enum", "parameters": {"values": SHIP_MODES}},
    {"column": "l_shipinstruct", "ruleType": "pattern", "parameters": {"pattern": "^[A-Z ]+$"}},
    {"column": "l_comment", "ruleType": "pattern", "parameters": {"pattern": "[a-z]"}},
    {"column": "l_comment", "ruleType": "length", "parameters": {"min": 1, "max": 44}},
    {"column": "l_receiptdate", "ruleType": "expression", "parameters": {"expression": "l_receiptdate > l_shipdate"}},
]
"""After the value ranges of the TPC-H specification, section 4.2.3."""


def prepare(workplace: Workplace) -> None:
    """The rows with audit columns, as typed Parquet."""
    path = _typed(workplace)
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    audit = {
        "_ingested_at": pl.lit("2026-01-01T00:00:00").str.to_datetime(time_unit="us", time_zone="UTC"),
        "_source_file": pl.lit("lineitem.parquet"),
        "_row_number": pl.col("_row_number").cast(pl.Int64),
        "_run_id": pl.lit("run"),
    }
    rows = pl.scan_parquet(parquet_path(workplace, "gigabyte"), row_index_name="_row_number", row_index_offset=1)
    _sink(rows.select(*TYPES, *(audit[name].alias(name) for name in AUDIT_COLUMNS)), path)


def split(workplace: Workplace) -> Work:
    """Judge every row by the rules, and write those accepted and those set aside."""
    apply_engine_settings()
    path = _typed(workplace)
    read_once(path)
    columns = [ContractColumn(source=name, name=name, data_type=DataType.parse(kind)) for name, kind in TYPES.items()]
    silver = Silver(pl.scan_parquet(path, row_index_name=POSITION), columns, _job())

    def work() -> dict[str, Any]:
        rows = _rows(path)
        verdict = silver.judge(rows)
        # The hash of a key is no part of the rules.
        _sink(silver.accepted(verdict).drop("_sk_id"), workplace.scratch / "accepted.parquet")
        _sink(silver.quarantine(verdict), workplace.scratch / "quarantined.parquet")
        written = _rows(workplace.scratch / "accepted.parquet") + _rows(workplace.scratch / "quarantined.parquet")
        share = verdict.quarantined / rows
        if written != rows or not 0.015 < share < 0.025:
            raise ArithmeticError(f"{written} rows were written of {rows}, and {share:.3f} of them set aside")
        return {"rows": rows}

    return work


def copy(workplace: Workplace) -> Work:
    """Read the rows and write them."""
    apply_engine_settings()
    path = _typed(workplace)
    read_once(path)

    def work() -> dict[str, Any]:
        _sink(pl.scan_parquet(path), workplace.scratch / "copy.parquet")
        return {"rows": _rows(path)}

    return work


def _job() -> Job:
    job = {
        "id": JOB_ID,
        "name": "Lineitem",
        "validationConfig": {"dataQualityRules": [{"name": f"rule {number}", **rule} for number, rule in enumerate(TWELVE)]},
        # Rows without a key that come on top of others are never the same, so nothing is looked for but broken rules.
        "destinationConfig": {"silverConfig": {"mergeStrategy": "append"}},
    }
    [read] = read_workflow({"id": "wf_bench", "name": "Bench", "jobs": [job]}, origin="the benchmark").jobs
    return read


def _sink(frame: pl.LazyFrame, path: Path) -> None:
    frame.sink_parquet(path, compression="zstd", row_group_size=ROW_GROUP_ROWS, maintain_order=True, engine="streaming")


def _rows(path: Path) -> int:
    rows: int = pl.scan_parquet(path).select(pl.len()).collect().item()
    return rows


def _typed(workplace: Workplace) -> Path:
    return workplace.data / "gigabyte" / "typed-with-audit.parquet"
