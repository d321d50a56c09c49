"""The definitions of workflows, as whoever plans and starts them reads them."""

from collections.abc import Callable

from flowforge.metadata.database import Database
from flowforge.metadata.workflows import find_workflow
from flowforge.model.errors import ConfigFault
from flowforge.model.workflow import Workflow

Definitions = Callable[[str], Workflow]
"""From a workflow's id to the workflow. Raises ConfigFault where there is none, or one that cannot run."""


def definitions_of(database: Database) -> Definitions:
    """The definitions that a database holds."""

    def read(workflow_id: str) -> Workflow:
        with database.transaction() as connection:
            found = find_workflow(connection, workflow_id)
        if found is None:
            raise ConfigFault(f"there is no workflow {workflow_id}", option="workflowId")
        return found.workflow()

    return read
