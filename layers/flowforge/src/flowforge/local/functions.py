"""The function host: a process for every concurrent call, kept warm, with a bound on how many run at once."""

import asyncio
import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from flowforge.local.sandbox import Outcome, Sandbox, SandboxSettings
from flowforge.local.template import FunctionSpec

MINIMAL_CONCURRENCY = 4
# An inline map runs 40 iterations at once; a few machines may do so side by side.
_CALLERS = 128


class FunctionNotFoundError(Exception):
    """No function of that name is declared."""


class FunctionBackend(Protocol):
    """Whatever can run a function: the host below, or a fake in a test."""

    def invoke(self, name: str, payload: bytes) -> Outcome:
        """Run a function to its end. Raises FunctionNotFoundError."""
        ...


class FunctionCaller:
    """Calls functions from an event loop, each call on a thread; giving up a call does not hold the loop."""

    def __init__(self, backend: FunctionBackend) -> None:
        self._backend = backend
        self._threads = ThreadPoolExecutor(_CALLERS, thread_name_prefix="function-call")

    async def invoke(self, name: str, payload: bytes) -> Outcome:
        """Run a function to its end. Raises FunctionNotFoundError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._backend.invoke, name, payload)

    def close(self) -> None:
        """Take no further calls; those that run end with their processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class FunctionHost:
    """Runs the functions of a template. Every method may be called from any thread."""

    def __init__(self, specs: Iterable[FunctionSpec], settings: SandboxSettings, *, concurrency: int | None = None) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._settings = settings
        bound = concurrency or max(MINIMAL_CONCURRENCY, os.cpu_count() or 1)
        self._places = threading.BoundedSemaphore(bound)
        # A warm process for every function, and as many as run at once; more would only hold memory.
        self._process_limit = bound + len(self._specs)
        self._lock = threading.Lock()
        self._idle: list[Sandbox] = []
        self._all: set[Sandbox] = set()
        self._closed = False

    def warm(self, names: Iterable[str]) -> None:
        """Start a process for each of these functions ahead of its first call; returns while they load."""
        for name in names:
            sandbox = self._start(self._spec(name))
            with self._lock:
                self._idle.append(sandbox)

    def invoke(self, name: str, payload: bytes) -> Outcome:
        """Run a function to its end, after waiting for a place where too many run. Raises FunctionNotFoundError."""
        spec = self._spec(name)
        with self._places:
            sandbox = self._take(spec)
            try:
                return sandbox.invoke(payload)
            finally:
                self._give_back(sandbox)

    def close(self) -> None:
        """End every process, busy or idle."""
        with self._lock:
            self._closed = True
            sandboxes = list(self._all)
            self._all.clear()
            self._idle.clear()
        for sandbox in sandboxes:
            sandbox.close()

    def _spec(self, name: str) -> FunctionSpec:
        try:
            return self._specs[name]
        except KeyError:
            raise FunctionNotFoundError(name) from None

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
