"""A function's image in a container, held to its memory and its time, behind AWS's runtime interface emulator.

The emulator takes one call at a time, starts the function's process again after it ended, and answers a call that ran out of time
with a sentence instead of an error.
"""

import json
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

from flowforge.local.functions import FunctionBackend
from flowforge.local.sandbox import Outcome

INVOCATIONS = "/2015-03-31/functions/function/invocations"
READY_SECONDS = 30.0
LOOK_SECONDS = 0.01
CALL_SECONDS = 900
TIMED_OUT = b"Task timed out after"
KILL = (
    "import os, pathlib; children = [int(path.parent.name) for path in pathlib.Path('/proc').glob('[0-9]*/stat')"
    " if path.read_text().rpartition(')')[2].split()[1] == '1'];"
    " [os.kill(child, 9) for child in children]; print(len(children))"
)
"""Of the emulator, which is the container's first process, the only child is the function's."""
PEAKS = (
    "import pathlib; print(max(int(line.split()[1]) for path in pathlib.Path('/proc').glob('[0-9]*/status')"
    " for line in path.read_text().splitlines() if line.startswith('VmHWM')))"
)


def docker(*arguments: str) -> str:
    """What the engine's command line answers."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class FunctionContainer:
    """One container of a function. ``arguments`` go to ``docker create`` in front of the image, ``command`` behind it."""

    image: str
    network: str
    environment: Mapping[str, str]
    memory_mib: int
    timeout_seconds: int
    arguments: Sequence[str] = ()
    command: Sequence[str] = ()
    name: str = field(default_factory=lambda: f"flowforge-{uuid.uuid4().hex[:12]}")
    _address: str = ""

    def __enter__(self) -> Self:
        limits = [f"--memory={self.memory_mib}m", f"--memory-swap={self.memory_mib}m", "--read-only", "--cap-drop=ALL"]
        environment = {
            **self.environment,
            "AWS_LAMBDA_FUNCTION_NAME": self.image.partition(":")[0],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mib),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self.timeout_seconds),
        }
        variables = [item for pair in environment.items() for item in ("--env", "=".join(pair))]
        confined = [*limits, "--tmpfs", "/tmp:rw,mode=1777,size=1024m", "--network", self.network]
        docker("create", "--name", self.name, *confined, *variables, *self.arguments, self.image, *self.command)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        docker("rm", "--force", "--volumes", self.name)

    def start(self) -> None:
        """Start the container, and wait until the emulator listens."""
        docker("start", self.name)
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        self._address = f"http://{docker('inspect', self.name, '--format', form)}:8080"
        deadline = time.monotonic() + READY_SECONDS
        while not self._listens():
            assert time.monotonic() < deadline, docker("logs", self.name)
            time.sleep(LOOK_SECONDS)

    def invoke(self, payload: bytes) -> tuple[int, bytes]:
        """Status and body of the emulator's answer."""
        try:
            with _opener().open(
                urllib.request.Request(self._address + INVOCATIONS, data=payload), timeout=CALL_SECONDS
            ) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def peak_bytes(self) -> int:
        """The largest resident set of the container's processes that still run."""
        return int(docker("exec", self.name, "python3.13", "-c", PEAKS)) * 1024

    def kill_function(self) -> bool:
        """Send SIGKILL to the function's process; whether there was one."""
        return docker("exec", self.name, "python3.13", "-c", KILL) != "0"

    def memory_kills(self) -> int:
        """How often the kernel killed a process of the container because its memory had run out."""
        now = str(int(time.time()) + 1)
        told = docker("events", "--since", "0", "--until", now, "--filter", f"container={self.name}", "--filter", "event=oom")
        return len(told.splitlines())

    def _listens(self) -> bool:
        try:
            _opener().open(self._address, timeout=1).close()
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            return False
        return True


class ContainerFunctions:
    """Runs some functions in containers, and hands the calls of all others to a backend: the local stack's own."""

    def __init__(self, others: FunctionBackend) -> None:
        self._others = others
        self.containers: dict[str, FunctionContainer] = {}

    def invoke(self, name: str, payload: bytes, request_id: str | None = None) -> Outcome:
        """Run a function to its end, and name that as Lambda would."""
        container = self.containers.get(name)
        if container is None:
            return self._others.invoke(name, payload, request_id)
        status, body = container.invoke(payload)
        request_id = request_id or str(uuid.uuid4())
        if body.startswith(TIMED_OUT):
            return Outcome.failure(request_id, "Sandbox.Timedout", f"RequestId: {request_id} Error: {body.decode()}")
        failed = status != HTTPStatus.OK or _is_error(body)
        return Outcome(request_id, body, "Unhandled" if failed else None)


def _is_error(body: bytes) -> bool:
    """Whether an answer is what the runtime client sends for an exception of the handler."""
    answer = json.loads(body)
    return isinstance(answer, dict) and {"errorType", "errorMessage", "stackTrace"} <= set(answer)


def _opener() -> urllib.request.OpenerDirector:
    """Containers are reached directly, whatever proxy the environment names."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))
