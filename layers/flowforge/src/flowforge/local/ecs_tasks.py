"""ECS tasks on a laptop: each is a process that runs a container's script, within the limits of its task definition."""

import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from flowforge.local.process_environment import task_environment
from flowforge.local.process_log import ProcessLog, execution_of
from flowforge.local.processes import ChildProcess
from flowforge.local.sandbox import SandboxSettings
from flowforge.local.task_definitions import ClusterSpec, TaskDefinitionSpec
from flowforge.local.task_description import EXITED, NOT_STARTED, OUT_OF_MEMORY, STOPPED_BY_CALLER, Progress, describe
from flowforge.local.task_request import NotPlacedError, RunTaskError, TaskRequest, read_request
from flowforge.local.usage import MEBIBYTE, Usage

# Tasks above the machine's own size wait, provisioning, for a place.
MINIMAL_CONCURRENCY = 2
# Tasks that run or wait. A caller out of control is told what AWS tells where it has no room, before it holds all threads.
LARGEST_COUNT = 100
NO_ROOM = "Capacity is unavailable at this time. Please try again later or in a different availability zone"
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html: a token lives until an hour after its task,
# and for a day at most.
TOKEN_SECONDS = 3600.0
TOKEN_LONGEST_SECONDS = 86_400.0
KILLED_EXIT_CODE = 137
_POLL_SECONDS = 0.025
_PLACE_SECONDS = 0.1


class RunningTask:
    """A task from its request to its end. ``ended`` has a result when it is over, whatever that end was."""

    def __init__(self, request: TaskRequest, settings: SandboxSettings, places: threading.Semaphore) -> None:
        self.request = request
        self.ended: Future[None] = Future()
        # So that nobody who gives up waiting for it cancels it for the others.
        self.ended.set_running_or_notify_cancel()
        self.begun_at = time.monotonic()
        self.ended_at: float | None = None
        self._settings = settings
        self._places = places
        self._progress = Progress(uuid.uuid4().hex)
        self._stopping = threading.Event()
        self._killing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"task-{self._progress.task_id}")

    def start(self) -> None:
        """Begin, or wait for a place to begin in."""
        self._thread.start()

    def stop(self) -> None:
        """Let the container end: SIGTERM, and SIGKILL after its time to stop. Returns at once."""
        self._stopping.set()

    def kill(self) -> None:
        """End the container now, and wait for that."""
        self._killing.set()
        self._stopping.set()
        self._thread.join()

    def description(self) -> dict[str, Any]:
        """What ECS tells about the task."""
        return describe(self.request, self._progress)

    def _run(self) -> None:
        progress = self._progress
        try:
            if self._wait_for_place():
                try:
                    self._live()
                finally:
                    self._places.release()
            else:
                progress.stop = STOPPED_BY_CALLER
        except OSError as error:
            progress.stop = NOT_STARTED
            progress.reason = f"CannotStartContainerError: {error}"
        finally:
            progress.status = "STOPPED"
            progress.reach("StoppedAt")
            self.ended_at = time.monotonic()
            self.ended.set_result(None)

    def _wait_for_place(self) -> bool:
        while not self._stopping.is_set():
            if self._places.acquire(timeout=_PLACE_SECONDS):
                return True
        return False

    def _live(self) -> None:
        progress, container = self._progress, self.request.definition.container
        progress.reach("ConnectivityAt", "PullStartedAt", "PullStoppedAt")
        scratch = self._settings.state / "tmp" / f"{container.name}-{progress.task_id[:12]}"
        scratch.mkdir(parents=True)
        stream = "/".join(part for part in (container.stream_prefix, container.name, progress.task_id) if part)
        told = "\n".join((*container.command, *container.environment.values())).encode()
        family = self.request.definition.family
        log = ProcessLog(family, stream, self._settings.logs, execution_id=execution_of(told))
        try:
            process = self._start(scratch, log)
            try:
                self._watch(process, Usage(process.pid, scratch))
            finally:
                # With its first process a container ends, and everything that runs in it.
                process.stop(seconds=0)
                log.end([])
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        progress.reach("ExecutionStoppedAt")
        if progress.stop is None:
            progress.stop = EXITED
            progress.reach("StoppingAt")
        if progress.exit_code is None:
            code = process.poll() or 0
            # As a container tells the signal that ended it.
            progress.exit_code = 128 - code if code < 0 else code

    def _start(self, scratch: Path, log: ProcessLog) -> ChildProcess:
        container = self.request.definition.container
        environment = task_environment(
            container.name,
            container.environment,
            of_stack=self._settings.environment,
            state=self._settings.state,
            scratch=scratch,
        )
        with os.fdopen(log.writing, "wb") as output:
            process = ChildProcess.start(
                [sys.executable, str(container.script), *container.command],
                reaper=self._settings.reaper,
                cwd=container.script.parent,
                environment=environment,
                log=output,
            )
        self._progress.status = "RUNNING"
        self._progress.reach("StartedAt")
        return process

    def _watch(self, process: ChildProcess, usage: Usage) -> None:
        """Wait for the process, and end it where it takes too much, or is to stop and does not."""
        progress, kill_at = self._progress, None
        while process.poll() is None:
            progress.reason = self._exceeded(usage)
            if progress.reason is not None or self._killing.is_set():
                progress.exit_code = KILLED_EXIT_CODE
                return
            if self._stopping.is_set() and kill_at is None:
                progress.stop = STOPPED_BY_CALLER
                progress.reach("StoppingAt")
                process.ask_to_end()
                kill_at = time.monotonic() + self.request.definition.container.stop_seconds
            if kill_at is not None and time.monotonic() > kill_at:
                progress.exit_code = KILLED_EXIT_CODE
                return
            time.sleep(_POLL_SECONDS)

    def _exceeded(self, usage: Usage) -> str | None:
        definition = self.request.definition
        limit_mb = min(definition.memory_mb, definition.container.memory_mb or definition.memory_mb)
        if usage.resident_bytes() > limit_mb * MEBIBYTE:
            return OUT_OF_MEMORY
        # No file system of its own without root: on AWS the write fails, and here the container ends instead.
        if usage.scratch_bytes() > definition.ephemeral_mb * MEBIBYTE:
            return f"[Errno 28] No space left on device: the ephemeral storage holds more than {definition.ephemeral_mb} MiB"
        return None


