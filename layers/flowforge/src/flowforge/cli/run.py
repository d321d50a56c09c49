"""One run on the local stack, from files on disk to a table of what became of them."""

from pathlib import Path

from rich.console import Console
from rich.filesize import decimal

from flowforge.cli.endings import say
from flowforge.cli.execute import land, store
from flowforge.cli.request import RunRequest
from flowforge.cli.stack_execution import follow_to_the_end
from flowforge.cli.stack_runs import MANUAL, new_key, stack_runs
from flowforge.local.open_stack import open_stack
from flowforge.local.stack_file import running_stack
from flowforge.local.state_folder import StateFolder
from flowforge.model.start import StartRequest


def run(request: RunRequest, *, project: Path, state: Path, console: Console, errors: Console) -> int:
    """Run the workflow and print what it did; the answer is the exit status."""
    workflow = request.workflow
    running = running_stack(StateFolder(state))
    say(console, "Starting the local stack" if running is None else f"Using the stack of process {running.pid}")
    with open_stack(project, state) as stack, stack_runs(stack) as runs:
        lake = stack.lake()
        stored = store(runs.database, workflow)
        sizes = [path.stat().st_size for keys in request.files.values() for path in keys.values()]
        say(console, f"Landing {len(sizes)} file{'s' if len(sizes) > 1 else ''}, {decimal(sum(sizes))}")
        land(lake, stored, request.files)
        wish = StartRequest(
            workflow_id=workflow.id,
            files={job_id: tuple(keys) for job_id, keys in request.files.items()},
            idempotency_key=new_key(),
            trigger=MANUAL,
        )
        arn = runs.start(wish, lambda text: say(console, text))
        return follow_to_the_end(stack.client("stepfunctions"), arn, lake, workflow, console=console, errors=errors)
