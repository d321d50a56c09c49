"""``flowforge serve``: the API over the local stack, in the foreground."""

import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from flowforge.cli.endings import SUCCESS, Interrupted, say
from flowforge.local.connection import DATABASE, STAGE, StackConnection
from flowforge.local.loopback import bypass_proxies
from flowforge.local.stack_file import running_stack
from flowforge.local.state_folder import StateFolder
from flowforge.metadata.database import Database
from flowforge.metadata.database_settings import DatabaseSettings
from flowforge.model.environment import Environment
from flowforge.orchestration.execution_logs import ExecutionLogs
from flowforge.orchestration.platform_probes import stage_probes
from flowforge.web.laptop import laptop_api
from flowforge.web.services import Services

CONNECTIONS = 4
API_VARIABLE, TOKEN_VARIABLE = "FLOWFORGE_API", "FLOWFORGE_TOKEN"


def serve(project: Path, folder: StateFolder, *, port: int, console: Console, errors: Console) -> int:
    """Serve until a signal ends it. Standard output gets address and token, as lines for a shell."""
    try:
        with _shared_stack(project, folder, errors) as stack:
            database = Database(DatabaseSettings.of_url(stack.endpoints[DATABASE], pool_size=CONNECTIONS))
            try:
                door = stack.door(database)
                services = Services(
                    database,
                    Environment.DEV,
                    stack.lake(),
                    door,
                    probes=stage_probes(door.starter.machine.arn, door.queue.url, stack.client),
                    logs=ExecutionLogs(STAGE, lambda: stack.client("logs")),
                )
                with laptop_api(services, port) as api:
                    for name, value in ((API_VARIABLE, api.url), (TOKEN_VARIABLE, api.token)):
                        say(console, f"export {name}={shlex.quote(value)}")
                    console.file.flush()
                    say(errors, "Ready; Ctrl-C ends it")
                    threading.Event().wait()
            finally:
                database.close()
    except Interrupted:
        # That is what was asked for.
        say(errors, "stopped")
    return SUCCESS


@contextmanager
def _shared_stack(project: Path, folder: StateFolder, errors: Console) -> Iterator[StackConnection]:
    """The stack that runs, or one that other commands find too: that of a single run has no database."""
    found = running_stack(folder)
    if found is not None:
        bypass_proxies()
        yield found.connection()
        return
    say(errors, "Starting the local stack")
    from flowforge.local.stack import LocalStack

    with LocalStack(project, folder.root, shared=True) as stack:
        yield stack
