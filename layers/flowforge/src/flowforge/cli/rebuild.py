"""A rebuild of a job's Silver from stored Bronze, as an execution of the stack's state machine."""

from rich.console import Console

from flowforge.cli.endings import say
from flowforge.cli.stack_execution import follow_to_the_end
from flowforge.cli.stack_runs import MANUAL, new_key, stack_runs
from flowforge.cli.stored_job import stored_job
from flowforge.local.connection import StackConnection
from flowforge.model.start import StartRequest


def rebuild(stack: StackConnection, workflow_name: str, job_name: str | None, *, console: Console, errors: Console) -> int:
    """Rebuild, and print what it did; the answer is the exit status."""
    with stack_runs(stack) as runs:
        workflow, job = stored_job(runs.database, workflow_name, job_name)
        wish = StartRequest(workflow_id=workflow.id, rebuild=job.id, idempotency_key=new_key(), trigger=MANUAL)
        arn = runs.start(wish, lambda text: say(console, text))
        alone = workflow.model_copy(update={"jobs": (job,)})
        return follow_to_the_end(stack.client("stepfunctions"), arn, stack.lake(), alone, console=console, errors=errors)