class TaskHost:
    """Runs tasks of the template's definitions. Every method may be called from any thread."""

    def __init__(
        self,
        clusters: Iterable[ClusterSpec],
        definitions: Iterable[TaskDefinitionSpec],
        settings: SandboxSettings,
        *,
        concurrency: int | None = None,
    ) -> None:
        self._clusters = tuple(clusters)
        self._definitions = tuple(definitions)
        self._settings = settings
        self._places = threading.BoundedSemaphore(concurrency or max(MINIMAL_CONCURRENCY, os.cpu_count() or 1))
        self._lock = threading.Lock()
        self._tasks: list[RunningTask] = []
        self._tokens: dict[tuple[str, str], RunningTask] = {}
        self._closed = False

    def request(self, arguments: Any) -> TaskRequest:
        """Check the arguments of RunTask. Raises ArgumentsError and RunTaskError."""
        return read_request(arguments, self._clusters, self._definitions)

    def run(self, request: TaskRequest) -> RunningTask:
        """Start a task, or find the one that was started with the same client token. Returns at once.

        Raises RunTaskError for a token of another request, and NotPlacedError where too many tasks wait.
        """
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{request.definition.family} was run after the task host had been closed")
            self._forget()
            token = request.told.get("ClientToken")
            key = None if token is None else (request.cluster.arn, token)
            known = None if key is None else self._tokens.get(key)
            if known is not None:
                if known.request.told != request.told:
                    raise RunTaskError(
                        "ConflictException", "The provided clientToken is already in use with a different RunTask request."
                    )
                return known
            if len(self._tasks) >= LARGEST_COUNT:
                raise NotPlacedError([{"Arn": request.cluster.arn, "Reason": NO_ROOM}])
            task = RunningTask(request, self._settings, self._places)
            self._tasks.append(task)
            if key is not None:
                self._tokens[key] = task
            task.start()
            return task

    def close(self) -> None:
        """End every task now."""
        with self._lock:
            self._closed = True
            tasks = list(self._tasks)
        for task in tasks:
            task.kill()

    def _forget(self) -> None:
        """Drop tasks that have ended, and tokens that have run out."""
        now = time.monotonic()
        self._tasks = [task for task in self._tasks if task.ended_at is None]
        self._tokens = {
            key: task
            for key, task in self._tokens.items()
            if now - task.begun_at < TOKEN_LONGEST_SECONDS and (task.ended_at is None or now - task.ended_at < TOKEN_SECONDS)
        }
