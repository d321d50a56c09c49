"""One run on the local stack, from files on disk to a table of what became of them."""

from contextlib import suppress
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.filesize import decimal

from flowforge.cli.endings import FAILURE, SUCCESS, say
from flowforge.cli.execute import land, new_execution_id, start
from flowforge.cli.failures import failure_lines
from flowforge.cli.follow import follow
from flowforge.cli.preview import print_preview, print_quarantine
from flowforge.cli.progress_view import progress_view
from flowforge.cli.report import print_report
from flowforge.cli.request import RunRequest
from flowforge.cli.results import broken_promises, read_results
from flowforge.local.open_stack import open_stack
from flowforge.local.stack_file import running_stack
from flowforge.local.state_folder import StateFolder


def run(request: RunRequest, *, project: Path, state: Path, console: Console, errors: Console) -> int:
    """Run the workflow and print what it did; the answer is the exit status."""
    workflow = request.workflow
    jobs = {job.id: job.name for job in sorted(workflow.jobs, key=lambda job: job.order)}
    taken = {job.id: job.steps for job in workflow.jobs}
    running = running_stack(StateFolder(state))
    say(console, "Starting the local stack" if running is None else f"Using the stack of process {running.pid}")
    with open_stack(project, state) as stack:
        lake, stepfunctions = stack.lake(), stack.client("stepfunctions")
        sizes = [path.stat().st_size for keys in request.files.values() for path in keys.values()]
        say(console, f"Landing {len(sizes)} file{'s' if len(sizes) > 1 else ''}, {decimal(sum(sizes))}")
        land(lake, workflow, request.files)
        execution_id = new_execution_id()
        arn = start(stepfunctions, stack.state_machine_arn, execution_id, workflow, request.files)
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
