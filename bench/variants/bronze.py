"""Bronze of a CSV file with audit columns and row number."""

import duckdb

from bench.child import Work
from bench.lineitem import SQL_TYPES, csv_path, read_once
from bench.product import Job, new_lake
from bench.workplace import Workplace
from flowforge.medallion.engine_settings import apply_engine_settings
from flowforge.model.step import Step
from flowforge.steps.attempt import Attempt
from flowforge.steps.bronze_conversion import BronzeConversion
from flowforge.steps.source_files import examined_sources


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
    """The part of the step that writes Parquet, once the file has been examined."""
    csv = csv_path(workplace, "gigabyte")
    context = new_lake(workplace, csv, Job()).context(Step.BRONZE_INGEST)
    read_once(csv)
    apply_engine_settings()
    # The sources stay as long as the generator is at one of them.
    sources = examined_sources(context, workplace.scratch)
    source = next(sources).proven()

    def work() -> dict[str, int]:
        converted = BronzeConversion(context, Attempt(context.lake, context.run_id), workplace.scratch)
        converted.take(source)
        rows = sum(item.rows for item in converted.written(source.reader.types))
        return {"rows": rows + sum(other.reader.records for other in sources)}

    return work


def check(workplace: Workplace) -> Work:
    """The part of the step that establishes the file's structure, and proves it rectangular, before it is converted."""
    csv = csv_path(workplace, "gigabyte")
    context = new_lake(workplace, csv, Job()).context(Step.BRONZE_INGEST)
    read_once(csv)
    return lambda: {"rows": sum(source.proven().reader.records for source in examined_sources(context, workplace.scratch))}


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
