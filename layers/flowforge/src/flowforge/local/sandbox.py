"""One execution environment: a process with the real runtime client, its limits, and how each of its ends is named."""

import json
import logging
import os
import queue
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import Signals
from typing import IO

from flowforge.local.call_report import CallReport
from flowforge.local.errors import LocalStackError
from flowforge.local.fork_server import ForkServer
from flowforge.local.function_environment import function_environment, new_stream_name
from flowforge.local.function_logs import FunctionLogs
from flowforge.local.process_log import ProcessLog, execution_of
from flowforge.local.processes import ChildProcess
from flowforge.local.reaper import Reaper
from flowforge.local.runtime_api import Answer, Call, RuntimeApi
from flowforge.local.template import FunctionSpec
from flowforge.local.usage import MEBIBYTE, Usage

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB for a response, in AWS's own bytes.
RESPONSE_LIMIT_BYTES = 6_291_556
# AWS gives the loading of a function ten seconds, and after them, once more, the function's own time.
INIT_SECONDS = 10.0
_POLL_SECONDS = 0.025
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a call ended: the payload, and ``error`` as Lambda's ``FunctionError`` header would carry it (None: it worked).

    ``log_tail`` is the end of the call's log, as Lambda's ``LogResult`` holds it before its encoding.
    """

    request_id: str
    payload: bytes
    error: str | None = None
    log_tail: bytes = field(default=b"", repr=False)

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
    logs: FunctionLogs
    forks: ForkServer | None = None
    """None: every process of a function loads its libraries itself."""


class Sandbox:
    """A process for one function. ``invoke`` takes one call at a time; afterwards ``reusable`` tells whether it is warm."""

    def __init__(self, spec: FunctionSpec, settings: SandboxSettings) -> None:
        self.spec = spec
        self.reusable = True
        self._taken_by = 0.0
        self._started = time.monotonic()
        self._init_seconds: float | None = None
        self._init_told = False
        stream = new_stream_name()
        self._log = ProcessLog(spec.name, stream, settings.logs)
        self._api = RuntimeApi(on_poll=self._on_poll, on_taken=self._on_taken)
        self._scratch = settings.state / "tmp" / f"{spec.name}-{uuid.uuid4().hex[:12]}"
        self._scratch.mkdir(parents=True)
        environment = function_environment(
            spec,
            of_stack=settings.environment,
            runtime_api=self._api.address,
            stream=stream,
            state=settings.state,
            scratch=self._scratch,
        )
        try:
            with os.fdopen(self._log.writing, "wb") as log:
                self._process = _started(spec, settings, environment, log)
            self._usage = Usage(self._process.pid, self._scratch)
        except BaseException:
            self._api.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
            raise

    @property
    def loading(self) -> bool:
        """Whether the process runs and has not yet asked for its first call."""
        return self._init_seconds is None and self.alive

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def invoke(self, payload: bytes, request_id: str | None = None) -> Outcome:
        """Run one call to its end, whatever that is."""
        call = Call(request_id or str(uuid.uuid4()), payload, self.spec.arn, self.spec.timeout_seconds)
        self._taken_by = time.monotonic() + INIT_SECONDS + self.spec.timeout_seconds
        self._api.send(call)
        try:
            outcome = self._await(call)
            return replace(outcome, log_tail=self._report(call, outcome))
        except BaseException:
            self.reusable = False
            raise

    def close(self) -> None:
        """End the process and its listener; its scratch folder goes with it."""
        self.reusable = False
        self._process.stop(seconds=0)
        self._api.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _on_poll(self) -> None:
        if self._init_seconds is None:
            self._init_seconds = time.monotonic() - self._started

    def _on_taken(self, call: Call) -> None:
        self._log.begin(call.request_id, execution_of(call.payload))

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
        self._usage.resident_bytes()
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
        spec, prefix = self.spec, f"RequestId: {call.request_id} Error:"
        code = self._process.poll()
        if code is not None:
            # It may have answered in the moment before it ended.
            if not self._api.answers.empty():
                return None
            return Outcome.failure(call.request_id, "Runtime.ExitError", f"{prefix} {_ended(code)}")
        # The function's own time starts when it takes the call; before that it may still be loading.
        if time.monotonic() > (self._api.deadline or self._taken_by):
            message = f"{prefix} Task timed out after {spec.timeout_seconds:.2f} seconds"
            return Outcome.failure(call.request_id, "Sandbox.Timedout", message)
        if self._usage.resident_bytes() > spec.memory_mb * MEBIBYTE:
            message = f"{prefix} Runtime exited with error: signal: killed"
            return Outcome.failure(call.request_id, "Runtime.OutOfMemory", message)
        # No file system of its own without root: Lambda lets the write fail, and here the function ends instead, with an
        # error that the state machine answers as it answers a full disk.
        if self._usage.scratch_bytes() > spec.ephemeral_mb * MEBIBYTE:
            message = f"{prefix} [Errno 28] No space left on device: /tmp holds more than {spec.ephemeral_mb} MB"
            return Outcome.failure(call.request_id, "Runtime.ExitError", message)
        return None

    def _report(self, call: Call, outcome: Outcome) -> bytes:
        """Write Lambda's lines about the call; the answer is the end of its log."""
        taken = self._api.taken_at
        if taken is None:
            # It never took the call: it ended, or ran out of time, while it was loading.
            self._log.begin(call.request_id, execution_of(call.payload))
        now = time.monotonic()
        init = None if self._init_told else (self._init_seconds if taken is not None else now - self._started)
        self._init_told = True
        report = CallReport(
            request_id=call.request_id,
            duration_seconds=now - taken if taken is not None else 0.0,
            memory_mb=self.spec.memory_mb,
            peak_bytes=self._usage.peak_bytes,
            init_seconds=init,
            killed_by=None if outcome.error is None or self.reusable else outcome.payload,
        )
        return self._log.end(report.lines())


def _started(spec: FunctionSpec, settings: SandboxSettings, environment: Mapping[str, str], log: IO[bytes]) -> ChildProcess:
    """The process with the runtime client, which loads the handler."""
    forks, module = settings.forks, "awslambdaric"
    if forks is not None and forks.suits(environment):
        try:
            forked = forks.fork(spec.name, module, [spec.handler], folder=spec.folder, environment=environment, log=log)
        except LocalStackError:
            # A started one says in the function's log what cannot be loaded.
            logger.warning("%s is started instead", spec.name, exc_info=True)
        else:
            return ChildProcess(forked, settings.reaper)
    command = [sys.executable, "-m", module, spec.handler]
    return ChildProcess.start(command, reaper=settings.reaper, cwd=spec.folder, environment=environment, log=log)


def _ended(code: int) -> str:
    if code == 0:
        return "Runtime exited without providing a reason"
    how = f"signal: {Signals(-code).name}" if code < 0 else f"exit status {code}"
    return f"Runtime exited with error: {how}"
