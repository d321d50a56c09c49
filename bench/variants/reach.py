"""What each step takes of processors and memory for a size of file: the figures by which the plan chooses the tier."""

from bench.child import Work
from bench.lineitem import csv_path, read_once
from bench.product import MILLION_GROUPS, Job, new_lake, prepare_stages, stage_path, staged_lake
from bench.workplace import Workplace
from flowforge.model.step import Step


def prepare(workplace: Workplace) -> None:
    """The lakes before each step."""
    for size in ("quarter", "gigabyte"):
        prepare_stages(workplace, size)


def bronze_quarter(workplace: Workplace) -> Work:
    """Bronze of 0.25 GB."""
    return _bronze(workplace, "quarter")


def bronze_gigabyte(workplace: Workplace) -> Work:
    """Bronze of 1 GB."""
    return _bronze(workplace, "gigabyte")


def silver_quarter(workplace: Workplace) -> Work:
    """Silver of 0.25 GB."""
    return _step(workplace, "quarter", Step.SILVER_TRANSFORM, Job())


def silver_gigabyte(workplace: Workplace) -> Work:
    """Silver of 1 GB."""
    return _step(workplace, "gigabyte", Step.SILVER_TRANSFORM, Job())


def gold_quarter(workplace: Workplace) -> Work:
    """A copy to Gold of 0.25 GB."""
    return _step(workplace, "quarter", Step.GOLD_PUBLISH, Job())


def gold_gigabyte(workplace: Workplace) -> Work:
    """A copy to Gold of 1 GB."""
    return _step(workplace, "gigabyte", Step.GOLD_PUBLISH, Job())


def groups_gigabyte(workplace: Workplace) -> Work:
    """A million groups of 1 GB."""
    return _step(workplace, "gigabyte", Step.GOLD_PUBLISH, Job(gold=MILLION_GROUPS))


def _bronze(workplace: Workplace, size: str) -> Work:
    csv = csv_path(workplace, size)
    run = new_lake(workplace, csv, Job())
    read_once(csv)
    return lambda: {"rows": run.step(Step.BRONZE_INGEST).counts.model_dump()["read"], "text_bytes": csv.stat().st_size}


def _step(workplace: Workplace, size: str, step: Step, job: Job) -> Work:
    run = staged_lake(workplace, size, step, job)
    for path in stage_path(workplace, size, step).rglob("*.parquet"):
        read_once(path)
    text_bytes = csv_path(workplace, size).stat().st_size
    return lambda: {"rows": run.step(step).counts.model_dump()["read"], "text_bytes": text_bytes}
