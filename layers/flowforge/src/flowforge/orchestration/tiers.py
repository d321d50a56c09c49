"""Where each step of a job begins, from what the plan knows of its files: Lambda while it fits, Fargate above.

The figures are those of ``step_costs``; what is estimated from them keeps a reserve of a fifth in memory and two fifths in
time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flowforge.model.job import Job
from flowforge.model.plan import SourceFile
from flowforge.model.step import Step
from flowforge.model.tier import PinnedTier, Tier
from flowforge.model.tier_choice import StepTiers, TierChoice
from flowforge.orchestration.step_costs import AGGREGATED_BYTES_PER_ROW, COLUMN_MIB, COSTS

MIB = 1 << 20
MIB_PER_PROCESSOR = 1769
"""Lambda gives a function one processor for this much memory (Lambda Developer Guide, "Configure Lambda function memory")."""
LAMBDA_SECONDS = 900
MEMORY_SHARE = 0.8
TIME_SHARE = 0.6


@dataclass(frozen=True)
class LambdaSize:
    """What the template gives a step's function."""

    memory_mib: int
    scratch_mib: int

    @property
    def processors(self) -> float:
        """The share of processors that comes with the memory."""
        return self.memory_mib / MIB_PER_PROCESSOR


LAMBDA_SIZES = {
    Step.BRONZE_INGEST: LambdaSize(2048, 1024),
    Step.SILVER_TRANSFORM: LambdaSize(3008, 4096),
    Step.GOLD_PUBLISH: LambdaSize(2048, 1024),
}


FARGATE_SIZES = ((1024, 4096), (2048, 8192), (4096, 16_384), (8192, 32_768), (16_384, 65_536))
"""Processor units and MiB: the pairs of Fargate with 4 MiB of memory for a unit, since memory is what steps run out of
(Amazon ECS Developer Guide, "Fargate task definition considerations")."""


@dataclass(frozen=True)
class SourceShape:
    """What the plan knows of a job's files before they are read."""

    text_bytes: int
    rows: int
    columns: int


def choose_tiers(job: Job, sources: Sequence[SourceFile]) -> StepTiers:
    """The tier of each step, by the job's pin or by what its files need."""
    shape = shape_of(sources)
    return StepTiers(**{step.value: _choose(step, job, shape) for step in Step})


def shape_of(sources: Sequence[SourceFile]) -> SourceShape:
    """The files together: their text, and rows by the width that the head of each shows."""
    rows = sum(math.ceil(source.size_bytes / source.row_bytes) for source in sources)
    return SourceShape(
        text_bytes=sum(source.size_bytes for source in sources),
        rows=rows,
        columns=max((source.columns for source in sources), default=1),
    )


def _choose(step: Step, job: Job, shape: SourceShape) -> TierChoice:
    size, memory_mib, seconds = LAMBDA_SIZES[step], needed_mib(step, job, shape), needed_seconds(step, shape)
    cpu_units, task_mib = _task_size(max(memory_mib, size.memory_mib))
    seconds_told = f"about {memory_mib:,.0f} MiB and {seconds:,.0f} s of {size.memory_mib:,} MiB and {LAMBDA_SECONDS} s"
    fits = memory_mib <= MEMORY_SHARE * size.memory_mib and seconds <= TIME_SHARE * LAMBDA_SECONDS
    tier = Tier.LAMBDA if fits else Tier.FARGATE
    reason = f"{'fits Lambda' if fits else 'too much for Lambda'}: {seconds_told}"
    if job.tier is not PinnedTier.AUTO:
        tier, reason = Tier(job.tier.value), f"pinned by the job; {reason}"
    return TierChoice(tier=tier, reason=reason, cpu_units=cpu_units, memory_mib=task_mib)


def needed_mib(step: Step, job: Job, shape: SourceShape) -> float:
    """The memory that a step needs, in MiB."""
    return COSTS[step].base_mib + shape.columns * COLUMN_MIB + shape.rows * _bytes_per_row(step, job) / MIB


def needed_seconds(step: Step, shape: SourceShape) -> float:
    """The time that a step needs on its function's share of processors, in seconds."""
    return shape.text_bytes / COSTS[step].bytes_per_processor_second / LAMBDA_SIZES[step].processors


@dataclass(frozen=True)
class Reach:
    """Up to which bytes of text a step stays on Lambda: by its memory (None: it streams) and by its 15 minutes."""

    by_memory_bytes: float | None
    by_time_bytes: float


def lambda_reach(step: Step, job: Job, *, row_bytes: float, columns: int) -> Reach:
    """The largest source that begins on Lambda, for rows of this width."""
    size, held = LAMBDA_SIZES[step], _bytes_per_row(step, job)
    room = (MEMORY_SHARE * size.memory_mib - COSTS[step].base_mib - columns * COLUMN_MIB) * MIB
    by_time = TIME_SHARE * LAMBDA_SECONDS * COSTS[step].bytes_per_processor_second * size.processors
    return Reach(room / held * row_bytes if held else None, by_time)


def _bytes_per_row(step: Step, job: Job) -> int:
    aggregated = step is Step.GOLD_PUBLISH and job.destination_config.gold_config.aggregation_enabled
    return AGGREGATED_BYTES_PER_ROW if aggregated else COSTS[step].bytes_per_row


def _task_size(memory_mib: float) -> tuple[int, int]:
    """The smallest task with room for twice what Lambda has, or for what is needed; the largest where none has."""
    for cpu_units, task_mib in FARGATE_SIZES:
        if memory_mib <= task_mib / 2:
            return cpu_units, task_mib
    return FARGATE_SIZES[-1]
