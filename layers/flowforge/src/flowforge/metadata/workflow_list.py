"""Workflows as lists show them: a page with its jobs in a constant number of queries, and the exact total."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, or_, select

from flowforge.metadata.schema import jobs, workflows
from flowforge.metadata.stored_workflow import StoredWorkflow, stored_workflow
from flowforge.model.workflow_settings import DataClassification, Priority

MAX_PAGE = 1000


@dataclass(frozen=True)
class WorkflowFilter:
    """Which workflows; ``search`` is found in name, description, application, owner or team."""

    search: str = ""
    priorities: Sequence[Priority] = ()
    classifications: Sequence[DataClassification] = ()
    paused: bool | None = None
    tags: Sequence[str] = ()
    slug: str = ""

    def condition(self) -> ColumnElement[bool]:
        """The filter as a condition over workflows; deleted ones never match."""
        parts: list[ColumnElement[bool]] = [workflows.c.deleted_at.is_(None)]
        if self.search:
            searched = ("name", "description", "application", "owner", "team")
            parts.append(or_(*(workflows.c[name].icontains(self.search, autoescape=True) for name in searched)))
        if self.priorities:
            parts.append(workflows.c.priority.in_(self.priorities))
        if self.classifications:
            parts.append(workflows.c.data_classification.in_(self.classifications))
        if self.paused is not None:
            parts.append(workflows.c.paused.is_(self.paused))
        if self.tags:
            parts.append(workflows.c.tags.contains(list(self.tags)))
        if self.slug:
            parts.append(workflows.c.slug == self.slug)
        return and_(*parts)


def workflow_page(
    connection: Connection, chosen: WorkflowFilter | None = None, *, limit: int = 20, offset: int = 0
) -> tuple[list[StoredWorkflow], int]:
    """A page, newest first, and how many workflows there are in all its pages: three queries."""
    condition = (chosen or WorkflowFilter()).condition()
    total = connection.execute(select(func.count()).select_from(workflows).where(condition)).scalar_one()
    newest = select(workflows).where(condition).order_by(workflows.c.created_at.desc(), workflows.c.id.desc())
    rows = list(connection.execute(newest.limit(min(limit, MAX_PAGE)).offset(offset)).mappings())
    of_them = select(jobs).where(jobs.c.workflow_id.in_([row["id"] for row in rows]), jobs.c.deleted_at.is_(None))
    by_workflow: dict[str, list[RowMapping]] = {}
    for job in connection.execute(of_them.order_by(jobs.c.order_index, jobs.c.id)).mappings():
        by_workflow.setdefault(job["workflow_id"], []).append(job)
    return [stored_workflow(row, by_workflow.get(row["id"], ())) for row in rows], total


def workflow_choices(connection: Connection, *, without: str | None = None) -> list[RowMapping]:
    """``id``, ``name``, ``description``, ``triggers`` and ``paused`` of all workflows, by name, in one query."""
    c = workflows.c
    query = select(c.id, c.name, c.description, c.triggers, c.paused).where(c.deleted_at.is_(None))
    if without is not None:
        query = query.where(c.id != without)
    return list(connection.execute(query.order_by(func.lower(c.name), c.id)).mappings())
