"""Between the documents of workflows and jobs, as the steps read them, and the rows that hold them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import RowMapping

from flowforge.metadata.ordered_maps import in_order, with_order
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.refused_options import refusal_of
from flowforge.model.workflow import Workflow, describe_problem, read_workflow
from flowforge.model.workflow_settings import WorkflowSettings

SETTINGS = tuple(WorkflowSettings.model_fields)
JOB_CONFIGS = ("source_config", "transformation_config", "validation_config", "destination_config")


@dataclass(frozen=True)
class StoredWorkflow:
    """A workflow as it is stored. ``version`` grows with every change of it or of its jobs: it is the ETag."""

    id: str
    name: str
    slug: str
    description: str
    environment: Environment
    settings: WorkflowSettings
    triggers: tuple[dict[str, Any], ...]
    jobs: tuple[Job, ...]
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None

    def document(self) -> dict[str, Any]:
        """The definition in its stored names, as a person writes it; it may have no jobs yet."""
        return definition(self.id, self.name, self.slug, self.description, self.triggers, self.jobs)

    def workflow(self) -> Workflow:
        """What the plan is made of. Raises ConfigFault where there are no jobs, or they do not go together."""
        if not self.jobs:
            raise ConfigFault(f"the workflow {self.name} has no jobs to run", option="jobs")
        return read_workflow(self.document(), origin=f"workflow {self.id}")

    def snapshot(self) -> dict[str, Any]:
        """All of it as JSON, for the audit log."""
        return {**self.document(), "settings": self.settings.model_dump(mode="json", by_alias=True), "version": self.version}


def definition(
    workflow_id: str, name: str, slug: str, description: str, triggers: Iterable[dict[str, Any]], jobs: Iterable[Job]
) -> dict[str, Any]:
    """A workflow's document."""
    return {
        "id": workflow_id,
        "name": name,
        "slug": slug,
        "description": description,
        "triggers": list(triggers),
        "jobs": [job.model_dump(mode="json", by_alias=True, exclude_none=True) for job in jobs],
    }


def read_job(document: object, *, origin: str) -> Job:
    """Validate a job by the model that the steps use. Raises ConfigFault with a line per wrong field."""
    try:
        return Job.model_validate(document)
    except ValidationError as error:
        lines = [
            describe_problem(problem["loc"], refusal_of(("jobs", 0, *problem["loc"]), problem["input"]) or problem["msg"])
            for problem in error.errors()
        ]
        raise ConfigFault(f"{origin}: {'; '.join(lines)}", option=lines[0].partition(":")[0]) from error


def stored_workflow(row: RowMapping, job_rows: Iterable[RowMapping]) -> StoredWorkflow:
    """Put a row and those of its jobs together."""
    return StoredWorkflow(
        id=row["id"],
        name=row["name"],
        slug=row["slug"],
        description=row["description"],
        environment=row["environment"],
        settings=settings_of(row),
        triggers=tuple(row["triggers"]),
        jobs=tuple(job_of(job) for job in job_rows),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deleted_at=row["deleted_at"],
    )


def settings_of(row: RowMapping) -> WorkflowSettings:
    """The settings in a row."""
    return WorkflowSettings.model_validate({name: row[name] for name in SETTINGS})


def settings_values(settings: WorkflowSettings) -> dict[str, Any]:
    """The columns of the settings."""
    return {**{name: getattr(settings, name) for name in SETTINGS}, "tags": list(settings.tags)}


def job_of(row: RowMapping) -> Job:
    """The job in a row."""
    names = ("id", "name", "slug", "description", "type", "tier")
    configs = {name: in_order(row[name]) for name in JOB_CONFIGS}
    return read_job({**{name: row[name] for name in names}, **configs, "order": row["order_index"]}, origin=f"job {row['id']}")


def job_values(job: Job) -> dict[str, Any]:
    """The columns of a job, but the workflow's id."""
    configs = {
        name: with_order(getattr(job, name).model_dump(mode="json", by_alias=True, exclude_none=True)) for name in JOB_CONFIGS
    }
    return {
        "id": job.id,
        "name": job.name,
        "slug": job.slug,
        "description": job.description,
        "type": job.type,
        "order_index": job.order,
        "tier": job.tier,
        **configs,
    }
