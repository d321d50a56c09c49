"""The fork server: functions' processes come from one that has loaded their libraries, instead of each loading them anew.

Linux alone: elsewhere the libraries of the system do not survive a fork, and each process loads its own.
"""

import contextlib
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from signal import SIGKILL
from typing import IO, Any

from flowforge.local.errors import LocalStackError
from flowforge.local.forked_process import ForkedProcess
from flowforge.local.forking import MESSAGE_BYTES
from flowforge.local.leftovers import mark_of
from flowforge.local.process_environment import process_environment
from flowforge.local.processes import ChildProcess
from flowforge.local.reaper import Reaper, signal_group
from flowforge.local.state_folder import StateFolder

ANSWER_SECONDS = 30
"""A server that takes longer, its libraries' loading included, is given up."""
# What the functions of the control plane load, and the steps' in part. Nothing that starts a thread when it is loaded, as
# polars and pyarrow do: threads do not come along into a forked process.
PRELOADED = (
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.data_classes.sqs_event",
    "flowforge.orchestration.completions",
    "flowforge.orchestration.plan_recording",
    "flowforge.orchestration.reconciling",
    "flowforge.orchestration.run_events",
    "flowforge.orchestration.start_messages",
    "pg8000.dbapi",
    "sqlalchemy.dialects.postgresql.pg8000",
)
_READ_ONCE = (
    # By the interpreter and the C library when a process starts.
    *("PYTHON", "LD_", "LC_", "LANG", "HOME", "MALLOC_", "GLIBC_"),
    # By the libraries when they are loaded, and by the session that boto3 shares when it is made.
    *("POWERTOOLS_DEBUG", "POWERTOOLS_TRACE_MIDDLEWARES", "PYDANTIC_", "BOTOCORE_"),
    *("AWS_CONFIG_FILE", "AWS_DATA_PATH", "AWS_DEFAULT_PROFILE", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"),
)


def _can_fork() -> bool:
    """Linux since 5.3, unless a container forbids its way to hear of a process's end."""
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError:
        return False
    return True


FORKS = _can_fork()


class ForkServer:
    """A process that forks others on demand; replaced when it was killed or its modules have changed.

    ``environment`` is that of the server, with the variables that are read only once; ``modules`` are loaded.
    """

    def __init__(self, reaper: Reaper, environment: Mapping[str, str], log: Path, modules: Sequence[str] = PRELOADED) -> None:
        self._reaper = reaper
        self._environment = dict(environment)
        self._log = log
        self._modules = tuple(modules)
        self._lock = threading.Lock()
        self._closed = False
        self._servers: list[_Server] = []
        """The last one forks; earlier ones have processes that run."""

    def start(self) -> None:
        """Let the server load its libraries ahead of the first fork."""
        with self._lock:
            self._running()

    def suits(self, environment: Mapping[str, str]) -> bool:
        """Whether a process of this environment is the same, forked or started: some variables are read only once."""
        return _read_once(environment) == _read_once(self._environment)

    def fork(
        self, name: str, module: str, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], log: IO[bytes]
    ) -> ForkedProcess:
        """Do ``python -m module arguments`` in a forked process of that name. Raises LocalStackError."""
        request = json.dumps(
            {
                "name": name,
                "module": module,
                "arguments": list(arguments),
                "folder": str(folder),
                "environment": dict(environment),
            }
        ).encode()
        with self._lock:
            for _ in range(2):
                process = self._running().fork(request, log.fileno())
                if process is not None:
                    return process
        raise LocalStackError(f"no process for a function could be forked; see {self._log}")

    def close(self) -> None:
        """End the server; what it has forked is ended by whoever asked for it."""
        with self._lock:
            self._closed = True
            for server in self._servers:
                server.close()

    def _running(self) -> "_Server":
        if self._closed:
            raise LocalStackError("the stack ends, so no process for a function is forked any more")
        if not self._servers or not self._servers[-1].forks:
            for server in [server for server in self._servers if server.ended]:
                server.close()
                self._servers.remove(server)
            self._servers.append(_Server(self._reaper, self._environment, self._log, self._modules))
        return self._servers[-1]


class _Server:
    """One life of the server, and the thread that hears from it."""

    def __init__(self, reaper: Reaper, environment: Mapping[str, str], log: Path, modules: Sequence[str]) -> None:
        self.ended = False
        self.forks = True
        self._forked: dict[int, ForkedProcess] = {}
        self._answers: SimpleQueue[ForkedProcess | None] = SimpleQueue()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        log.parent.mkdir(parents=True, exist_ok=True)
        with theirs, log.open("ab") as file:
            self._process = ChildProcess.start(
                [sys.executable, "-P", "-m", "flowforge.local.forking", str(theirs.fileno()), *modules],
                reaper=reaper,
                cwd=Path("/"),
                environment=environment,
                log=file,
                options={"pass_fds": (theirs.fileno(),)},
            )
        self._thread = threading.Thread(target=self._listen, daemon=True, name="fork-server")
        self._thread.start()

    def fork(self, request: bytes, log: int) -> ForkedProcess | None:
        """None where the server has ended, or forks no more."""
        try:
            socket.send_fds(self._channel, [request], [log])
        except OSError:
            self.forks = False
            return None
        try:
            return self._answers.get(timeout=ANSWER_SECONDS)
        except Empty:
            self.forks = False
            self._process.stop(seconds=0)
            return None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            # Gone already, where it has ended by itself.
            self._channel.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._channel.close()

    def _listen(self) -> None:
        while message := self._received():
            self._hear(json.loads(message))
        self.forks = False
        self._process.stop(seconds=0)
        self.ended = True
        # Nobody is left who could tell how these end.
        for process in list(self._forked.values()):
            signal_group(process.pid, SIGKILL)
            process.end(-SIGKILL)
        self._answers.put(None)

    def _received(self) -> bytes:
        """The next message; none at the server's end."""
        while True:
            try:
                return self._channel.recv(MESSAGE_BYTES)
            except ConnectionResetError:
                # The server was killed with a request unread; what it had said before can still be heard.
                continue

    def _hear(self, message: Mapping[str, Any]) -> None:
        if "stale" in message:
            self.forks = False
            self._answers.put(None)
            return
        if "failed" in message:
            self._answers.put(None)
            return
        pid = message["pid"]
        if "code" in message:
            self._forked.pop(pid).end(message["code"])
        else:
            self._forked[pid] = ForkedProcess(pid)
            self._answers.put(self._forked[pid])


@contextlib.contextmanager
def fork_server(folder: StateFolder, reaper: Reaper) -> Iterator[ForkServer | None]:
    """A server for the functions of a stack, which loads while everything else starts; None where there can be none."""
    if not FORKS:
        yield None
        return
    environment = process_environment(folder.root) | mark_of(folder.root)
    with contextlib.closing(ForkServer(reaper, environment, folder.logs / "fork-server.log")) as server:
        server.start()
        yield server


def _read_once(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_ONCE)}
