"""One execution on the local stack, followed to its end, and what it did as tables."""

from contextlib import suppress
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from flowforge.cli.endings import FAILURE, SUCCESS, say
from flowforge.cli.failures import failure_lines
from flowforge.cli.follow import follow
from flowforge.cli.preview import print_preview, print_quarantine
from flowforge.cli.progress_view import progress_view
from flowforge.cli.report import print_report
from flowforge.cli.results import broken_promises, read_results
from flowforge.lake.lake import Lake
from flowforge.model.run_status import execution_of
from flowforge.model.workflow import Workflow

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


def follow_to_the_end(
    stepfunctions: "SFNClient", arn: str, lake: Lake, workflow: Workflow, *, console: Console, errors: Console
) -> int:
    """Follow an execution, print what it did, and answer with the exit status.

    ``workflow`` has the jobs that the execution runs.
    """
    jobs = {job.id: job.name for job in sorted(workflow.jobs, key=lambda job: job.order)}
    taken = {job.id: job.steps for job in workflow.jobs}
    execution_id, _ = execution_of(arn.rpartition(":")[2])
    say(console, f"Execution {execution_id} of workflow {workflow.name}")
    try:
        with progress_view(console, jobs, taken) as show:
            description, progress = follow(stepfunctions, arn, show)
    except BaseException:
        # Ctrl-C above all. The stack ends in any case; stopped first, the execution ends as a stopped one.
        with suppress(BotoCoreError, ClientError):
            stepfunctions.stop_execution(executionArn=arn, error="Stopped", cause="The command that started it was ended")
        raise
    results = read_results(lake, execution_id, workflow)
    print_report(console, workflow, results)
    print_quarantine(console, lake, workflow, results)
    if description["status"] != "SUCCEEDED":
        problems = failure_lines(
            description["status"],
            description.get("error", ""),
            description.get("cause", ""),
            progress.failures,
            jobs,
        )
    else:
        print_preview(console, lake, workflow, results)
        problems = broken_promises(workflow, results)
    for problem in problems:
        say(errors, f"error: {problem}")
    return FAILURE if problems else SUCCESS
