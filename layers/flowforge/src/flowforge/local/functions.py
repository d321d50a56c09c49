"""The function host: a process for every concurrent call, kept warm, with a bound on how many run at once."""

import asyncio
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

from flowforge.local.sandbox import Outcome, Sandbox, SandboxSettings
from flowforge.local.template import FunctionSpec

# As many calls run at once as the machine can serve; the others wait for their turn, and their own time has not begun.
MINIMAL_CONCURRENCY = 4
WAIT_SECONDS = 300.0
# Lambda's is a thousand (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). Here it counts calls that
# run or wait, so that a caller out of control is throttled as it would be on AWS, before it holds all threads.
ACCOUNT_CONCURRENCY = 100
ACCOUNT_REASON = "ConcurrentInvocationLimitExceeded"
RESERVED_REASON = "ReservedFunctionConcurrentInvocationLimitExceeded"
_UNRESERVED = ""
_LOOK_SECONDS = 0.02
_CALLERS = ACCOUNT_CONCURRENCY + 28


class FunctionNotFoundError(Exception):
    """No function of that name is declared."""


class TooManyRequestsError(Exception):
    """The call is above the concurrency of the function or of the account; ``reason`` is Lambda's name for which."""

    def __init__(self, reason: str) -> None:
        super().__init__("Rate Exceeded.")
        self.reason = reason


class FunctionBackend(Protocol):
    """Whatever can run a function: the host below, or a fake in a test."""

    def invoke(self, name: str, payload: bytes, request_id: str | None = None) -> Outcome:
        """Run a function to its end. Raises FunctionNotFoundError and TooManyRequestsError."""
        ...


class FunctionCaller:
    """Calls functions from an event loop, each call on a thread; giving up a call does not hold the loop."""

    def __init__(self, backend: FunctionBackend) -> None:
        self._backend = backend
        self._threads = ThreadPoolExecutor(_CALLERS, thread_name_prefix="function-call")

    async def invoke(self, name: str, payload: bytes, request_id: str | None = None) -> Outcome:
        """Run a function to its end. Raises FunctionNotFoundError and TooManyRequestsError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._backend.invoke, name, payload, request_id)

    def close(self) -> None:
        """Take no further calls; those that run end with their processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Admission:
    """Counts calls, and refuses those above a function's reserved concurrency or above what is left of the account's."""

    def __init__(self, specs: Iterable[FunctionSpec], account_concurrency: int) -> None:
        self._unreserved = account_concurrency - sum(spec.reserved_concurrency or 0 for spec in specs)
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()

    @contextmanager
    def of(self, spec: FunctionSpec) -> Iterator[None]:
        """Count a call for as long as the block runs. Raises TooManyRequestsError."""
        reserved = spec.reserved_concurrency
        pool, limit = (_UNRESERVED, self._unreserved) if reserved is None else (spec.name, reserved)
        with self._lock:
            if self._calls[pool] >= limit:
                raise TooManyRequestsError(ACCOUNT_REASON if reserved is None else RESERVED_REASON)
            self._calls[pool] += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls[pool] -= 1


class FunctionHost:
    """Runs the functions of a template. Every method may be called from any thread."""

    def __init__(
        self,
        specs: Iterable[FunctionSpec],
        settings: SandboxSettings,
        *,
        concurrency: int | None = None,
        account_concurrency: int = ACCOUNT_CONCURRENCY,
    ) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._settings = settings
        bound = concurrency or max(MINIMAL_CONCURRENCY, os.cpu_count() or 1)
        self._places = threading.BoundedSemaphore(bound)
        self._admission = Admission(self._specs.values(), account_concurrency)
        # A warm process for every function, and as many as run at once; more would only hold memory.
        self._process_limit = bound + len(self._specs)
        self._lock = threading.Lock()
        self._idle: list[Sandbox] = []
        self._all: set[Sandbox] = set()
        self._closed = False

    def warm(self, names: Iterable[str]) -> None:
        """Start a process for each of these functions ahead of its first call; returns while they load."""
        for name in names:
            sandbox = self._start(self.spec(name))
            with self._lock:
                self._idle.append(sandbox)

    def wait_loaded(self, *, seconds: float) -> None:
        """Wait until no process is loading; those that take longer, or cannot be loaded, tell it when they are called."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self._lock:
                sandboxes = list(self._all)
            if not any(sandbox.loading for sandbox in sandboxes):
                return
            time.sleep(_LOOK_SECONDS)

    def spec(self, name: str) -> FunctionSpec:
        """The declaration of a function. Raises FunctionNotFoundError."""
        try:
            return self._specs[name]
        except KeyError:
            raise FunctionNotFoundError(name) from None

    def invoke(self, name: str, payload: bytes, request_id: str | None = None) -> Outcome:
        """Run a function to its end, after waiting for a place where too many run.

        Raises FunctionNotFoundError and TooManyRequestsError.
        """
        spec = self.spec(name)
        with self._admission.of(spec):
            if not self._places.acquire(timeout=WAIT_SECONDS):
                raise TooManyRequestsError(ACCOUNT_REASON)
            try:
                sandbox = self._take(spec)
                try:
                    return sandbox.invoke(payload, request_id)
                finally:
                    self._give_back(sandbox)
            finally:
                self._places.release()

    def sweep(self) -> int:
        """Take away idle processes that somebody killed; how many there were."""
        with self._lock:
            dead = [sandbox for sandbox in self._idle if not sandbox.alive]
            self._idle = [sandbox for sandbox in self._idle if sandbox not in dead]
        for sandbox in dead:
            self._end(sandbox)
        return len(dead)

    def close(self) -> None:
        """End every process, busy or idle."""
        with self._lock:
            self._closed = True
            sandboxes = list(self._all)
            self._all.clear()
            self._idle.clear()
        for sandbox in sandboxes:
            sandbox.close()

    def _take(self, spec: FunctionSpec) -> Sandbox:
        """The warm process that was used last, or a new one."""
        while True:
            with self._lock:
                warm = [sandbox for sandbox in self._idle if sandbox.spec is spec]
                if warm:
                    self._idle.remove(warm[-1])
            if not warm:
                return self._start(spec)
            if warm[-1].alive:
                return warm[-1]
            self._end(warm[-1])

    def _start(self, spec: FunctionSpec) -> Sandbox:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{spec.name} was called after the function host had been closed")
            evicted = self._idle.pop(0) if self._idle and len(self._all) >= self._process_limit else None
            sandbox = Sandbox(spec, self._settings)
            self._all.add(sandbox)
        if evicted is not None:
            self._end(evicted)
        return sandbox

    def _give_back(self, sandbox: Sandbox) -> None:
        with self._lock:
            if sandbox.reusable and sandbox in self._all:
                self._idle.append(sandbox)
                return
        self._end(sandbox)

    def _end(self, sandbox: Sandbox) -> None:
        with self._lock:
            known = sandbox in self._all
            self._all.discard(sandbox)
        if known:
            sandbox.close()
