"""How the platform is and how its executions went: the overview, and performance over weeks. Reading writes nothing."""

import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from fastapi import APIRouter, Query
from sqlalchemy import RowMapping, select

from flowforge.metadata.execution_list import newest_executions
from flowforge.metadata.run_statistics import by_day, by_hour, by_workflow, failing_jobs, totals
from flowforge.model.base import Document
from flowforge.model.time_zone import TimeZoneName, days_until, first_instant
from flowforge.orchestration.platform_probes import Found, Health, ask_all, lake_probe
from flowforge.web.access import Viewer
from flowforge.web.run_statistics_views import (
    TOP,
    DayView,
    Efficiency,
    FailingJob,
    HourView,
    Kpis,
    WorkflowNumbers,
    most_failing,
    shown_days,
)
from flowforge.web.services import Services, Used
from flowforge.web.workflow_views import LastExecution

router = APIRouter(prefix="/api/orchestration", tags=["orchestration"])
RECENT = 50
TREND_DAYS = 7
THROUGHPUT_HOURS = 168
ASKED = ("database", "lake", "stateMachine", "queue")
ZoneQuery = Annotated[
    TimeZoneName, Query(alias="timeZone", description="The time zone of days and hours, such as Europe/Berlin.")
]


class PerformanceRange(StrEnum):
    """How far back to look; today is the last of the days."""

    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"

    @property
    def days(self) -> int:
        """The number of days."""
        return int(self.value.removesuffix("d"))


class ServiceHealth(Document):
    """Whether a service answers, in how many milliseconds, or what is wrong; unknown where the deployment does not name it."""

    status: Health
    response_time: int | None
    detail: str

    @classmethod
    def of(cls, found: Found) -> Self:
        """Show what a probe found."""
        return cls(status=found.health, response_time=found.milliseconds, detail=found.detail)


class OverallHealth(StrEnum):
    """Whether all services that are known answer. Where the database does not, nor does this route."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded"


class SystemHealth(Document):
    """The services by name."""

    overall: OverallHealth
    services: dict[str, ServiceHealth]


class RecentExecution(LastExecution):
    """One of the newest executions."""

    workflow_id: str
    workflow_name: str
    trigger_type: str
    created_at: datetime

    @classmethod
    def of(cls, row: RowMapping) -> Self:
        """Show a row of a page of executions."""
        more = {name: row[name] for name in ("workflow_id", "workflow_name", "trigger_type", "created_at")}
        return cls(**LastExecution.of(row).model_dump(), **more)


class Overview(Document):
    """Health, the last 24 hours beside the 24 hours before, the newest executions, and the success of seven days."""

    time_zone: str
    measured_at: datetime
    system_health: SystemHealth
    kpis: Kpis
    recent_activity: list[RecentExecution]
    success_rate_trends: list[DayView]


class Performance(Document):
    """Executions that were wished in the time range: by day and hour of the time zone, and by workflow and job, ten of each.

    ``hourlyThroughput`` is of the last 168 hours; an hour without executions is left out.
    """

    time_zone: str
    time_range: PerformanceRange
    duration_trend: list[DayView]
    top_workflows: list[WorkflowNumbers]
    hourly_throughput: list[HourView]
    efficiency: list[Efficiency]
    failure_rates: list[WorkflowNumbers]
    top_failing_jobs: list[FailingJob]


@router.get("/overview")
def read_overview(services: Used, _caller: Viewer, time_zone: ZoneQuery = "UTC") -> Overview:
    """How things are now."""
    now = datetime.now(UTC)
    days = days_until(now, time_zone, TREND_DAYS)
    with services.transaction() as connection:
        began = time.monotonic()
        connection.execute(select(1))
        answered = Found(Health.OPERATIONAL, round((time.monotonic() - began) * 1000))
        day = timedelta(days=1)
        kpis = Kpis.of(*totals(connection, now - 2 * day, now - day, now))
        recent = newest_executions(connection, limit=RECENT)
        trend = by_day(connection, first_instant(days[0], time_zone), time_zone)
    return Overview(
        time_zone=time_zone,
        measured_at=now,
        system_health=_health(services, answered),
        kpis=kpis,
        recent_activity=[RecentExecution.of(row) for row in recent],
        success_rate_trends=shown_days(days, trend),
    )


@router.get("/monitor/performance")
def read_performance(
    services: Used,
    _caller: Viewer,
    time_range: Annotated[PerformanceRange, Query(alias="timeRange")] = PerformanceRange.WEEK,
    time_zone: ZoneQuery = "UTC",
) -> Performance:
    """How executions went over days."""
    now = datetime.now(UTC)
    days = days_until(now, time_zone, time_range.days)
    since = first_instant(days[0], time_zone)
    with services.transaction() as connection:
        trend = by_day(connection, since, time_zone)
        workflows = by_workflow(connection, since)
        hours = by_hour(connection, now - timedelta(hours=THROUGHPUT_HOURS), time_zone)
        failing = failing_jobs(connection, since)
    return Performance(
        time_zone=time_zone,
        time_range=time_range,
        duration_trend=shown_days(days, trend),
        top_workflows=[WorkflowNumbers.of(row) for row in workflows[:TOP]],
        hourly_throughput=[HourView(**row) for row in hours],
        efficiency=Efficiency.most_of(workflows),
        failure_rates=most_failing(workflows),
        top_failing_jobs=[FailingJob.of(row) for row in failing],
    )


def _health(services: Services, database: Found) -> SystemHealth:
    """Ask the services at once, when no connection of the database is held."""
    found = {"database": database, **ask_all({"lake": lake_probe(services.lake), **services.probes})}
    asked = {name: ServiceHealth.of(found.get(name, Found(Health.UNKNOWN))) for name in (*ASKED, *services.probes)}
    is_well = all(service.status is not Health.OUTAGE for service in asked.values())
    return SystemHealth(overall=OverallHealth.OPERATIONAL if is_well else OverallHealth.DEGRADED, services=asked)
