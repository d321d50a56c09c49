"""How the rows of a step arrived: of which run they are, and whether the run showed every key that was there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flowforge.medallion.conflict_policy import FileRanks
from flowforge.steps.context import StepContext

NEWEST_RUN = "flowforge.newest_run"
SNAPSHOTS = "flowforge.snapshots"
GENERATION = "flowforge.generation"
"""The run that began the table, from nothing or by a rebuild."""
RunOrder = tuple[datetime, str]
"""What decides between two runs: when they were planned, then their ids."""


@dataclass(frozen=True)
class Arrival:
    """Where the rows of a step stand among those of all runs.

    ``newest`` is the latest run that they are of, None where they are rows of earlier runs that come again; ``snapshots`` are
    the times of the runs that are whole in them.
    """

    newest: RunOrder | None
    snapshots: tuple[datetime, ...]
    file_ranks: FileRanks

    def metadata(self) -> dict[str, str]:
        """What a Parquet file says of the arrival of its rows."""
        newest = {NEWEST_RUN: written(self.newest)} if self.newest else {}
        return newest | {SNAPSHOTS: json.dumps([time.isoformat() for time in self.snapshots])}


def arrival_of(context: StepContext) -> Arrival:
    """The arrival of the rows that a step works on, by its plan."""
    planned = context.planned
    if planned.rebuild is not None:
        runs = [run for run in planned.rebuild if not run.is_replay]
        newest = max((run.planned_at, run.run_id) for run in runs)
        return Arrival(newest, tuple(run.planned_at for run in runs), _ranks(planned.file_order))
    if planned.replay is not None:
        return Arrival(None, (), _ranks(planned.file_order))
    names = tuple(source.name for source in planned.sources)
    ranks = _ranks({context.run_id: names}) if len(names) > 1 else {}
    return Arrival((context.planned_at, context.run_id), (context.planned_at,), ranks)


def _ranks(files: Mapping[str, Sequence[str]]) -> dict[str, int]:
    return {f"{run_id}/{name}": rank for run_id, names in files.items() for rank, name in enumerate(names)}


def written(order: RunOrder) -> str:
    """The order of a run as metadata keeps it."""
    return f"{order[0].isoformat()} {order[1]}"


def newest_run(metadata: Mapping[str, str]) -> RunOrder:
    """The latest run whose rows a table has."""
    time, _, run_id = metadata[NEWEST_RUN].partition(" ")
    return datetime.fromisoformat(time), run_id


def snapshots_of(metadata: Mapping[str, str]) -> list[datetime]:
    """The times of the runs that are whole in a file."""
    return [datetime.fromisoformat(time) for time in json.loads(metadata.get(SNAPSHOTS, "[]"))]


def continued_metadata(own: Mapping[str, str], table: Mapping[str, str]) -> dict[str, str]:
    """What a table says of itself when a run has changed it: it began when it began, and its newest run is the later one."""
    kept = {GENERATION: table[GENERATION]}
    stated = [newest_run(metadata) for metadata in (own, table) if NEWEST_RUN in metadata]
    return dict(own) | kept | ({NEWEST_RUN: written(max(stated))} if stated else {})
