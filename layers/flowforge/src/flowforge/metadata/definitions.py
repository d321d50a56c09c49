"""Bringing a workflow to its definition in one transaction: made where it is not there, left alone where nothing differs."""

from typing import Any

from sqlalchemy import Connection, select

from flowforge.metadata.audit import Actor
from flowforge.metadata.identifiers import new_id
from flowforge.metadata.schema import jobs, workflows
from flowforge.metadata.stored_workflow import StoredWorkflow, read_job
from flowforge.metadata.workflows import create_workflow, find_workflow, locked_workflow, update_workflow
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.refused_options import without_harmless_job_options
from flowforge.model.workflow_definition import WorkflowDefinition, brief, identified


def defined_workflow(connection: Connection, given: WorkflowDefinition) -> StoredWorkflow | None:
    """The workflow that a definition means, by its id or else by its slug; None where it is to be made."""
    if given.id is not None:
        return find_workflow(connection, given.id)
    of_slug = select(workflows.c.id).where(workflows.c.slug == given.own_slug, workflows.c.deleted_at.is_(None))
    found = connection.scalar(of_slug)
    return None if found is None else find_workflow(connection, found)


def make_defined(
    connection: Connection, actor: Actor, environment: Environment, workflow_id: str, given: WorkflowDefinition
) -> StoredWorkflow:
    """Make the workflow under that id. Raises ConfigFault, and NameTaken where the id or a name has an owner."""
    _require_id(given, workflow_id)
    return create_workflow(
        connection,
        actor,
        environment,
        given.name,
        settings=given.settings(None),
        description=given.description,
        slug=given.own_slug,
        workflow_id=workflow_id,
        triggers=given.triggers,
        jobs_of_it=_jobs(given, {}),
    )


def change_to_defined(
    connection: Connection, actor: Actor, workflow_id: str, given: WorkflowDefinition, *, version: int
) -> StoredWorkflow:
    """Change the workflow to what the definition says, or nothing where it is that already: no version, no line of the audit log.

    Raises NotThere, Changed where it is at another version, ConfigFault (for another slug too, which never changes), and
    NameTaken.
    """
    _require_id(given, workflow_id)
    before = locked_workflow(connection, workflow_id, version=version)
    if given.slug and given.slug != before.slug:
        raise ConfigFault(
            f"the workflow {workflow_id} has the slug {before.slug}, under which its data lie: it cannot become {given.slug}; "
            "leave the slug as it is, and change the name alone",
            option="slug",
        )
    known = select(jobs.c.id, jobs.c.slug).where(jobs.c.workflow_id == workflow_id)
    slugs = {row.id: row.slug for row in connection.execute(known)}
    wanted, settings = _jobs(given, slugs), given.settings(before.settings)
    same_jobs = {job.id: job for job in wanted} == {job.id: job for job in before.jobs} and len(wanted) == len(before.jobs)
    texts = (given.name, given.description, given.triggers)
    if same_jobs and settings == before.settings and texts == (before.name, before.description, list(before.triggers)):
        return before
    return update_workflow(
        connection,
        actor,
        workflow_id,
        version=version,
        name=given.name,
        description=given.description,
        settings=settings,
        triggers=given.triggers,
        jobs_of_it=wanted,
    )


def definition_of(stored: StoredWorkflow) -> dict[str, Any]:
    """The definition that a workflow is at, without what is at its default."""
    said = stored.document()
    settings = stored.settings.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document = {**{name: said[name] for name in ("id", "name", "slug", "description")}, **settings}
    written = {**document, "triggers": said["triggers"], "jobs": [brief(job) for job in stored.jobs]}
    return {name: value for name, value in written.items() if value not in ("", [])}


def _require_id(given: WorkflowDefinition, workflow_id: str) -> None:
    if given.id not in (None, workflow_id):
        raise ConfigFault(f"the definition is of the workflow {given.id}, and not of {workflow_id}", option="id")


def _jobs(given: WorkflowDefinition, slugs: dict[str, str]) -> list[Job]:
    documents = identified([without_harmless_job_options(job) for job in given.jobs], slugs)
    return [
        read_job({**document, "id": document.get("id", new_id("job"))}, origin=f"jobs[{number}]")
        for number, document in enumerate(documents)
    ]
