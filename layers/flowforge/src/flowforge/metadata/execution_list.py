"""Executions as lists and details show them: a constant number of queries, whatever there is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ARRAY, ColumnElement, Connection, RowMapping, Subquery, Text, and_, cast, func, or_, select, true

from flowforge.metadata.schema import executions, job_executions, jobs, step_results, workflows
from flowforge.model.run_status import ACTIVE, ExecutionStatus, JobStatus
from flowforge.model.step import Step

MAX_PAGE = 200


@dataclass(frozen=True)
class ExecutionFilter:
    """Which executions; ``search`` is found in the workflow's name or is the beginning of an id. Deleted workflows count."""

    workflow_ids: Sequence[str] = ()
    statuses: Sequence[ExecutionStatus] = ()
    since: datetime | None = None
    search: str = ""

    def condition(self) -> ColumnElement[bool]:
        """The filter as a condition over executions joined with their workflows."""
        parts: list[ColumnElement[bool]] = [true()]
        if self.workflow_ids:
            parts.append(executions.c.workflow_id.in_(self.workflow_ids))
        if self.statuses:
            parts.append(executions.c.status.in_(self.statuses))
        if self.since is not None:
            parts.append(executions.c.created_at >= self.since)
        if self.search:
            parts.append(
                or_(
                    workflows.c.name.icontains(self.search, autoescape=True),
                    executions.c.id.startswith(self.search, autoescape=True),
                )
            )
        return and_(*parts)


@dataclass(frozen=True)
class ExecutionPage:
    """A page, and how many there are of each status in all its pages."""

    rows: list[RowMapping]
    by_status: dict[ExecutionStatus, int]

    @property
    def total(self) -> int:
        """How many there are, exactly."""
        return sum(self.by_status.values())


def execution_page(
    connection: Connection,
    chosen: ExecutionFilter,
    *,
    limit: int = 20,
    offset: int = 0,
    after: tuple[datetime, str] | None = None,
) -> ExecutionPage:
    """A page in two queries, newest first; ``after`` is creation time and id of the last row of the page before.

    ``offset`` serves those who number pages; ``after`` is as quick on the thousandth page as on the first. Each row has the
    workflow's name and the numbers of jobs: ``total_jobs``, ``completed_jobs``, ``failed_jobs``.
    """
    joined = executions.join(workflows, workflows.c.id == executions.c.workflow_id)
    condition = chosen.condition()
    of_them = joined if chosen.search else executions
    counted = select(executions.c.status, func.count()).select_from(of_them).where(condition)
    by_status = {row[0]: int(row[1]) for row in connection.execute(counted.group_by(executions.c.status))}
    page = select(executions).select_from(of_them).where(condition)
    if after is not None:
        created_at, execution_id = after
        older = or_(
            executions.c.created_at < created_at,
            and_(executions.c.created_at == created_at, executions.c.id < execution_id),
        )
        # The first comparison alone can use the index.
        page = page.where(executions.c.created_at <= created_at, older)
    newest = page.order_by(executions.c.created_at.desc(), executions.c.id.desc()).limit(min(limit, MAX_PAGE)).offset(offset)
    return ExecutionPage(_with_numbers(connection, newest.subquery("page")), by_status)


def newest_executions(connection: Connection, *, limit: int) -> list[RowMapping]:
    """The newest executions of all workflows as a page shows them, in one query."""
    newest = select(executions).order_by(executions.c.created_at.desc(), executions.c.id.desc()).limit(limit)
    return _with_numbers(connection, newest.subquery("page"))


def workflows_with_executions(connection: Connection) -> list[RowMapping]:
    """``id`` and ``name`` of the workflows that have executions, by name: what a list can be filtered by."""
    ran = select(executions.c.id).where(executions.c.workflow_id == workflows.c.id).exists()
    query = select(workflows.c.id, workflows.c.name).where(ran).order_by(func.lower(workflows.c.name), workflows.c.id)
    return list(connection.execute(query).mappings())


def last_executions(connection: Connection, workflow_ids: Iterable[str], *, each: int = 1) -> dict[str, list[RowMapping]]:
    """The newest executions of each workflow, newest first, in one query."""
    wanted = select(func.unnest(cast(list(workflow_ids), ARRAY(Text))).label("workflow_id")).subquery("wanted")
    newest = (
        select(executions)
        .where(executions.c.workflow_id == wanted.c.workflow_id)
        .order_by(executions.c.created_at.desc(), executions.c.id.desc())
        .limit(each)
        .lateral("newest")
    )
    found: dict[str, list[RowMapping]] = {}
    for row in _with_numbers(connection, select(newest).select_from(wanted.join(newest, true())).subquery("page")):
        found.setdefault(row["workflow_id"], []).append(row)
    return found


