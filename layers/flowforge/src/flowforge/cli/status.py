"""``flowforge status``: whether a stack runs for a state folder, and where."""

from rich.console import Console

from flowforge.cli.endings import FAILURE, SUCCESS, say
from flowforge.local.api_endpoints import API
from flowforge.local.leftovers import processes_of_stack
from flowforge.local.stack_file import StackFile
from flowforge.local.state_folder import StateFolder
from flowforge.local.state_lock import holder


def status(folder: StateFolder, console: Console) -> int:
    """Print it; the answer is 0 where a stack runs, 1 where none does."""
    found = StackFile.read(folder.stack_file)
    if found is None or not found.alive:
        say(console, _why_not(folder, found))
        return FAILURE
    kept = "kept by 'flowforge up'" if found.shared else "for one 'flowforge run'"
    lines = {
        "stack": f"running, {kept}",
        "state": str(folder.root),
        "process": f"{found.pid}, since {found.started_at}, and {len(processes_of_stack(folder.root))} of its own",
        "emulator": found.endpoints["aws"],
        "states, lambda": found.endpoints["stepfunctions"],
        "bucket": found.data_bucket,
        "state machine": found.state_machine_arn,
    }
    if API in found.endpoints:
        lines["API"] = found.endpoints[API]
    for name, value in lines.items():
        say(console, f"{name:<15} {value}")
    return SUCCESS


def _why_not(folder: StateFolder, found: StackFile | None) -> str:
    pid = holder(folder)
    if pid is not None:
        return f"starting or ending, as process {pid}"
    if found is None:
        return f"no stack runs for {folder.root}; 'flowforge up' starts one"
    left = len(processes_of_stack(folder.root))
    return f"the stack of {folder.root} was killed (process {found.pid}), {left} processes are left; 'flowforge up' cleans up"
