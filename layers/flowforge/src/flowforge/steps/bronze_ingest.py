"""bronze_ingest: each source file becomes one Parquet object, as it is, under the run's key; an archive one per file in it."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract
from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.bronze import bronze_frame, malformed_frame
from flowforge.medallion.delimited import examine_text
from flowforge.medallion.delimited_text import DelimitedText
from flowforge.medallion.file_content import FileContent, contents_of
from flowforge.medallion.header import check_header
from flowforge.medallion.schema_contract import check_drift, check_same_columns
from flowforge.model.errors import DataFault
from flowforge.model.plan import SourceFile
from flowforge.model.step import BronzeCounts, PublishedObject, StepResult
from flowforge.steps.attempt import Attempt, Written, require_equations
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.scratch import scratch_space


@dataclass(frozen=True)
class _Source:
    """A file to convert, and the stored file that it is, or that holds it, as the plan saw that one."""

    planned: SourceFile
    content: FileContent
    text: DelimitedText


def bronze_ingest(context: StepContext, attempt: Attempt) -> StepResult:
    """Check every file, convert every file, and only then publish them all.

    Raises DataFault for a file that changed since the plan, is empty, malformed or of other columns than the contract;
    ConfigFault where the job names a column that a file does not have; NextTier where /tmp has no room for a copy of a file.
    """
    with scratch_space() as scratch:
        return _Ingestion(context, attempt, scratch).result()


class _Ingestion:
    """The work of one attempt."""

    def __init__(self, context: StepContext, attempt: Attempt, scratch: Path) -> None:
        self._context = context
        self._attempt = attempt
        self._scratch = scratch
        self._options = context.job.source_config.file_config
        self._read_bytes = 0
        self._examined: list[_Source] = []
        self._written: dict[int, Written] = {}

    def result(self) -> StepResult:
        """Do it, and tell what was done."""
        context = self._context
        for planned in context.planned.sources:
            self._examine(planned)
        for index in range(len(self._examined)):
            if index not in self._written:
                self._convert(index)
        malformed = self._write_malformed()
        for planned in context.planned.sources:
            _require_planned(context, planned)
        written = [self._written[index] for index in range(len(self._examined))]
        counts = BronzeCounts(
            read=sum(source.text.records for source in self._examined),
            written=sum(item.rows for item in written),
            malformed=malformed.rows if malformed else 0,
        )
        require_equations(counts.broken_equations(), "bronze_ingest")
        outputs = [
            _output("bronze", keys.bronze_key(*context.slugs, context.planned_at, context.run_id, number), item)
            for number, item in enumerate(written, start=1)
        ]
        if malformed is not None:
            key = keys.malformed_key(*context.slugs, context.planned_at, context.run_id)
            outputs.append(_output("quarantine", key, malformed))
            written.append(malformed)
        result = context.result(counts, outputs, read_bytes=self._read_bytes, notes=self._notes())
        self._attempt.prepare(result)
        # What is set aside comes first: a row that is missing in a table can then be found.
        published = [
            output.model_copy(update={"etag": self._attempt.publish(item, output.key).version.etag})
            for output, item in reversed([*zip(outputs, written, strict=True)])
        ]
        return result.model_copy(update={"outputs": tuple(reversed(published))})

    def _examine(self, planned: SourceFile) -> None:
        """Everything that can be said against a file before a byte is written.

        A file that takes scratch space is converted right away, so that there is never more than one copy.
        """
        context, config = self._context, self._options
        version = _require_planned(context, planned)
        self._read_bytes += version.size_bytes
        folder = self._new_folder()
        with engine_errors(f"{planned.name} could not be read"):
            contents = contents_of(
                lambda: context.lake.chunks(version), file=planned.name, declared=config.compression_type, scratch=folder
            )
        for content in contents:
            with engine_errors(f"{content.name} could not be read"):
                text = examine_text(content, config, scratch=self._new_folder())
            self._check_columns(text)
            self._examined.append(_Source(planned, content, text))
            if text.view.path is not None:
                self._convert(len(self._examined) - 1)
        shutil.rmtree(folder)

    def _check_columns(self, text: DelimitedText) -> None:
        context = self._context
        check_header(context.job, text.columns, file=text.name)
        contract = latest_contract(context.lake, context.plan.workflow_id, context.job.id, start=context.planned.contract_version)
        check_drift(contract, text.columns, file=text.name)
        if self._examined:
            first = self._examined[0].text
            check_same_columns(first.columns, text.columns, file=text.name, reference=first.name)

    def _convert(self, index: int) -> None:
        """Write a file to the attempt, and read it record by record where the engine refuses what the counts let pass."""
        source = self._examined[index]
        try:
            written = self._write(source, index)
        except DataFault as fault:
            _require_planned(self._context, source.planned)
            if source.text.by_records:
                raise
            with engine_errors(f"{source.content.name} could not be read"):
                text = examine_text(source.content, self._options, scratch=self._new_folder(), by_records=True)
            source = _Source(source.planned, source.content, text)
            self._examined[index] = source
            try:
                written = self._write(source, index)
            except DataFault:
                raise fault from None
        text = source.text
        if text.view.path is not None:
            text.view.path.unlink()
        counts = BronzeCounts(read=text.records, written=written.rows, malformed=text.malformed)
        if counts.broken_equations():
            _require_planned(self._context, source.planned)
            require_equations(counts.broken_equations(), text.name)
        self._written[index] = written

    def _write(self, source: _Source, index: int) -> Written:
        context = self._context
        with engine_errors(f"{source.text.name} could not be read"):
            frame = bronze_frame(
                context.lake.uri(source.planned.key),
                source.text,
                self._options,
                run_id=context.run_id,
                ingested_at=context.planned_at,
                storage_options=context.lake.storage_options,
            )
            name = self._attempt.new_name(f"bronze_v{index + 1:03}")
            return self._attempt.write(frame, name, metadata=context.metadata("bronze"))

    def _write_malformed(self) -> Written | None:
        """The malformed records of all files, in their order, or None where there are none."""
        context = self._context
        frames = [
            malformed_frame(source.text, run_id=context.run_id, ingested_at=context.planned_at)
            for source in self._examined
            if source.text.malformed
        ]
        if not frames:
            return None
        with engine_errors(f"{context.job.name}: the malformed records could not be written"):
            return self._attempt.write(pl.concat(frames), "malformed.parquet", metadata=context.metadata("quarantine"))

    def _notes(self) -> list[str]:
        """How each file was read, and what it left in quarantine."""
        notes: list[str] = []
        for text in (source.text for source in self._examined):
            notes += text.notes
            if text.malformed:
                notes.append(f"{text.name}: {text.malformed:,} of {text.records:,} records are malformed and went to quarantine")
        return notes

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._scratch))


def _output(role: Literal["bronze", "quarantine"], key: str, written: Written) -> PublishedObject:
    return PublishedObject(role=role, key=key, etag="", rows=written.rows, size_bytes=written.version.size_bytes)


def _require_planned(context: StepContext, source: SourceFile) -> ObjectVersion:
    """The object, if it is still the one that was planned. Raises DataFault otherwise."""
    version = context.lake.head(source.key)
    if version is None:
        raise DataFault(f"{source.name} was removed from landing after the run was planned", file=source.name)
    # Without versioning a bucket tells no version id; the ETag then decides alone.
    if (
        version.etag != source.etag
        or version.size_bytes != source.size_bytes
        or (source.version_id is not None and version.version_id != source.version_id)
    ):
        raise DataFault(
            f"{source.name} was replaced in landing after the run was planned; nothing was published, start a new run",
            file=source.name,
        )
    return version
