"""``flowforge up``: the local stack, kept running in the foreground or in the background."""

import os
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from flowforge.cli.endings import FAILURE, SUCCESS, Interrupted, say
from flowforge.local.api_endpoints import API, API_DOCS
from flowforge.local.connection import StackConnection
from flowforge.local.errors import LocalStackError
from flowforge.local.project import PROJECT_VARIABLE
from flowforge.local.stack_file import StackFile, running_stack
from flowforge.local.state_folder import StateFolder

READY_SECONDS = 180.0
_LOOK_SECONDS = 0.05
_WAKE_SECONDS = 0.5
_LOG_TAIL_CHARACTERS = 2000


def up(
    project: Path,
    folder: StateFolder,
    *,
    detach: bool,
    parameters: Mapping[str, str],
    port: int | None,
    console: Console,
    errors: Console,
) -> int:
    """Keep the stack running until a signal ends it; with ``detach``, start it in the background and wait until it is ready.

    Standard output gets nothing but the environment of the stack, as lines for a shell. ``port`` is that of the API; None
    leaves it to the server.
    """
    if detach:
        return _up_in_background(project, folder, parameters, port, console, errors)
    say(errors, "Starting the local stack")
    from flowforge.cli.stack_api import StackApi
    from flowforge.local.stack import LocalStack

    try:
        with LocalStack(project, folder.root, shared=True, parameters=parameters, served=StackApi(port)) as stack:
            _print_environment(console, stack)
            _tell_api(errors, stack)
            say(errors, "Ready; Ctrl-C ends it")
            while not threading.Event().wait(_WAKE_SECONDS):
                # A signal that comes just before the thread falls asleep is seen when it wakes.
                continue
    except Interrupted:
        # The stack has ended in order; that is what was asked for.
        say(errors, "stopped")
    return SUCCESS


def _up_in_background(
    project: Path,
    folder: StateFolder,
    parameters: Mapping[str, str],
    port: int | None,
    console: Console,
    errors: Console,
) -> int:
    found = running_stack(folder)
    if found is None:
        found = _start(project, folder, parameters, port)
        _tell_api(errors, found.connection())
        say(errors, f"Ready as process {found.pid}; 'flowforge down' ends it")
    else:
        ignored = ", without the parameters that were given" if parameters or port is not None else ""
        say(errors, f"Running already as process {found.pid}{ignored}")
        _tell_api(errors, found.connection())
    _print_environment(console, found.connection())
    return SUCCESS if found.alive else FAILURE


def _start(project: Path, folder: StateFolder, parameters: Mapping[str, str], port: int | None) -> StackFile:
    folder.logs.mkdir(parents=True, exist_ok=True)
    log_path = folder.logs / "up.log"
    given = [argument for name, value in parameters.items() for argument in ("--parameter", f"{name}={value}")]
    given += [] if port is None else ["--port", str(port)]
    # What it prints holds the database's password.
    with open(log_path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as log:
        process = subprocess.Popen(  # noqa: S603 -- our own interpreter and our own command
            [sys.executable, "-m", "flowforge.cli", "up", "--state", str(folder.root), *given],
            cwd=folder.root,
            env={**os.environ, PROJECT_VARIABLE: str(project)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = running_stack(folder)
        if found is not None and found.pid == process.pid:
            # It stays when this command ends; nobody here waits for it.
            process.returncode = 0
            return found
        time.sleep(_LOOK_SECONDS)
    if process.poll() is None:
        process.terminate()
        process.wait()
    tail = log_path.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL_CHARACTERS:].strip()
    raise LocalStackError(f"the stack did not start. The end of {log_path}:\n{tail or '(it is empty)'}")


def _tell_api(errors: Console, stack: StackConnection) -> None:
    say(errors, f"API at {stack.endpoints[API]}, described at {stack.endpoints[API_DOCS]}")


def _print_environment(console: Console, stack: StackConnection) -> None:
    for name, value in stack.environment().items():
        say(console, f"export {name}={shlex.quote(value)}")
    console.file.flush()
