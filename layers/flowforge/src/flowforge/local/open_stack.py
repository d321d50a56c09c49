"""Finding the stack of a state folder, or starting one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flowforge.local.connection import StackConnection
from flowforge.local.loopback import bypass_proxies
from flowforge.local.stack_file import running_stack
from flowforge.local.state_folder import StateFolder


@contextmanager
def open_stack(project: Path, state: Path) -> Iterator[StackConnection]:
    """A stack for as long as the block runs: the running one of this state folder, or one of its own."""
    found = running_stack(StateFolder(state.resolve()))
    if found is not None:
        bypass_proxies()
        yield found.connection()
        return
    # A command on a running stack does not wait for what only starting one needs: a fifth of a second.
    from flowforge.local.stack import LocalStack

    with LocalStack(project, state) as stack:
        yield stack
