"""The page: targets, what was measured, and for what was missed the profile that explains it."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.cases import Case, Line, Verdict
from bench.measure import Measurements

INTRODUCTION = """# Benchmarks

Written by `make bench`; the numbers hold for the machine below and for nothing else. `make bench CASES="bronze gold"` runs some
of the cases, `make bench BENCH_SCALE=0.05` on less data (and writes to `.bench/benchmarks.md`).

Data is table lineitem of TPC-H, made by tpchgen-cli; `api` fills a database of its own. Each variant of a case runs in a fresh
process, once per round, the variants taking turns, so that what disturbs the machine disturbs all. A ratio is the median of the
ratios within a round. Inputs are in the page cache; imports and the making of data are not counted. Peak memory is the largest
resident set of the process, a limit is a memory cgroup of the kernel, page cache included. The variants of a case count their
rows, and the counts have to agree. The product's variants are its steps (`run_step` on a plan) over a lake in a folder, or the
medallion functions that the steps call.
"""
S3_NOTE = """The emulator of the local stack answers from memory, checks sums in Python and shares the processors with the step.
Neither it nor a folder predicts S3; what carries over is the process's own CPU and memory."""


@dataclass(frozen=True)
class Result:
    """A case as it was measured."""

    case: Case
    measurements: Measurements
    load: tuple[float, float]
    profiles: dict[str, list[str]]


def verdict_table(results: Iterable[Result], unmeasured: Iterable[Case] = ()) -> str:
    """The lines of the targets, at last those of cases that nobody has measured."""
    rows = []
    for line, verdict, _ in judged(results):
        met = {True: "met", False: "**missed**", None: "not measured"}[verdict.met]
        rows.append((line.work, line.target, verdict.measured, met))
    for case in unmeasured:
        rows += [(line.work, line.target, f'`make bench CASES="{case.name}"` tells', "not measured") for line in case.lines]
    return table(("work", "target", "measured", ""), rows)


def judged(results: Iterable[Result]) -> list[tuple[Line, Verdict, Result]]:
    """Every line with its verdict."""
    return [(line, line.judge(result.measurements), result) for result in results for line in result.case.lines]


def page(results: Sequence[Result], machine: dict[str, str], unmeasured: Sequence[Case] = ()) -> str:
    """The whole of docs/benchmarks.md."""
    targets = verdict_table(results, unmeasured)
    parts = [INTRODUCTION, "## Targets\n", targets, "## Machine\n", table(("", ""), list(machine.items()))]
    missed = [(line, result) for line, verdict, result in judged(results) if verdict.met is False]
    if missed:
        parts.append("## What was missed, and where the time goes\n")
    for line, result in missed:
        profile = result.profiles.get(line.work, [])
        parts.append(f"**{line.work}**\n" + (f"\n{line.why}\n" if line.why else ""))
        if profile:
            parts.append("```\n" + "\n".join(profile) + "\n```\n")
    parts.append("## All figures\n")
    parts.append("Medians over the rounds; the peak is the highest.\n")
    for result in results:
        rounds = len(next(iter(result.measurements.runs.values())))
        before, after = result.load
        parts.append(f"### {result.case.title}\n")
        if result.case.name == "s3":
            parts.append(S3_NOTE + "\n")
        parts.append(f"`{result.case.name}`, {rounds} rounds, load average {before:.1f} before and {after:.1f} after.\n")
        parts.append(_figures(result))
        if result.case.figures is not None:
            head, rows = result.case.figures
            parts.append(table(head, rows(result.measurements)))
    return "\n".join(parts)


def _figures(result: Result) -> str:
    rows = []
    for variant in result.case.variants:
        runs = result.measurements.runs[variant.name]
        limit = f"{variant.limit_mib} MiB" if variant.limit_mib else ""
        if any(run.killed for run in runs):
            rows.append((variant.name, limit, "killed for memory", "", ""))
            continue
        wall = statistics.median(run.wall_seconds for run in runs)
        cpu = statistics.median(run.cpu_seconds for run in runs)
        peak = max(run.peak_mb for run in runs)
        rows.append((variant.name, limit, f"{wall:.2f} s", f"{cpu:.2f} s", f"{peak:.0f} MB"))
    return table(("variant", "limit", "wall", "CPU", "peak"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table of Markdown."""
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(map(str, row)) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines) + "\n"