def is_recorded(connection: Connection, execution_id: str) -> bool:
    """Whether there is an execution of that id."""
    return connection.scalar(select(executions.c.id).where(executions.c.id == execution_id)) is not None


def succeeded_steps(connection: Connection, execution_id: str) -> set[tuple[str, Step]]:
    """The steps of an execution, each by its job, that are recorded as succeeded."""
    c = step_results.c
    query = select(c.job_id, c.step).where(c.execution_id == execution_id, c.status == JobStatus.SUCCEEDED)
    return {(row.job_id, row.step) for row in connection.execute(query)}


def times_of_execution(connection: Connection, execution_id: str) -> tuple[datetime, datetime | None] | None:
    """When an execution was wished and when it ended (None: it has not); None where there is none of that id."""
    c = executions.c
    row = connection.execute(select(c.created_at, c.ended_at).where(c.id == execution_id)).first()
    return (row.created_at, row.ended_at) if row else None


def active_execution(connection: Connection, workflow_id: str) -> str | None:
    """The oldest execution of a workflow that is active; None where none is."""
    query = select(executions.c.id).where(executions.c.workflow_id == workflow_id, executions.c.status.in_(ACTIVE))
    return connection.execute(query.order_by(executions.c.created_at).limit(1)).scalar()


@dataclass(frozen=True)
class ExecutionDetail:
    """An execution with its jobs in the order in which they run, and the steps of each job by their names."""

    execution: RowMapping
    jobs: list[RowMapping]
    steps: dict[str, dict[Step, RowMapping]]


def execution_detail(connection: Connection, execution_id: str) -> ExecutionDetail | None:
    """One execution in three queries; None where there is none. Jobs have ``name``, ``type`` and ``order_index`` too."""
    query = select(executions, workflows.c.name.label("workflow_name")).join_from(executions, workflows)
    row = connection.execute(query.where(executions.c.id == execution_id)).mappings().first()
    if row is None:
        return None
    of_it = jobs_of_executions(connection, [execution_id]).get(execution_id, JobsOfExecution())
    return ExecutionDetail(row, of_it.jobs, of_it.steps)


@dataclass(frozen=True)
class JobsOfExecution:
    """The jobs of an execution in the order in which they run, and the steps of each job by their names."""

    jobs: list[RowMapping] = field(default_factory=list)
    steps: dict[str, dict[Step, RowMapping]] = field(default_factory=dict)


def jobs_of_executions(connection: Connection, execution_ids: Sequence[str]) -> dict[str, JobsOfExecution]:
    """The jobs and steps of some executions, in two queries. Jobs have ``name``, ``type`` and ``order_index`` too."""
    found: dict[str, JobsOfExecution] = {}
    of_jobs = (
        select(job_executions, jobs.c.name, jobs.c.type, jobs.c.order_index)
        .join_from(job_executions, jobs)
        .where(job_executions.c.execution_id.in_(execution_ids))
        .order_by(jobs.c.order_index, jobs.c.id)
    )
    for job in connection.execute(of_jobs).mappings():
        found.setdefault(job["execution_id"], JobsOfExecution()).jobs.append(job)
    of_steps = (
        select(step_results)
        .where(step_results.c.execution_id.in_(execution_ids))
        .order_by(step_results.c.job_id, step_results.c.step)
    )
    for step in connection.execute(of_steps).mappings():
        steps = found.setdefault(step["execution_id"], JobsOfExecution()).steps
        steps.setdefault(step["job_id"], {})[step["step"]] = step
    return found


def _with_numbers(connection: Connection, page: Subquery) -> list[RowMapping]:
    """The rows of a page with the workflow's name, and the numbers of jobs counted for these rows alone."""
    numbers = (
        select(
            func.count().label("total_jobs"),
            func.count().filter(job_executions.c.status == JobStatus.SUCCEEDED).label("completed_jobs"),
            func.count().filter(job_executions.c.status == JobStatus.FAILED).label("failed_jobs"),
        )
        .where(job_executions.c.execution_id == page.c.id)
        .lateral("numbers")
    )
    query = (
        select(page, workflows.c.name.label("workflow_name"), numbers)
        .select_from(page.join(workflows, workflows.c.id == page.c.workflow_id).join(numbers, true()))
        .order_by(page.c.created_at.desc(), page.c.id.desc())
    )
    return list(connection.execute(query).mappings())
