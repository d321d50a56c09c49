"""The job of a stored workflow that a person means."""

from pathlib import Path

from flowforge.cli.execute import store
from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.cli.workflow_file import load_workflow
from flowforge.local.connection import StackConnection
from flowforge.metadata.database import Database
from flowforge.metadata.refusals import NotThere
from flowforge.metadata.workflow_names import named_workflow
from flowforge.metadata.workflows import find_workflow
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.slug import slugify
from flowforge.model.workflow import Workflow

DEFINITIONS = (".yaml", ".yml")


def stored_job(database: Database, workflow_name: str, job_name: str | None) -> tuple[Workflow, Job]:
    """The workflow of an id, a name or a slug, or of a file, which is stored first, and its job of an id or a name.

    Raises UsageError where there is none, or where several could be meant.
    """
    workflow = _workflow(database, workflow_name)
    if job_name is None and len(workflow.jobs) == 1:
        return workflow, workflow.jobs[0]
    known = ", ".join(printable(job.id) for job in workflow.jobs)
    if job_name is None:
        raise UsageError(f"JOB: the workflow {printable(workflow.name)} has several jobs: name one of {known}")
    for job in workflow.jobs:
        if job_name in (job.id, job.name, job.slug):
            return workflow, job
    raise UsageError(f"JOB: the workflow {printable(workflow.name)} has no job {printable(job_name)}; it has {known}")


def job_of_stack(stack: StackConnection, workflow_name: str, job_name: str | None) -> tuple[Workflow, Job]:
    """The same for a command that needs no more of the database."""
    database = stack.database()
    try:
        return stored_job(database, workflow_name, job_name)
    finally:
        database.close()


def _workflow(database: Database, name: str) -> Workflow:
    if name.endswith(DEFINITIONS):
        return store(database, load_workflow(Path(name))).workflow()
    with database.transaction() as connection:
        for workflow_id in _ids(name):
            found = find_workflow(connection, workflow_id)
            if found is not None:
                return found.workflow()
        try:
            return named_workflow(connection, name).workflow()
        except (NotThere, ConfigFault) as fault:
            raise UsageError(f"WORKFLOW: {printable(str(fault))}") from fault


def _ids(name: str) -> list[str]:
    """The ids that a name can mean: itself, and the one that 'flowforge run' makes of a name."""
    try:
        return [name, f"wf_{slugify(name)}"]
    except ConfigFault:
        return [name]
