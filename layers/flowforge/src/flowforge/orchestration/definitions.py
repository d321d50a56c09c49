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


def find_workflow(lake: Lake, name: str) -> Workflow:
    """The workflow of that id, slug or name. Raises ConfigFault where there is none, or where several have the name."""
    ids = [keys.workflow_of(item.key) for item in lake.list_objects(keys.WORKFLOWS)]
    if name in ids:
        return stored_workflow(lake, name)
    workflows = [stored_workflow(lake, workflow_id) for workflow_id in ids]
    found = [workflow for workflow in workflows if name in (workflow.slug, workflow.name)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ConfigFault(f"there is no workflow {name}; there are {', '.join(ids) or 'none yet'}", option="workflowId")
    raise ConfigFault(f"{name} may be {' or '.join(workflow.id for workflow in found)}: state the id", option="workflowId")
