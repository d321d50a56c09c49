"""The rules of jobs, so that they can be listed across workflows; what a job states is what counts."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, null, select, update
from sqlalchemy.dialects.postgresql import insert

from flowforge.metadata.schema import quality_rules
from flowforge.model.job import Job

ORDER = (quality_rules.c.workflow_id, quality_rules.c.job_id, quality_rules.c.rule)


def write_rules(connection: Connection, workflow_id: str, jobs: Iterable[Job]) -> None:
    """Make the rules of a workflow those that its jobs state; others are retired, and their results stay."""
    rows = [
        {
            "workflow_id": workflow_id,
            "job_id": job.id,
            "rule": rule.label,
            "type": str(rule.rule_type),
            "column_name": rule.column or "",
            "severity": rule.severity,
            "definition": rule.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        for job in jobs
        for rule in job.validation_config.data_quality_rules
    ]
    # What is stated is active again below.
    active = (quality_rules.c.workflow_id == workflow_id) & quality_rules.c.retired_at.is_(None)
    connection.execute(update(quality_rules).where(active).values(retired_at=func.now()))
    if not rows:
        return
    statement = insert(quality_rules)
    content = {name: statement.excluded[name] for name in ("type", "column_name", "severity", "definition")}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["workflow_id", "job_id", "rule"], set_={**content, "updated_at": func.now(), "retired_at": null()}
        ),
        rows,
    )


def active_rules(connection: Connection, workflow_id: str | None = None, job_id: str | None = None) -> list[RowMapping]:
    """The rules that hold now, of a workflow or a job where one is named."""
    query = select(quality_rules).where(_active(workflow_id, job_id)).order_by(*ORDER)
    return list(connection.execute(query).mappings())


def rule_page(
    connection: Connection, workflow_id: str | None, job_id: str | None, *, limit: int, offset: int
) -> tuple[list[RowMapping], int]:
    """A page of the rules that hold now, and how many there are in all its pages."""
    condition = _active(workflow_id, job_id)
    total = connection.execute(select(func.count()).select_from(quality_rules).where(condition)).scalar_one()
    page = select(quality_rules).where(condition).order_by(*ORDER).limit(limit).offset(offset)
    return list(connection.execute(page).mappings()), total


def _active(workflow_id: str | None, job_id: str | None) -> ColumnElement[bool]:
    c = quality_rules.c
    named = [column == value for column, value in ((c.workflow_id, workflow_id), (c.job_id, job_id)) if value is not None]
    return and_(c.retired_at.is_(None), *named)
