"""The job of a stored workflow that a person means."""

from pathlib import Path

from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.cli.workflow_file import load_workflow
from flowforge.lake.keys import workflow_key
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.slug import slugify
from flowforge.model.workflow import Workflow
from flowforge.orchestration.definitions import find_workflow, stored_workflow

DEFINITIONS = (".yaml", ".yml")


def stored_job(lake: Lake, workflow_name: str, job_name: str | None) -> tuple[Workflow, Job]:
    """The workflow of an id, a name or a slug, or of a file, which is stored first, and its job of an id or a name.

    Raises UsageError where there is none, or where several could be meant.
    """
    workflow = _workflow(lake, workflow_name)
    if job_name is None and len(workflow.jobs) == 1:
        return workflow, workflow.jobs[0]
    known = ", ".join(printable(job.id) for job in workflow.jobs)
    if job_name is None:
        raise UsageError(f"JOB: the workflow {printable(workflow.name)} has several jobs: name one of {known}")
    for job in workflow.jobs:
        if job_name in (job.id, job.name, job.slug):
            return workflow, job
    raise UsageError(f"JOB: the workflow {printable(workflow.name)} has no job {printable(job_name)}; it has {known}")


def _workflow(lake: Lake, name: str) -> Workflow:
    if name.endswith(DEFINITIONS):
        workflow = load_workflow(Path(name))
        lake.overwrite(workflow_key(workflow.id), workflow.to_json())
        return workflow
    for workflow_id in _ids(name):
        if lake.read(workflow_key(workflow_id)) is not None:
            return stored_workflow(lake, workflow_id)
    try:
        return find_workflow(lake, name)
    except ConfigFault as fault:
        raise UsageError(f"WORKFLOW: {printable(str(fault))}") from fault


def _ids(name: str) -> list[str]:
    """The ids that a name can mean: itself, and the one that 'flowforge run' makes of a name."""
    try:
        return [name, f"wf_{slugify(name)}"]
    except ConfigFault:
        return [name]
