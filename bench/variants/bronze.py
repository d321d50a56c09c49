"""Bronze of a CSV file with audit columns and row number."""

import duckdb

from bench.child import Work
from bench.lineitem import SQL_TYPES, csv_path, read_once
from bench.product import JOB_ID, MIDNIGHT, WORKFLOW_ID, Job, new_lake
from bench.workplace import Workplace
from flowforge.lake import keys
from flowforge.medallion.bronze import bronze_frame
from flowforge.medallion.delimited import read_structure
from flowforge.medallion.engine_settings import apply_engine_settings
from flowforge.model.source import FileConfig
from flowforge.model.step import Step
from flowforge.steps.attempt import Attempt


def prepare(workplace: Workplace) -> None:
    """The files."""
    csv_path(workplace, "gigabyte")


def prepare_five(workplace: Workplace) -> None:
    """The files."""
    csv_path(workplace, "five_gigabytes")


def _step(workplace: Workplace, size: str) -> Work:
    csv = csv_path(workplace, size)
    run = new_lake(workplace, csv, Job())
    read_once(csv)
    return lambda: {"rows": run.step(Step.BRONZE_INGEST).counts.model_dump()["written"]}


def step(workplace: Workplace) -> Work:
    """The step: the file proven rectangular, converted, counted, published."""
    return _step(workplace, "gigabyte")


def step_five(workplace: Workplace) -> Work:
    """The step on five gigabytes."""
    return _step(workplace, "five_gigabytes")


def conversion(workplace: Workplace) -> Work:
    """The part of the step that writes Parquet, with the file's structure known."""
    csv = csv_path(workplace, "gigabyte")
    run = new_lake(workplace, csv, Job())
    key = keys.landing_key(WORKFLOW_ID, JOB_ID, csv.name)
    version = run.lake.head(key)
    read_once(csv)
    if version is None:
        raise LookupError(csv.name)
    apply_engine_settings()
    structure = read_structure(lambda: run.lake.chunks(version), file=csv.name, delimiter=",")

    def work() -> dict[str, int]:
        frame = bronze_frame(run.lake.uri(key), structure, FileConfig(), source_file=csv.name, run_id="run", ingested_at=MIDNIGHT)
        return {"rows": Attempt(run.lake, "run").write(frame, "bronze.parquet", metadata={}).rows}

    return work


def check(workplace: Workplace) -> Work:
    """The part of the step that proves the file rectangular before it is converted."""
    csv = csv_path(workplace, "gigabyte")
    lake = new_lake(workplace, csv, Job()).lake
    version = lake.head(keys.landing_key(WORKFLOW_ID, JOB_ID, csv.name))
    read_once(csv)
    if version is None:
        raise LookupError(csv.name)
    return lambda: {"rows": read_structure(lambda: lake.chunks(version), file=csv.name, delimiter=",").records}


def duckdb_copy(workplace: Workplace) -> Work:
    """DuckDB's COPY of the file with its columns' types told, without audit columns."""
    csv = csv_path(workplace, "gigabyte")
    read_once(csv)
    target = workplace.scratch / "bronze.parquet"
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in SQL_TYPES.items())
    query = f"COPY (SELECT * FROM read_csv('{csv}', columns={{{columns}}}, header=true)) TO '{target}' (COMPRESSION zstd)"

    def work() -> dict[str, int]:
        with duckdb.connect() as connection:
            [(rows,)] = connection.execute(query).fetchall()
        return {"rows": rows}

    return work
