"""The fork server's own process: ``python -m flowforge.local.forking <socket>`` loads libraries and forks at each request.

Requests and answers are JSON, one for each packet of a socket that the owner holds the other end of: what to run, with the
open file of its log; then the id of the process, and at its end the exit code.
"""

import gc
import importlib
import json
import os
import runpy
import selectors
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MESSAGE_BYTES = 1 << 17
# What functions load beside the product's own code, which may change while a stack runs. Nothing that starts a thread when
# it is loaded, as polars and pyarrow do: threads do not come along into a forked process.
PRELOADED = (
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes.sqs_event",
    "boto3.session",
    "botocore.args",
    "botocore.endpoint",
    "botocore.handlers",
    "botocore.httpsession",
    "botocore.paginate",
    "botocore.signers",
    "botocore.waiter",
    "pydantic",
    "sqlalchemy.dialects.postgresql.pg8000",
)


@dataclass(frozen=True)
class Forked:
    """What a forked process holds: its request, the file of its log, and a pipe to tell that it is on its own."""

    request: dict[str, Any]
    log: int
    ready: int


def main() -> None:
    """Fork until the owner is gone; in a forked process, run what was asked for."""
    for name in PRELOADED:
        importlib.import_module(name)
    # What no search for garbage touches stays shared between the processes.
    gc.collect()
    gc.freeze()
    forked = _serve(socket.socket(fileno=int(sys.argv[1])))
    if forked is not None:
        _leave(forked)
        runpy.run_module(forked.request["module"], run_name="__main__", alter_sys=True)


def _serve(owner: socket.socket) -> Forked | None:
    """Returns in the server when the owner is gone, with None, and in every forked process."""
    try:
        return _forked(owner)
    except BrokenPipeError:
        return None


def _forked(owner: socket.socket) -> Forked | None:
    running: dict[int, int] = {}
    with selectors.DefaultSelector() as selector, owner:
        selector.register(owner, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd in running:
                    selector.unregister(key.fd)
                    _tell_end(owner, running.pop(key.fd), key.fd)
                    continue
                message, logs, _, _ = socket.recv_fds(owner, MESSAGE_BYTES, 1)
                if not message:
                    return None
                ready, readied = os.pipe()
                pid = os.fork()
                if pid == 0:
                    for inherited in (ready, *running):
                        os.close(inherited)
                    return Forked(json.loads(message), logs[0], readied)
                for given in (readied, logs[0]):
                    os.close(given)
                # Whoever is told of the process may end its group, so that has to be there.
                os.read(ready, 1)
                os.close(ready)
                end = os.pidfd_open(pid)
                running[end] = pid
                selector.register(end, selectors.EVENT_READ)
                owner.send(json.dumps({"pid": pid}).encode())


def _tell_end(owner: socket.socket, pid: int, end: int) -> None:
    os.close(end)
    _, status = os.waitpid(pid, 0)
    owner.send(json.dumps({"pid": pid, "code": os.waitstatus_to_exitcode(status)}).encode())


def _leave(forked: Forked) -> None:
    """Make of a forked process what it would be if it had been started by a shell."""
    request = forked.request
    os.setsid()
    os.write(forked.ready, b".")
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, stream in ((nothing, 0), (forked.log, 1), (forked.log, 2)):
        os.dup2(descriptor, stream)
    for descriptor in (nothing, forked.log, forked.ready):
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = [request["module"], *request["arguments"]]
    sys.path.insert(0, request["folder"])
    # What `top` and `ps` show instead of the server's name; the kernel keeps 15 characters.
    Path("/proc/self/comm").write_text(request["name"], encoding="utf-8")


if __name__ == "__main__":
    main()
