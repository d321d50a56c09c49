"""The definitions of workflows, as they are stored in the lake."""

import json

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault
from flowforge.model.workflow import Workflow, read_workflow


def stored_workflow(lake: Lake, workflow_id: str) -> Workflow:
    """Read and validate a definition. Raises ConfigFault where there is none, or one that is wrong."""
    key = keys.workflow_key(workflow_id)
    stored = lake.read(key)
    if stored is None:
        raise ConfigFault(f"there is no workflow {workflow_id}", option="workflowId")
    try:
        definition = json.loads(stored[0])
    except ValueError as error:
        raise ConfigFault(f"{key} is no JSON: {error}") from error
    workflow = read_workflow(definition, origin=key)
    if workflow.id != workflow_id:
        raise ConfigFault(f"{key} defines the workflow {workflow.id}", option="id")
    return workflow
