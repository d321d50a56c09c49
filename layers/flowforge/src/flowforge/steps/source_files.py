"""The landing objects of a run, as its plan saw them, and the sources that they give."""

from dataclasses import dataclass

from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.bronze_source import BronzeSource, StoredFile
from flowforge.medallion.source_readers import examine_source
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.plan import SourceFile
from flowforge.model.source_format import HEAD_BYTES, SourceFormat, misnamed, source_format
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.machine_memory import memory_for_data_bytes


@dataclass(frozen=True)
class RunSource:
    """A source of the run, with the planned file that it is of."""

    planned: SourceFile
    reader: BronzeSource
    notes: tuple[str, ...]


def examine_files(context: StepContext) -> list[RunSource]:
    """The sources of all files in their order, each examined.

    Raises DataFault for a file that changed since the plan or cannot be read, ConfigFault for an option that no file of
    the run has a use for.
    """
    found: set[SourceFormat] = set()
    sources = []
    for planned in context.planned.sources:
        version = require_planned(context, planned)
        head = context.lake.read_start(version, HEAD_BYTES)
        kind = source_format(planned.name, head, context.job.source_config.type)
        found.add(kind)
        with engine_errors(f"{planned.name} could not be read"):
            readers = examine_source(_stored(context, version, planned.name), kind, context.job.source_config.file_config)
        for number, reader in enumerate(readers):
            named = misnamed(planned.name, kind) if number == 0 else None
            sources.append(RunSource(planned, reader, ((named,) if named else ()) + reader.notes))
    _require_use_of_options(context, found)
    return sources


def require_planned(context: StepContext, source: SourceFile) -> ObjectVersion:
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


def _stored(context: StepContext, version: ObjectVersion, name: str) -> StoredFile:
    return StoredFile(
        name=name,
        size_bytes=version.size_bytes,
        uri=context.lake.uri(version.key),
        open_stream=lambda: context.lake.chunks(version),
        read_range=lambda start, count: context.lake.read_range(version, start, count),
        storage_options=context.lake.storage_options,
        memory_bytes=memory_for_data_bytes(),
    )


def _require_use_of_options(context: StepContext, found: set[SourceFormat]) -> None:
    """Raise ConfigFault where an option is set that only another format has: with type ``auto`` the files decide."""
    config = context.job.source_config.file_config
    options = [(name, SourceFormat.EXCEL, "workbooks") for name in config.of_workbooks]
    options += [("recordPath", SourceFormat.JSON, "JSON")] if config.record_path is not None else []
    for name, kind, what in options:
        if kind not in found:
            raise ConfigFault(
                f"fileConfig.{name} belongs to {what}, and no file of the run is of that format", option=f"fileConfig.{name}"
            )
