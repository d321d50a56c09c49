"""Workflows: creating, reading, changing, deleting and purging them. Every change writes its line of the audit log."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.database import constraint_of
from flowforge.metadata.identifiers import new_id
from flowforge.metadata.jobs import write_jobs
from flowforge.metadata.refusals import Changed, InUse, NameTaken, NotThere
from flowforge.metadata.schema import executions, jobs, workflows
from flowforge.metadata.stored_workflow import StoredWorkflow, definition, settings_values, stored_workflow
from flowforge.model.environment import Environment
from flowforge.model.job import Job
from flowforge.model.run_status import ACTIVE
from flowforge.model.slug import slugify
from flowforge.model.workflow import read_workflow
from flowforge.model.workflow_settings import WorkflowSettings

ENTITY = "workflow"


def create_workflow(
    connection: Connection,
    actor: Actor,
    environment: Environment,
    name: str,
    *,
    settings: WorkflowSettings | None = None,
    description: str = "",
    slug: str | None = None,
    workflow_id: str | None = None,
    triggers: Iterable[dict[str, Any]] = (),
    jobs_of_it: Iterable[Job] = (),
) -> StoredWorkflow:
    """Create a workflow, with or without jobs; its slug is fixed from here on.

    Raises NameTaken where the id or the slug belongs to another one, also to a deleted one that was not purged, and ConfigFault
    for a definition that is wrong.
    """
    new, slug, jobs_given, triggers = workflow_id or new_id("wf"), slug or slugify(name), list(jobs_of_it), list(triggers)
    _check(definition(new, name, slug, description, triggers, jobs_given))
    values = {
        "id": new,
        "name": name,
        "slug": slug,
        "description": description,
        "environment": environment,
        "triggers": triggers,
        "created_by": actor.name,
        "updated_by": actor.name,
        **settings_values(settings or WorkflowSettings()),
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(workflows).values(values))
    except IntegrityError as error:
        if constraint_of(error) not in ("workflows_slug_key", "workflows_pkey"):
            raise
        raise _name_taken(connection, new, slug) from error
    write_jobs(connection, new, slug, jobs_given)
    created = workflow(connection, new)
    audit.write(connection, actor, "create", (ENTITY, new), after=created.snapshot())
    return created


def find_workflow(connection: Connection, workflow_id: str) -> StoredWorkflow | None:
    """A workflow with its jobs in their order, in two queries; None where there is none, or a deleted one."""
    row = (
        connection.execute(select(workflows).where(workflows.c.id == workflow_id, workflows.c.deleted_at.is_(None)))
        .mappings()
        .first()
    )
    if row is None:
        return None
    of_it = select(jobs).where(jobs.c.workflow_id == workflow_id, jobs.c.deleted_at.is_(None))
    return stored_workflow(row, connection.execute(of_it.order_by(jobs.c.order_index, jobs.c.id)).mappings())


def workflow(connection: Connection, workflow_id: str) -> StoredWorkflow:
    """The same; raises NotThere where there is none."""
    found = find_workflow(connection, workflow_id)
    if found is None:
        raise NotThere(f"there is no workflow {workflow_id}", option="workflowId")
    return found


def update_workflow(
    connection: Connection,
    actor: Actor,
    workflow_id: str,
    *,
    version: int,
    name: str | None = None,
    description: str | None = None,
    settings: WorkflowSettings | None = None,
    triggers: Iterable[dict[str, Any]] | None = None,
    jobs_of_it: Iterable[Job] | None = None,
) -> StoredWorkflow:
    """Change what is given and leave the rest; ``jobs_of_it`` are then all its jobs. The slug never changes.

    Raises NotThere, Changed where the workflow is at another version, ConfigFault, and NameTaken for a dataset or a table.
    """
    before = locked_workflow(connection, workflow_id, version=version)
    jobs_given = None if jobs_of_it is None else list(jobs_of_it)
    changed: dict[str, Any] = {
        "name": before.name if name is None else name,
        "description": before.description if description is None else description,
        "triggers": list(before.triggers) if triggers is None else list(triggers),
    }
    _check(
        definition(
            workflow_id,
            changed["name"],
            before.slug,
            changed["description"],
            changed["triggers"],
            before.jobs if jobs_given is None else jobs_given,
        )
    )
    if settings is not None:
        changed |= settings_values(settings)
    if jobs_given is not None:
        write_jobs(connection, workflow_id, before.slug, jobs_given)
    return changed_workflow(connection, actor, "update", before, changed)


def locked_workflow(connection: Connection, workflow_id: str, *, version: int | None = None) -> StoredWorkflow:
    """The workflow, which nobody else changes until the transaction ends. Raises NotThere, and Changed for another version."""
    connection.execute(select(workflows.c.id).where(workflows.c.id == workflow_id).with_for_update(key_share=True))
    found = workflow(connection, workflow_id)
    if version is not None and found.version != version:
        raise Changed(f"the workflow {workflow_id} is at version {found.version}, not {version}: read it again, and change that")
    return found


def changed_workflow(
    connection: Connection, actor: Actor, action: str, before: StoredWorkflow, values: dict[str, Any]
) -> StoredWorkflow:
    """Write a change under the next version, with its line of the audit log."""
    moved = {**values, "version": workflows.c.version + 1, "updated_at": func.now(), "updated_by": actor.name}
    connection.execute(update(workflows).where(workflows.c.id == before.id).values(moved))
    after = workflow(connection, before.id)
    audit.write(connection, actor, action, (ENTITY, before.id), before=before.snapshot(), after=after.snapshot())
    return after


def delete_workflow(connection: Connection, actor: Actor, workflow_id: str, *, version: int | None = None) -> None:
    """Delete a workflow; its data, its history and its names stay until the purge.

    Raises NotThere, Changed, and InUse while an execution is active.
    """
    before = locked_workflow(connection, workflow_id, version=version)
    active = connection.scalar(
        select(executions.c.id).where(executions.c.workflow_id == workflow_id, executions.c.status.in_(ACTIVE)).limit(1)
    )
    if active is not None:
        raise InUse(f"the execution {active} of {before.name} is active: cancel it, or wait for its end")
    connection.execute(
        update(workflows).where(workflows.c.id == workflow_id).values(deleted_at=func.now(), updated_by=actor.name)
    )
    audit.write(connection, actor, "delete", (ENTITY, workflow_id), before=before.snapshot())


def purge_workflow(connection: Connection, actor: Actor, workflow_id: str) -> None:
    """Forget a deleted workflow with its history, and let its names go; its data must have been removed before.

    Raises NotThere where there is none, InUse where it was not deleted.
    """
    row = connection.execute(select(workflows).where(workflows.c.id == workflow_id).with_for_update()).mappings().first()
    if row is None:
        raise NotThere(f"there is no workflow {workflow_id}", option="workflowId")
    if row["deleted_at"] is None:
        raise InUse(f"the workflow {row['name']} is not deleted: delete it first")
    connection.execute(delete(workflows).where(workflows.c.id == workflow_id))
    audit.write(connection, actor, "purge", (ENTITY, workflow_id), before={"id": workflow_id, "slug": row["slug"]})


def _check(document: dict[str, Any]) -> None:
    """Hold a definition to the models and to what jobs ask of each other; it may have no jobs yet."""
    read_workflow(document if document["jobs"] else {**document, "triggers": [], "jobs": [_ANY_JOB]}, origin="the workflow")


_ANY_JOB = {"id": "job", "name": "job"}
"""Stands in where there are none, since the model of what can run asks for one."""


def _name_taken(connection: Connection, workflow_id: str, slug: str) -> NameTaken:
    owner = connection.execute(
        select(workflows.c.id, workflows.c.name, workflows.c.deleted_at)
        .where((workflows.c.slug == slug) | (workflows.c.id == workflow_id))
        .limit(1)
    ).first()
    if owner is None:
        return NameTaken(f"the slug {slug} was taken a moment ago", option="slug")
    if owner.id == workflow_id:
        return NameTaken(f"there is or was a workflow {workflow_id} already: choose another id", option="id")
    kept = ", which is deleted but not purged, so its data still lie there" if owner.deleted_at else ""
    return NameTaken(
        f"the slug {slug} belongs to the workflow {owner.name} ({owner.id}){kept}: state another slug", option="slug"
    )
