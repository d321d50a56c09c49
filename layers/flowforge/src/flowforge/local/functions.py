"""The function host: a process for every concurrent call, kept warm, with a bound on how many run at once."""

import os
import threading
from collections.abc import Iterable
from typing import Protocol

from flowforge.local.sandbox import Outcome, Sandbox, SandboxSettings
from flowforge.local.template import FunctionSpec

MINIMAL_CONCURRENCY = 4


class FunctionNotFoundError(Exception):
    """No function of that name is declared."""


class FunctionBackend(Protocol):
    """Whatever can run a function: the host below, or a fake in a test."""

    def invoke(self, name: str, payload: bytes) -> Outcome:
        """Run a function to its end. Raises FunctionNotFoundError."""
        ...


class FunctionHost:
    """Runs the functions of a template. Every method may be called from any thread."""

    def __init__(self, specs: Iterable[FunctionSpec], settings: SandboxSettings, *, concurrency: int | None = None) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._settings = settings
        self._places = threading.BoundedSemaphore(concurrency or max(MINIMAL_CONCURRENCY, os.cpu_count() or 1))
        self._lock = threading.Lock()
        self._idle: dict[str, list[Sandbox]] = {name: [] for name in self._specs}
        self._all: set[Sandbox] = set()
        self._closed = False

    def warm(self, names: Iterable[str]) -> None:
        """Start a process for each of these functions ahead of its first call; returns while they load."""
        for name in names:
            sandbox = self._start(self._spec(name))
            with self._lock:
                self._idle[name].append(sandbox)

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
            for idle in self._idle.values():
                idle.clear()
        for sandbox in sandboxes:
            sandbox.close()

    def _spec(self, name: str) -> FunctionSpec:
        try:
            return self._specs[name]
        except KeyError:
            raise FunctionNotFoundError(name) from None

    def _take(self, spec: FunctionSpec) -> Sandbox:
        while True:
            with self._lock:
                sandbox = self._idle[spec.name].pop() if self._idle[spec.name] else None
            if sandbox is None:
                return self._start(spec)
            if sandbox.alive:
                return sandbox
            self._forget(sandbox)

    def _start(self, spec: FunctionSpec) -> Sandbox:
        with self._lock:
            if self._closed:
                raise RuntimeError(f"{spec.name} was called after the function host had been closed")
            sandbox = Sandbox(spec, self._settings)
            self._all.add(sandbox)
            return sandbox

    def _give_back(self, sandbox: Sandbox) -> None:
        with self._lock:
            if sandbox.reusable and sandbox in self._all:
                self._idle[sandbox.spec.name].append(sandbox)
                return
        self._forget(sandbox)

    def _forget(self, sandbox: Sandbox) -> None:
        with self._lock:
            known = sandbox in self._all
            self._all.discard(sandbox)
        if known:
            sandbox.close()
