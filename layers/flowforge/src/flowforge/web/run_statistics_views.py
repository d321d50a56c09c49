"""Numbers over times as the API shows them. Durations are milliseconds, rates are from 0 to 1, null where there is nothing."""

import datetime as dt
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

from sqlalchemy import RowMapping

from flowforge.metadata.run_statistics import Totals
from flowforge.model.base import Document
from flowforge.model.run_status import ExecutionStatus

TOP = 10


class Kpi(Document):
    """A number of the last 24 hours, and how it differs from the 24 hours before; ``changePercent`` is null after nothing."""

    value: int
    previous: int
    change: int
    change_percent: float | None

    @classmethod
    def of(cls, value: int, previous: int) -> Self:
        """Compare two numbers."""
        percent = (value - previous) / previous * 100 if previous else None
        return cls(value=value, previous=previous, change=value - previous, change_percent=percent)


class Kpis(Document):
    """``dataProcessed``: bytes of the objects that the steps published in Bronze, Silver and Gold."""

    active_workflows: Kpi
    successful_runs: Kpi
    failed_runs: Kpi
    data_processed: Kpi

    @classmethod
    def of(cls, now: Totals, before: Totals) -> Self:
        """Compare two spans."""
        return cls(
            active_workflows=Kpi.of(now.active_workflows, before.active_workflows),
            successful_runs=Kpi.of(now.succeeded, before.succeeded),
            failed_runs=Kpi.of(now.failed, before.failed),
            data_processed=Kpi.of(now.published_bytes, before.published_bytes),
        )


class DayView(Document):
    """A day of the time zone: the executions that were wished in it by status, and how long those took that ended."""

    date: dt.date
    total: int
    succeeded: int
    failed: int
    cancelled: int
    active: int
    success_rate: float | None
    average_duration: int | None
    median_duration: int | None
    p95_duration: int | None

    @classmethod
    def of(cls, day: dt.date, row: RowMapping | None) -> Self:
        """Show a day, also one on which nothing was."""
        counts = {status: int(row[status.value]) if row else 0 for status in ExecutionStatus}
        succeeded, failed = counts[ExecutionStatus.SUCCEEDED], counts[ExecutionStatus.FAILED]
        return cls(
            date=day,
            total=row["total"] if row else 0,
            succeeded=succeeded,
            failed=failed,
            cancelled=counts[ExecutionStatus.CANCELLED],
            active=counts[ExecutionStatus.PENDING] + counts[ExecutionStatus.RUNNING],
            success_rate=rate(succeeded, succeeded + failed),
            average_duration=_milliseconds(row, "mean_seconds"),
            median_duration=_milliseconds(row, "median_seconds"),
            p95_duration=_milliseconds(row, "p95_seconds"),
        )


class HourView(Document):
    """An hour by its beginning: the executions that were wished in it, and the records that they read."""

    hour: datetime
    executions: int
    records: int


class WorkflowNumbers(Document):
    """A workflow in the time range. ``failureRate``: of those that succeeded or failed."""

    workflow_id: str
    workflow_name: str
    executions: int
    succeeded: int
    failed: int
    success_rate: float | None
    failure_rate: float | None
    average_duration: int | None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        same = ("workflow_id", "workflow_name", "executions", "succeeded", "failed")
        told = row["succeeded"] + row["failed"]
        return cls(
            **{name: row[name] for name in same},
            success_rate=rate(row["succeeded"], told),
            failure_rate=rate(row["failed"], told),
            average_duration=_milliseconds(row, "mean_seconds"),
        )


class Efficiency(Document):
    """How many records a workflow's successful executions read for each second that they took."""

    workflow_id: str
    workflow_name: str
    records: int
    duration: int
    records_per_second: float

    @classmethod
    def most_of(cls, rows: Iterable[RowMapping]) -> list[Self]:
        """The most efficient workflows first; none that took no time."""
        shown = [
            cls(
                workflow_id=row["workflow_id"],
                workflow_name=row["workflow_name"],
                records=int(row["records"]),
                duration=round(row["succeeded_seconds"] * 1000),
                records_per_second=int(row["records"]) / row["succeeded_seconds"],
            )
            for row in rows
            if row["succeeded_seconds"]
        ]
        return sorted(shown, key=lambda item: (-item.records_per_second, item.workflow_id))[:TOP]


class FailingJob(Document):
    """A job that failed in the time range, with its last failure."""

    workflow_id: str
    workflow_name: str
    job_id: str
    job_name: str
    failures: int
    executions: int
    failure_rate: float
    last_failure: datetime
    last_execution_id: str
    last_error: str | None

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row."""
        same = ("workflow_id", "workflow_name", "job_id", "job_name", "failures", "executions")
        error = row["error"]
        return cls(
            **{name: row[name] for name in same},
            failure_rate=row["failures"] / row["executions"],
            last_failure=row["failed_at"],
            last_execution_id=row["execution_id"],
            last_error=f"{error['error']}: {error['message']}" if error else None,
        )


def shown_days(days: Sequence[dt.date], rows: Iterable[RowMapping]) -> list[DayView]:
    """Every one of the days."""
    found = {row["day"]: row for row in rows}
    return [DayView.of(day, found.get(day)) for day in days]


def most_failing(rows: Iterable[RowMapping]) -> list[WorkflowNumbers]:
    """The workflows that fail most, by their rate."""
    shown = [WorkflowNumbers.of(row) for row in rows if row["failed"]]
    return sorted(shown, key=lambda item: (-(item.failure_rate or 0), -item.failed, item.workflow_id))[:TOP]


def rate(part: int, whole: int) -> float | None:
    """A share, where there is something that it is of."""
    return part / whole if whole else None


def _milliseconds(row: RowMapping | None, name: str) -> int | None:
    return round(row[name] * 1000) if row is not None and row[name] is not None else None
