"""Where each step of a job begins, from what the plan knows of its files: Lambda while it fits, Fargate above.

The figures are those of ``step_costs``; what is estimated from them keeps a reserve of a fifth in memory and two fifths in
time.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from flowforge.model.gold import GoldConfig
from flowforge.model.job import Job
from flowforge.model.plan import SourceFile
from flowforge.model.step import Step
from flowforge.model.tier import PinnedTier, Tier
from flowforge.model.tier_choice import StepTiers, TierChoice
from flowforge.orchestration.step_costs import (
    AGGREGATED_BYTES_PER_ROW,
    BRONZE_BYTES_PER_SECOND,
    COLUMN_MIB,
    COPIED_BYTES_PER_PROCESSOR_SECOND,
    COSTS,
    HELD_BYTES_PER_VALUE,
    HELD_PER_BYTE,
    SORTED_BYTES_PER_ROW,
)

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
    """What the plan knows of a job's files before they are read.

    ``bronze_seconds`` are seconds of a processor for making Bronze of them, ``held_bytes`` what Bronze holds of them at once.
    """

    text_bytes: int
    rows: int
    columns: int
    scratch_bytes: int = 0
    bronze_seconds: float = 0
    held_bytes: float = 0


def choose_tiers(job: Job, sources: Sequence[SourceFile]) -> StepTiers:
    """The tier of each step, by the job's pin or by what its files need."""
    shape = shape_of(sources)
    return StepTiers(**{step.value: _choose(step, job, shape) for step in job.steps})


def shape_of(sources: Sequence[SourceFile]) -> SourceShape:
    """The files together: their text, and rows by the width that the head of each shows.

    Copies are made one after the other, so it is the largest that scratch space must hold, and all of them that take time.
    """
    return SourceShape(
        text_bytes=sum(_text_bytes(source) for source in sources),
        rows=sum(math.ceil(_text_bytes(source) / source.row_bytes) for source in sources),
        columns=max((source.columns for source in sources), default=1),
        scratch_bytes=max((source.scratch_bytes for source in sources), default=0),
        bronze_seconds=sum(_bronze_seconds(source) for source in sources),
        held_bytes=max((_held_bytes(source) for source in sources), default=0),
    )


def _text_bytes(source: SourceFile) -> int:
    return source.size_bytes if source.text_bytes is None else source.text_bytes


def _bronze_seconds(source: SourceFile) -> float:
    converted = _text_bytes(source) / BRONZE_BYTES_PER_SECOND[source.format]
    return converted + source.scratch_bytes / COPIED_BYTES_PER_PROCESSOR_SECOND


def _held_bytes(source: SourceFile) -> float:
    """A file that is unpacked to be read is held as it is then."""
    return max(source.size_bytes, source.scratch_bytes) * HELD_PER_BYTE.get(source.format, 0)


def _choose(step: Step, job: Job, shape: SourceShape) -> TierChoice:
    size, memory_mib, seconds = LAMBDA_SIZES[step], needed_mib(step, job, shape), needed_seconds(step, shape)
    cpu_units, task_mib = _task_size(max(memory_mib, size.memory_mib))
    needed = f"about {memory_mib:,.0f} MiB and {seconds:,.0f} s of {size.memory_mib:,} MiB and {LAMBDA_SECONDS} s"
    fits = memory_mib <= MEMORY_SHARE * size.memory_mib and seconds <= TIME_SHARE * LAMBDA_SECONDS
    scratch_mib = shape.scratch_bytes / MIB if step is Step.BRONZE_INGEST else 0
    if scratch_mib:
        fits = fits and scratch_mib <= MEMORY_SHARE * size.scratch_mib
        needed += f", and {scratch_mib:,.0f} MiB of {size.scratch_mib:,} MiB in /tmp"
    tier = Tier.LAMBDA if fits else Tier.FARGATE
    reason = f"{'fits Lambda' if fits else 'too much for Lambda'}: {needed}"
    if job.tier is not PinnedTier.AUTO:
        tier, reason = Tier(job.tier.value), f"pinned by the job; {reason}"
    return TierChoice(tier=tier, reason=reason, cpu_units=cpu_units, memory_mib=task_mib)


def needed_mib(step: Step, job: Job, shape: SourceShape) -> float:
    """The memory that a step needs, in MiB."""
    held_bytes = shape.held_bytes if step is Step.BRONZE_INGEST else 0
    return COSTS[step].base_mib + shape.columns * COLUMN_MIB + (shape.rows * _bytes_per_row(step, job) + held_bytes) / MIB


def _bytes_per_row(step: Step, job: Job) -> int:
    """What a step holds for each row."""
    return _gold_bytes_per_row(job.destination_config.gold_config) if step is Step.GOLD_PUBLISH else COSTS[step].bytes_per_row


def _gold_bytes_per_row(gold: GoldConfig) -> int:
    """What Gold holds for each row of Silver: a group, the values that its aggregates need, or the row itself to be sorted."""
    if gold.aggregation_enabled:
        held = sum(aggregate.function.holds_values for aggregate in gold.parsed_aggregates.values())
        return AGGREGATED_BYTES_PER_ROW + held * HELD_BYTES_PER_VALUE
    return SORTED_BYTES_PER_ROW if gold.row_order else COSTS[Step.GOLD_PUBLISH].bytes_per_row


def needed_seconds(step: Step, shape: SourceShape) -> float:
    """The time that a step needs on its function's share of processors, in seconds."""
    seconds = shape.text_bytes / COSTS[step].bytes_per_processor_second
    return (shape.bronze_seconds if step is Step.BRONZE_INGEST else seconds) / LAMBDA_SIZES[step].processors


@dataclass(frozen=True)
class Reach:
    """Up to which bytes of text a step stays on Lambda: by its memory (None: it streams) and by its 15 minutes."""

    by_memory_bytes: float | None
    by_time_bytes: float


def lambda_reach(step: Step, job: Job, *, row_bytes: float, columns: int) -> Reach:
    """The largest delimited text that begins on Lambda, for rows of this width."""
    size, held = LAMBDA_SIZES[step], _bytes_per_row(step, job)
    room = (MEMORY_SHARE * size.memory_mib - COSTS[step].base_mib - columns * COLUMN_MIB) * MIB
    by_time = TIME_SHARE * LAMBDA_SECONDS * COSTS[step].bytes_per_processor_second * size.processors
    return Reach(room / held * row_bytes if held else None, by_time)


def _task_size(memory_mib: float) -> tuple[int, int]:
    """The smallest task with room for twice what Lambda has, or for what is needed; the largest where none has."""
    for cpu_units, task_mib in FARGATE_SIZES:
        if memory_mib <= task_mib / 2:
            return cpu_units, task_mib
    return FARGATE_SIZES[-1]
