"""The sources of a run become Parquet objects of its attempt, each once its columns are known and its scratch space is there."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flowforge.medallion.bronze_source import Audit, BronzeSource
from flowforge.medallion.common_columns import aligned, inexact, require_exact
from flowforge.medallion.common_type import stored
from flowforge.model.errors import DataFault
from flowforge.model.step import BronzeCounts
from flowforge.steps.attempt import Attempt, Written, require_equations, scan
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.source_files import RunSource, require_planned


class BronzeConversion:
    """Takes the examined sources of a run in their order, and gives the objects that they became.

    What reads scratch space is converted as soon as it is taken, so that there is never more than one copy, in the types that it
    carries; it is written again from there in the rare case that the run's common columns are others. So is what was not proven
    yet: the proof is made meanwhile.
    """

    def __init__(self, context: StepContext, attempt: Attempt, scratch: Path) -> None:
        self._context = context
        self._attempt = attempt
        self._scratch = scratch
        self._at_once: dict[int, Written] = {}
        self._set_aside: dict[int, Written] = {}
        self.sources: list[RunSource] = []

    def take(self, source: RunSource) -> None:
        """Keep a source, converted where it reads scratch space or is not proven."""
        self.sources.append(source)
        if source.reader.in_scratch or not source.reader.is_proven:
            self._at_once[len(self.sources) - 1] = self._converted(len(self.sources) - 1, _carried(source.reader))

    def written(self, common: Mapping[str, pl.DataType]) -> list[Written]:
        """The objects in the order of their sources, all of the columns ``common``."""
        return [
            self._in_common(index, common) if index in self._at_once else self._converted(index, common)
            for index in range(len(self.sources))
        ]

    def malformed(self) -> Written | None:
        """The malformed records of all files, in their order, or None where there are none."""
        parts = [self._set_aside[index] for index in sorted(self._set_aside)]
        if len(parts) <= 1:
            return parts[0] if parts else None
        with engine_errors(f"{self._context.job.name}: the malformed records could not be written"):
            frame = scan(self._context.lake, *(item.version.key for item in parts))
            return self._write(frame, "malformed", "quarantine")

    def _converted(self, index: int, common: Mapping[str, pl.DataType]) -> Written:
        """Write a source to the attempt, and read it in another way where the engine refuses what the counts let pass."""
        source, made = self.sources[index], None
        if not source.reader.is_proven:
            source, made = self._converted_while_proven(source, index, common)
        with TemporaryDirectory(dir=self._scratch) as folder:
            try:
                if isinstance(made, DataFault):
                    raise made
                written = made or self._write_source(source.reader, index, common)
            except DataFault as fault:
                require_planned(self._context, source.planned)
                with engine_errors(f"{source.reader.name} could not be read"):
                    source = replace(source, reader=source.reader.second_try(fault, Path(folder)))
                try:
                    written = self._write_source(source.reader, index, common)
                except DataFault:
                    raise fault from None
            reader = source.reader
            with engine_errors(f"{reader.name}: the malformed records could not be written"):
                frame = reader.malformed_frame(self._audit)
                malformed = self._write(frame, "malformed", "quarantine") if frame is not None else None
        counts = BronzeCounts(read=reader.records, written=written.rows, malformed=malformed.rows if malformed else 0)
        if counts.broken_equations():
            require_planned(self._context, source.planned)
            require_equations(counts.broken_equations(), reader.name)
        self.sources[index] = source
        if malformed is not None:
            self._set_aside[index] = malformed
        return written

    def _converted_while_proven(
        self, source: RunSource, index: int, common: Mapping[str, pl.DataType]
    ) -> tuple[RunSource, Written | DataFault | None]:
        """The source, proven, and what came of converting it meanwhile; None where that was not what the proof found."""
        made: Written | DataFault
        with source.reader.proving():
            try:
                made = self._write_source(source.reader, index, common)
            except DataFault as fault:
                made = fault
            proven = source.proven()
        return proven, made if proven.reader.reads_as(source.reader) else None

    def _write_source(self, reader: BronzeSource, index: int, common: Mapping[str, pl.DataType]) -> Written:
        with engine_errors(f"{reader.name} could not be read"):
            return self._write_aligned(reader.frame(self._audit), reader, reader.types, common, index)

    def _in_common(self, index: int, common: Mapping[str, pl.DataType]) -> Written:
        """What was converted at once, in the common columns."""
        reader, written = self.sources[index].reader, self._at_once[index]
        carried = _carried(reader)
        if carried == dict(common):
            return written
        with engine_errors(f"{reader.name} could not be brought to the columns of the run's other files"):
            again = self._write_aligned(scan(self._context.lake, written.version.key), reader, carried, common, index)
        require_equations(BronzeCounts(read=written.rows, written=again.rows).broken_equations(), reader.name)
        return again

    def _write_aligned(
        self,
        frame: pl.LazyFrame,
        reader: BronzeSource,
        carried: Mapping[str, pl.DataType],
        common: Mapping[str, pl.DataType],
        index: int,
    ) -> Written:
        require_exact(frame, inexact(carried, common), file=reader.name)
        return self._write(aligned(frame, carried, common), f"bronze_v{index + 1:03}", "bronze")

    def _write(self, frame: pl.LazyFrame, stem: str, layer: str) -> Written:
        return self._attempt.write(frame, self._attempt.new_name(stem), metadata=self._context.metadata(layer))

    @property
    def _audit(self) -> Audit:
        return Audit(self._context.run_id, self._context.planned_at)


def _carried(reader: BronzeSource) -> dict[str, pl.DataType]:
    return {column: stored(data_type) for column, data_type in reader.types.items()}
