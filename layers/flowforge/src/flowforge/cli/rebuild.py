"""A rebuild of a job's Silver from stored Bronze, as an execution of the stack's state machine."""

from rich.console import Console

from flowforge.cli.execute import new_execution_id, start_with
from flowforge.cli.stack_execution import follow_to_the_end
from flowforge.cli.stored_job import stored_job
from flowforge.local.connection import StackConnection
from flowforge.model.plan import ExecutionInput


def rebuild(stack: StackConnection, workflow_name: str, job_name: str | None, *, console: Console, errors: Console) -> int:
    """Rebuild, and print what it did; the answer is the exit status."""
    lake, stepfunctions = stack.lake(), stack.client("stepfunctions")
    workflow, job = stored_job(lake, workflow_name, job_name)
    given = ExecutionInput(workflow_id=workflow.id, rebuild=job.id)
    arn = start_with(stepfunctions, stack.state_machine_arn, new_execution_id(), given)
    alone = workflow.model_copy(update={"jobs": (job,)})
    return follow_to_the_end(stepfunctions, arn, lake, alone, console=console, errors=errors)
