"""The definition of a workflow as a file states it for ``flowforge workflow apply``: its jobs, its triggers and its settings.

It is what should be there. What it does not say is at its default, but ``paused``, which people turn in operation. Ids may be
left out: a workflow and a job are then found by their slugs.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.names import Identifier
from flowforge.model.slug import slugify
from flowforge.model.workflow import MAX_JOBS
from flowforge.model.workflow_settings import WorkflowSettings

JobDocument = Mapping[str, Any]


class WorkflowDefinition(WorkflowSettings):
    """A workflow as it should be.

    The jobs are documents here: they are read once it is known which of them are there already, and by which ids.
    """

    schema_version: Literal[1] = 1
    id: Identifier | None = None
    name: Annotated[str, Field(min_length=1, max_length=200)]
    slug: Annotated[str, Field(max_length=100)] | None = None
    description: Annotated[str, Field(max_length=10_000)] = ""
    triggers: Annotated[list[dict[str, JsonValue]], Field(max_length=200)] = Field(default_factory=list)
    jobs: Annotated[list[dict[str, JsonValue]], Field(max_length=MAX_JOBS)] = Field(default_factory=list)

    @property
    def own_slug(self) -> str:
        """The slug that it states, or that follows from its name. Raises ConfigFault where none does."""
        return self.slug or slugify(self.name)

    def settings(self, before: WorkflowSettings | None) -> WorkflowSettings:
        """The settings that it asks for; a workflow that was paused stays so where nothing is said of it."""
        said = {name: getattr(self, name) for name in WorkflowSettings.model_fields}
        if before is not None and "paused" not in self.model_fields_set:
            said["paused"] = before.paused
        return WorkflowSettings.model_validate(said)


def identified(given: Iterable[JobDocument], slugs: Mapping[str, str]) -> list[dict[str, Any]]:
    """The jobs of a definition with the ids of those that are there; a new one without an id is left without.

    ``slugs`` maps the ids of the workflow's jobs, of deleted ones too, to their slugs. A job that is found by its id keeps its
    slug where it states none, since a rename changes the label alone. Raises ConfigFault for a name that gives no slug.
    """
    by_slug = {slug: job_id for job_id, slug in slugs.items()}
    jobs = []
    for number, job in enumerate(given):
        found = dict(job)
        if found.get("id") in slugs:
            found.setdefault("slug", slugs[str(found["id"])])
        elif "id" not in found and isinstance(found.get("name"), str):
            job_id = by_slug.get(str(found.get("slug") or _slug(str(found["name"]), number)))
            if job_id is not None:
                found["id"] = job_id
        jobs.append(found)
    return jobs


def brief(job: Job) -> dict[str, Any]:
    """A job's document without what is at its default, from which the same job is read."""
    document: dict[str, Any] = job.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    # An option that another one fills when it is left out has to be written.
    return document if Job.model_validate(document) == job else job.model_dump(mode="json", by_alias=True, exclude_none=True)


def _slug(name: str, number: int) -> str:
    try:
        return slugify(name)
    except ConfigFault as fault:
        raise ConfigFault(f"jobs[{number}]: {fault}", option=f"jobs[{number}].slug") from fault
