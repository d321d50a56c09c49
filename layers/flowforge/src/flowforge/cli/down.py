"""``flowforge down`` and ``flowforge reset``: ending a stack, and removing what it kept."""

import os
import shutil
import signal
import time
from collections.abc import Callable

import psutil
from rich.console import Console

from flowforge.cli.endings import FAILURE, SUCCESS, say
from flowforge.local.errors import LocalStackError
from flowforge.local.leftovers import end_processes, processes_of_stack
from flowforge.local.postgres_binaries import remove_database_beside
from flowforge.local.stack_file import StackFile
from flowforge.local.state_folder import StateFolder
from flowforge.local.state_lock import hold, holder

END_SECONDS = 20.0
_LOOK_SECONDS = 0.02


def down(folder: StateFolder, console: Console) -> int:
    """End the stack that ``flowforge up`` keeps, in order where it still can, and whatever one that was killed left."""
    found = StackFile.read(folder.stack_file)
    if found is not None and found.alive:
        if not found.shared:
            raise LocalStackError(f"process {found.pid} is a 'flowforge run': it ends with its execution, or by Ctrl-C there")
        process = psutil.Process(found.pid)
        os.kill(found.pid, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        # Not whether its number is free again: that is up to whoever started it, who may take no note of its end.
        while found.alive and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        if found.alive:
            end_processes([process])
        say(console, f"The stack of process {found.pid} has ended")
    elif holder(folder) is None:
        say(console, f"No stack runs for {folder.root}")
    else:
        raise LocalStackError(f"a stack is starting for {folder.root}, as process {holder(folder)}; try again when it is ready")
    left = end_processes(processes_of_stack(folder.root))
    if left:
        say(console, f"Ended {left} processes that were left behind")
    folder.stack_file.unlink(missing_ok=True)
    return SUCCESS


def reset(folder: StateFolder, console: Console, *, confirm: Callable[[str], bool]) -> int:
    """Remove everything that the stack kept in the folder. Refused while a stack runs, and for a folder that is none's."""
    if not folder.is_one():
        raise LocalStackError(f"{folder.root} is no state folder: no stack has used it")
    with hold(folder):
        entries = folder.entries()
        if not entries:
            say(console, f"{folder.root} is empty")
            return SUCCESS
        if not confirm(f"Remove all objects, executions and logs in {folder.root} ({', '.join(path.name for path in entries)})?"):
            say(console, "Nothing was removed")
            return FAILURE
        end_processes(processes_of_stack(folder.root))
        for path in entries:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        remove_database_beside(folder.root)
    say(console, f"Removed what lay in {folder.root}")
    return SUCCESS
