"""Finding the workflow that a person means."""

from sqlalchemy import Connection, or_, select

from flowforge.metadata.refusals import NotThere
from flowforge.metadata.schema import workflows
from flowforge.metadata.stored_workflow import StoredWorkflow
from flowforge.metadata.workflows import find_workflow, workflow
from flowforge.model.errors import ConfigFault

MAX_NAMED = 20


def named_workflow(connection: Connection, name: str) -> StoredWorkflow:
    """The workflow of that id, slug or name. Raises NotThere where there is none, ConfigFault where several have the name."""
    found = find_workflow(connection, name)
    if found is not None:
        return found
    there = workflows.c.deleted_at.is_(None)
    of_name = select(workflows.c.id).where(there, or_(workflows.c.slug == name, workflows.c.name == name))
    ids = list(connection.execute(of_name.order_by(workflows.c.id).limit(MAX_NAMED)).scalars())
    if len(ids) == 1:
        return workflow(connection, ids[0])
    if ids:
        raise ConfigFault(f"{name} may be {' or '.join(ids)}: state the id", option="workflowId")
    known = connection.execute(select(workflows.c.id).where(there).order_by(workflows.c.id).limit(MAX_NAMED)).scalars()
    raise NotThere(f"there is no workflow {name}; there are {', '.join(known) or 'none yet'}", option="workflowId")
