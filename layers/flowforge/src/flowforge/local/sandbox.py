"""One execution environment: a process with the real runtime client, its limits, and how each of its ends is named."""

import json
import os
import queue
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

import psutil

from flowforge.local.processes import ChildProcess
from flowforge.local.reaper import Reaper
from flowforge.local.runtime_api import Answer, Call, RuntimeApi
from flowforge.local.template import FunctionSpec

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB for a response, in AWS's own bytes.
RESPONSE_LIMIT_BYTES = 6_291_556
# AWS gives the loading of a function ten seconds, and after them, once more, the function's own time.
INIT_SECONDS = 10.0
_POLL_SECONDS = 0.025
_MEBIBYTE = 1024 * 1024
# Everything else in the caller's environment (profiles, proxies, credentials) stays outside, as it would on AWS.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Outcome:
    """How a call ended: the payload, and ``error`` as Lambda's ``FunctionError`` header would carry it (None: it worked)."""

    request_id: str
    payload: bytes
    error: str | None = None

    @classmethod
    def failure(cls, request_id: str, error_type: str, message: str) -> "Outcome":
        """A failure that Lambda itself reports, in the form in which it reports it."""
        payload = {"errorType": error_type, "errorMessage": message}
        return cls(request_id, json.dumps(payload).encode(), "Unhandled")


@dataclass(frozen=True)
class SandboxSettings:
    """What every process of the stack shares."""

    state: Path
    environment: Mapping[str, str]
    reaper: Reaper


class Sandbox:
    """A process for one function. ``invoke`` takes one call at a time; afterwards ``reusable`` tells whether it is warm."""

    def __init__(self, spec: FunctionSpec, settings: SandboxSettings) -> None:
        self.spec = spec
        self.reusable = True
        self._taken_by = 0.0
        self._api = RuntimeApi()
        self._scratch = settings.state / "tmp" / f"{spec.name}-{uuid.uuid4().hex[:12]}"
        self._scratch.mkdir(parents=True)
        logs = settings.state / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        try:
            with (logs / f"{spec.name}.log").open("ab") as log:
                self._process = ChildProcess(
                    [sys.executable, "-m", "awslambdaric", spec.handler],
                    reaper=settings.reaper,
                    cwd=spec.folder,
                    environment=self._environment(settings),
                    log=log,
                )
        except BaseException:
            self._api.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def invoke(self, payload: bytes) -> Outcome:
        """Run one call to its end, whatever that is."""
        call = Call(str(uuid.uuid4()), payload, self.spec.arn, self.spec.timeout_seconds)
        self._taken_by = time.monotonic() + INIT_SECONDS + self.spec.timeout_seconds
        self._api.send(call)
        try:
            outcome = self._await(call)
        except BaseException:
            self.reusable = False
            raise
        return outcome

    def close(self) -> None:
        """End the process and its listener; its scratch folder goes with it."""
        self.reusable = False
        self._process.stop(seconds=0)
        self._api.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _await(self, call: Call) -> Outcome:
        while True:
            try:
                return self._read(call, self._api.answers.get(timeout=_POLL_SECONDS))
            except queue.Empty:
                outcome = self._watch(call)
            if outcome is not None:
                self.reusable = False
                return outcome

    def _read(self, call: Call, answer: Answer) -> Outcome:
        if answer.kind == "response":
            if len(answer.body) > RESPONSE_LIMIT_BYTES:
                return Outcome.failure(
                    call.request_id,
                    "Function.ResponseSizeTooLarge",
                    f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes).",
                )
            return Outcome(call.request_id, answer.body)
        if answer.kind == "init":
            self.reusable = False
        return Outcome(call.request_id, answer.body, "Unhandled")

    def _watch(self, call: Call) -> Outcome | None:
        code = self._process.poll()
        if code is not None:
            # It may have answered in the moment before it ended.
            if not self._api.answers.empty():
                return None
            return Outcome.failure(call.request_id, "Runtime.ExitError", f"RequestId: {call.request_id} {_ended(code)}")
        # The function's own time starts when it takes the call; before that it may still be loading.
        if time.monotonic() > (self._api.deadline or self._taken_by):
            return Outcome.failure(
                call.request_id,
                "Sandbox.Timedout",
                f"RequestId: {call.request_id} Error: Task timed out after {self.spec.timeout_seconds:.2f} seconds",
            )
        if self._resident_bytes() > self.spec.memory_mb * _MEBIBYTE:
            return Outcome.failure(
                call.request_id,
                "Runtime.OutOfMemory",
                f"RequestId: {call.request_id} Error: Runtime exited with error: signal: killed",
            )
        return None

    def _resident_bytes(self) -> int:
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def _environment(self, settings: SandboxSettings) -> dict[str, str]:
        name = self.spec.name
        return {
            **{key: os.environ[key] for key in _PASSED_ON if key in os.environ},
            "TZ": ":UTC",
            "TMPDIR": str(self._scratch),
            # Without compiled files a cold start takes three times as long; the sources' folders stay as they are.
            "PYTHONPYCACHEPREFIX": os.environ.get("PYTHONPYCACHEPREFIX", str(settings.state / "pycache")),
            "PYTHONUNBUFFERED": "1",
            "POWERTOOLS_SERVICE_NAME": name,
            **self.spec.environment,
            **settings.environment,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.spec.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()) + uuid.uuid4().hex,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "LAMBDA_TASK_ROOT": str(self.spec.folder),
            "_HANDLER": self.spec.handler,
        }


def _ended(code: int) -> str:
    if code == 0:
        return "Error: Runtime exited without providing a reason"
    how = f"signal: {Signals(-code).name}" if code < 0 else f"exit status {code}"
    return f"Error: Runtime exited with error: {how}"
