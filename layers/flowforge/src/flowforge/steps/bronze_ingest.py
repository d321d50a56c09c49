"""bronze_ingest: each source file becomes one Parquet object, as it is, under the run's key."""

from collections.abc import Iterator
from dataclasses import dataclass

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract
from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.bronze import bronze_frame
from flowforge.medallion.delimited import Structure, find_malformed_record, read_structure
from flowforge.medallion.header import check_header
from flowforge.medallion.schema_contract import check_drift, check_same_columns
from flowforge.model.errors import DataFault
from flowforge.model.lineage import Parent
from flowforge.model.plan import SourceFile
from flowforge.model.step import BronzeCounts, PublishedObject, StepResult
from flowforge.steps.attempt import Attempt, Written, require_equations
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.source_digest import SourceDigest


@dataclass(frozen=True)
class _Source:
    """A source file as the plan saw it, with its structure."""

    planned: SourceFile
    version: ObjectVersion
    structure: Structure
    sha256: str

    @property
    def parent(self) -> Parent:
        """What the result tells of it."""
        planned = self.planned
        return Parent(
            role="landing",
            key=planned.key,
            etag=planned.etag,
            version_id=self.version.version_id,
            size_bytes=planned.size_bytes,
            sha256=self.sha256,
        )


def bronze_ingest(context: StepContext, attempt: Attempt) -> StepResult:
    """Check every file, convert every file, and only then publish them all.

    Raises DataFault for a file that changed since the plan, is empty, malformed or of other columns than the contract;
    ConfigFault where the job names a column that a file does not have.
    """
    sources = [_examine(context, source) for source in context.planned.sources]
    _check_columns_agree(sources)
    written = [_convert(context, attempt, source, number) for number, source in enumerate(sources, start=1)]
    for source in sources:
        _require_planned(context, source.planned)
    counts = BronzeCounts(read=sum(source.structure.records for source in sources), written=sum(item.rows for item in written))
    require_equations(counts.broken_equations(), "bronze_ingest")
    outputs = [
        PublishedObject(
            role="bronze",
            key=keys.bronze_key(*context.slugs, context.planned_at, context.run_id, number),
            etag="",
            rows=item.rows,
            size_bytes=item.version.size_bytes,
        )
        for number, item in enumerate(written, start=1)
    ]
    result = context.result(counts, outputs, read_bytes=sum(source.version.size_bytes for source in sources)).model_copy(
        update={"parents": tuple(source.parent for source in sources)}
    )
    attempt.prepare(result)
    published = [
        output.model_copy(update={"etag": attempt.publish(item, output.key).version.etag})
        for output, item in zip(outputs, written, strict=True)
    ]
    return result.model_copy(update={"outputs": tuple(published)})


def _examine(context: StepContext, source: SourceFile) -> _Source:
    """Everything that can be said against a file before a byte is written."""
    version = _require_planned(context, source)
    config = context.job.source_config.file_config
    digest = SourceDigest()

    def chunks() -> Iterator[bytes]:
        return digest.reading(context.lake.chunks(version))

    structure = read_structure(chunks, file=source.name, delimiter=config.delimiter)
    check_header(context.job, structure.columns, file=source.name)
    contract = latest_contract(context.lake, context.plan.workflow_id, context.job.id, start=context.planned.contract_version)
    check_drift(contract, structure.columns, file=source.name)
    return _Source(source, version, structure, digest.of(context.lake.chunks(version)))


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


def _convert(context: StepContext, attempt: Attempt, source: _Source, number: int) -> Written:
    name = source.planned.name
    try:
        with engine_errors(f"{name} could not be read"):
            frame = bronze_frame(
                context.lake.uri(source.planned.key),
                source.structure,
                context.job.source_config.file_config,
                source_file=name,
                run_id=context.run_id,
                ingested_at=context.planned_at,
                storage_options=context.lake.storage_options,
            )
            written = attempt.write(frame, f"bronze_v{number:03}.parquet", metadata=context.metadata("bronze"))
    except DataFault as fault:
        _require_planned(context, source.planned)
        located = find_malformed_record(
            lambda: context.lake.chunks(source.version),
            file=name,
            delimiter=context.job.source_config.file_config.delimiter,
        )
        raise (located or fault) from fault
    counts = BronzeCounts(read=source.structure.records, written=written.rows)
    if counts.broken_equations():
        _require_planned(context, source.planned)
        require_equations(counts.broken_equations(), name)
    return written


def _check_columns_agree(sources: list[_Source]) -> None:
    """Raise DataFault where the files of a run do not carry the same columns, in whatever order."""
    first = sources[0]
    for source in sources[1:]:
        check_same_columns(
            first.structure.columns, source.structure.columns, file=source.planned.name, reference=first.planned.name
        )
