"""The fork server's own process: ``python -m flowforge.local.forking SOCKET MODULE…`` loads modules and forks at each request.

Requests and answers are JSON, one for each packet of a socket that the owner holds the other end of: what to run, with the
open file of its log; then the id of the process, and at its end the exit code. A server whose modules have changed on disk
forks no more: it says so, tells the ends of its processes, and ends after the last one.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import socket
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

MESSAGE_BYTES = 1 << 17
# boto3 reads the description of a service once for each session, and most functions use these.
_SERVICES = ("glue", "s3", "sqs", "stepfunctions")


@dataclass(frozen=True)
class Forked:
    """What a forked process holds: its request, its log, and pipes to tell that it leads a group and to wait until it may go."""

    request: dict[str, Any]
    log: int
    ready: int
    go: int


def main() -> None:
    """Fork until the owner is gone; in a forked process, run what was asked for."""
    descriptor, *modules = sys.argv[1:]
    loaded = _load(modules)
    forked = _serve(socket.socket(fileno=int(descriptor)), loaded)
    if forked is not None:
        _leave(forked)
        runpy.run_module(forked.request["module"], run_name="__main__", alter_sys=True)


def _load(modules: Sequence[str]) -> dict[Path, int]:
    """The answer is when each file was written that may change while the server runs: those that were not installed."""
    began = time.time_ns()
    for name in modules:
        importlib.import_module(name)
    boto3.setup_default_session()
    for service in _SERVICES:
        boto3.client(service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # type: ignore[call-overload]  # noqa: S106 -- never sent
    # What no search for garbage touches stays shared between the processes.
    gc.collect()
    gc.freeze()
    installed = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    files = [Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))]
    written = {file: file.stat().st_mtime_ns for file in files if not str(file).startswith(installed) and file.exists()}
    # Whether one that was written meanwhile was loaded before or after, nobody knows.
    return {file: 0 if moment >= began else moment for file, moment in written.items()}


def _changed(loaded: Mapping[Path, int]) -> bool:
    """Whether a file is another one since it was loaded, or is gone."""
    try:
        return any(file.stat().st_mtime_ns != written for file, written in loaded.items())
    except FileNotFoundError:
        return True


def _serve(owner: socket.socket, loaded: Mapping[Path, int]) -> Forked | None:
    """Returns in the server at its end, with None, and in every forked process."""
    try:
        return _forked(owner, loaded)
    except (BrokenPipeError, ConnectionResetError):
        # The owner is gone.
        return None


def _forked(owner: socket.socket, loaded: Mapping[Path, int]) -> Forked | None:
    running: dict[int, int] = {}
    stale = False
    with selectors.DefaultSelector() as selector, owner:
        selector.register(owner, selectors.EVENT_READ)
        while running or not stale:
            for key, _ in selector.select():
                if key.fd in running:
                    selector.unregister(key.fd)
                    _tell_end(owner, running.pop(key.fd), key.fd)
                    continue
                message, logs, _, _ = socket.recv_fds(owner, MESSAGE_BYTES, 1)
                if not message:
                    return None
                stale = stale or _changed(loaded)
                if stale:
                    os.close(logs[0])
                    owner.send(json.dumps({"stale": True}).encode())
                    continue
                (ready, readied), (wait, go) = os.pipe(), os.pipe()
                try:
                    pid = os.fork()
                except OSError as error:
                    for unused in (ready, readied, wait, go, logs[0]):
                        os.close(unused)
                    owner.send(json.dumps({"failed": str(error)}).encode())
                    continue
                if pid == 0:
                    for inherited in (ready, go, *running):
                        os.close(inherited)
                    return Forked(json.loads(message), logs[0], readied, wait)
                for given in (readied, wait, logs[0]):
                    os.close(given)
                # Whoever is told of the process may end its group, so that has to be there.
                os.read(ready, 1)
                os.close(ready)
                end = os.pidfd_open(pid)
                running[end] = pid
                selector.register(end, selectors.EVENT_READ)
                owner.send(json.dumps({"pid": pid}).encode())
                # It runs nothing before its owner knows of it: it ends where this process ends sooner.
                with contextlib.suppress(BrokenPipeError):
                    os.write(go, b".")
                os.close(go)
    return None


def _tell_end(owner: socket.socket, pid: int, end: int) -> None:
    os.close(end)
    _, status = os.waitpid(pid, 0)
    owner.send(json.dumps({"pid": pid, "code": os.waitstatus_to_exitcode(status)}).encode())


def _leave(forked: Forked) -> None:
    """Make of a forked process what it would be if it had been started by a shell."""
    request = forked.request
    os.setsid()
    os.write(forked.ready, b".")
    if not os.read(forked.go, 1):
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, stream in ((nothing, 0), (forked.log, 1), (forked.log, 2)):
        os.dup2(descriptor, stream)
    for descriptor in (nothing, forked.log, forked.ready, forked.go):
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv = [request["module"], *request["arguments"]]
    sys.path.insert(0, request["folder"])
    # What `top` and `ps` show instead of the server's name; the kernel keeps 15 characters.
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(request["name"], encoding="utf-8")


if __name__ == "__main__":
    main()
