"""Saving a whole definition: created where there is none, changed where it differs, and left alone where it does not."""

from sqlalchemy import Connection

from flowforge.metadata.audit import Actor
from flowforge.metadata.stored_workflow import StoredWorkflow
from flowforge.metadata.workflows import create_workflow, find_workflow, update_workflow
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault
from flowforge.model.workflow import Workflow


def save_workflow(connection: Connection, actor: Actor, environment: Environment, wanted: Workflow) -> StoredWorkflow:
    """Save name, description and jobs; settings and triggers of a workflow that is there stay, a new one has none.

    Raises ConfigFault for another slug than the stored one, NameTaken and InUse as creating and changing do.
    """
    before = find_workflow(connection, wanted.id)
    if before is None:
        return create_workflow(
            connection,
            actor,
            environment,
            wanted.name,
            description=wanted.description,
            slug=wanted.slug,
            workflow_id=wanted.id,
            jobs_of_it=wanted.jobs,
        )
    if before.slug != wanted.slug:
        raise ConfigFault(
            f"the workflow {before.id} has the slug {before.slug}, which its data lie under: state slug: {before.slug} to rename "
            f"it to {wanted.name!r}, or another id for another workflow",
            option="slug",
        )
    jobs = tuple(sorted(wanted.jobs, key=lambda job: (job.order, job.id)))
    if (before.name, before.description, before.jobs) == (wanted.name, wanted.description, jobs):
        return before
    return update_workflow(
        connection,
        actor,
        wanted.id,
        version=before.version,
        name=wanted.name,
        description=wanted.description,
        jobs_of_it=wanted.jobs,
    )
