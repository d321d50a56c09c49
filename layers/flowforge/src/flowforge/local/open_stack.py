"""Finding the stack of a state folder, or starting one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowforge.local.connection import StackConnection
from flowforge.local.loopback import bypass_proxies
from flowforge.local.stack import LocalStack
from flowforge.local.stack_file import StackFile
from flowforge.local.state_folder import StateFolder


def running_stack(folder: StateFolder) -> StackFile | None:
    """The stack that ``flowforge up`` keeps for this folder; None where there is none that others may use."""
    found = StackFile.read(folder.stack_file)
    return found if found is not None and found.shared and found.alive else None


@contextmanager
def open_stack(project: Path, state: Path) -> Iterator[StackConnection]:
    """A stack for as long as the block runs: the running one of this state folder, or one of its own."""
    found = running_stack(StateFolder(state.resolve()))
    if found is not None:
        bypass_proxies()
        yield found.connection()
        return
    with LocalStack(project, state) as stack:
        yield stack
