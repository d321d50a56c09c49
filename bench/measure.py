"""Runs the variants of a case in interleaved rounds, each in a process of its own."""

import json
import os
import shutil
import statistics
import sys
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bench.memory_limit import memory_limit, start_within
from bench.workplace import CACHE, ROOT

Quantity = Literal["wall_seconds", "cpu_seconds", "peak_mb"]
SIGKILL = -9


@dataclass(frozen=True)
class Variant:
    """One way to do a case's work: ``function`` is ``module:name``; ``limit_mib`` is a hard limit of memory."""

    name: str
    function: str
    limit_mib: int | None = None


@dataclass(frozen=True)
class Run:
    """What one process took. ``killed`` where its memory limit ended it; the figures are 0 then."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    killed: bool = False
    limited: bool = False


class BrokenVariantError(Exception):
    """A variant did not do its work, so nothing can be said of the case."""


@dataclass(frozen=True)
class Measurements:
    """The runs of each variant, round by round."""

    runs: dict[str, list[Run]]

    def ratio(self, variant: str, reference: str, quantity: Quantity) -> float:
        """The median over the rounds of the ratio within a round."""
        pairs = zip(self.runs[variant], self.runs[reference], strict=True)
        return statistics.median(_value(run, quantity) / _value(other, quantity) for run, other in pairs)

    def median(self, variant: str, quantity: Quantity) -> float:
        """The median over the rounds."""
        return statistics.median(_value(run, quantity) for run in self.runs[variant])

    def peak_mb(self, variant: str) -> float:
        """The highest peak of all rounds."""
        return max(run.peak_mb for run in self.runs[variant])

    def passed(self, variant: str) -> bool:
        """Whether no round was killed."""
        return not any(run.killed for run in self.runs[variant])

    def limited(self, variant: str) -> bool:
        """Whether the memory limit was in force in every round."""
        return all(run.limited for run in self.runs[variant])

    def fact(self, variant: str, name: str) -> float:
        """The median over the rounds of a number that the variant found out."""
        return statistics.median(float(run.facts[name]) for run in self.runs[variant])

    def to_document(self) -> dict[str, Any]:
        """For a file."""
        return {name: [asdict(run) for run in runs] for name, runs in self.runs.items()}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Measurements":
        """From a file."""
        return cls({name: [Run(**run) for run in runs] for name, runs in document.items()})


def measure(variants: Sequence[Variant], *, scale: float, rounds: int) -> Measurements:
    """Run every variant once per round."""
    runs: dict[str, list[Run]] = {variant.name: [] for variant in variants}
    for number in range(rounds):
        for variant in variants:
            run, _ = run_once(variant, scale=scale)
            runs[variant.name].append(run)
            ended = (
                "killed for memory"
                if run.killed
                else f"{run.wall_seconds:7.2f} s  {run.cpu_seconds:7.2f} CPU s  {run.peak_mb:6.0f} MB"
            )
            print(f"    round {number + 1}  {variant.name:24} {ended}", flush=True)
    return Measurements(runs)


def run_once(variant: Variant, *, scale: float, profile: bool = False) -> tuple[Run, list[str]]:
    """Run a variant in a fresh process; its profile where one is wanted. Raises BrokenVariantError."""
    if variant.limit_mib is None:
        return _run(variant, None, scale=scale, profile=profile)
    with memory_limit(variant.limit_mib) as group:
        return _run(variant, group, scale=scale, profile=profile)


def _run(variant: Variant, group: Any, *, scale: float, profile: bool) -> tuple[Run, list[str]]:
    scratch = CACHE / "scratch" / uuid.uuid4().hex[:12]
    scratch.mkdir(parents=True)
    order = {"variant": variant.function, "scale": scale, "scratch": str(scratch), "profile": profile}
    try:
        process = start_within(group, [sys.executable, "-m", "bench.child", json.dumps(order)], _environment())
        told, errors = process.communicate()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if process.returncode == SIGKILL and group is not None:
        return Run(killed=True, limited=True), []
    if process.returncode != 0:
        raise BrokenVariantError(f"{variant.name} ended with {process.returncode}:\n{errors[-3000:]}")
    answer = json.loads(told.strip().splitlines()[-1])
    lines = answer.pop("profile")
    return Run(**answer, limited=group is not None), lines


def _environment() -> dict[str, str]:
    """Bytecode is kept, as in the images; the processes find this package from wherever they start."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**environment, "PYTHONPATH": str(ROOT), "AWS_DEFAULT_REGION": "us-east-1"}


def _value(run: Run, quantity: Quantity) -> float:
    value: float = getattr(run, quantity)
    return value or float("nan")
