"""The landing objects of a run, as its plan saw them, and the sources that they give."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.medallion.bronze_source import BronzeSource
from flowforge.medallion.file_content import contents_of
from flowforge.medallion.file_stream import first_bytes
from flowforge.medallion.source_readers import examine_source
from flowforge.medallion.stored_file import FileContent, StoredFile
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.lineage import Parent
from flowforge.model.plan import SourceFile
from flowforge.model.source_format import HEAD_BYTES, SourceFormat, misnamed, source_format
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.machine_memory import memory_for_data_bytes
from flowforge.steps.source_digest import SourceDigest

KEPT_BYTES = 4 << 20
"""A file up to this size is kept in memory while it is examined, one file at a time."""


@dataclass(frozen=True)
class RunSource:
    """A source of the run, with the landed file that it is of, and what is to be told of it besides the reader's notes."""

    landed: "LandedFile"
    reader: BronzeSource
    told: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for what a person should know about how the file was read."""
        return (*self.told, *self.reader.notes)

    def proven(self) -> "RunSource":
        """The source with all of it looked at. Raises DataFault, NextTier or RetryLater."""
        with engine_errors(f"{self.reader.name} could not be read"):
            return replace(self, reader=self.reader.proven())

    @property
    def planned(self) -> SourceFile:
        """The file as it was planned."""
        return self.landed.planned


@dataclass(frozen=True, eq=False)
class LandedFile:
    """A landing object as it is read, and the digest of its bytes that is taken while a reader goes through them."""

    lake: Lake
    planned: SourceFile
    version: ObjectVersion
    digest: SourceDigest = field(default_factory=SourceDigest)
    kept: list[bytes] = field(default_factory=list)

    def chunks(self) -> Iterator[bytes]:
        """The bytes. A small file, whose every reading costs little more than its request, is asked for once."""
        if self.version.size_bytes > KEPT_BYTES:
            yield from self.digest.reading(self.lake.chunks(self.version))
            return
        if not self.kept:
            self.kept.extend(self.lake.chunks(self.version))
        yield from self.digest.reading(self.kept)

    def parent(self) -> Parent:
        """What is told of it. Reads the bytes of a file that no reader went through, such as Parquet."""
        return Parent(
            role="landing",
            key=self.planned.key,
            etag=self.planned.etag,
            version_id=self.version.version_id,
            size_bytes=self.planned.size_bytes,
            sha256=self.digest.of(self.lake.chunks(self.version)),
        )


def examined_sources(context: StepContext, scratch: Path) -> Iterator[RunSource]:
    """The sources of all files in their order, each examined, or only the start of it where ``is_proven`` says so.

    What one has below ``scratch`` is gone when the next one comes.

    Raises DataFault for a file that changed since the plan or cannot be read, ConfigFault for an option that no file of
    the run has a use for.
    """
    config, found = context.job.source_config, set()
    for planned in context.planned.sources:
        landed = LandedFile(context.lake, planned, require_planned(context, planned))
        with TemporaryDirectory(dir=scratch) as archive:
            with engine_errors(f"{planned.name} could not be read"):
                stored = _stored(landed)
                contents = contents_of(stored, declared=config.file_config.compression_type, scratch=Path(archive))
            for content in contents:
                with TemporaryDirectory(dir=scratch) as copies:
                    kind, readers = _examined(context, content, Path(copies))
                    found.add(kind)
                    for number, reader in enumerate(readers):
                        named = misnamed(content.content_name, kind) if number == 0 else None
                        yield RunSource(landed, reader, (named,) if named else ())
        landed.kept.clear()
    _require_use_of_options(context, found)


def _examined(context: StepContext, content: FileContent, copies: Path) -> tuple[SourceFormat, list[BronzeSource]]:
    config = context.job.source_config
    with engine_errors(f"{content.name} could not be read"):
        head = first_bytes(content.open_stream(), HEAD_BYTES)
        called = None if content.is_stored_as_it_is else content.content_name
        kind = source_format(content.name, head, config.type, content_name=called)
        return kind, list(examine_source(content, kind, config.file_config, copies))


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


def parents_of(sources: Iterable[RunSource]) -> tuple[Parent, ...]:
    """The landed files of the sources, each once, in their order."""
    return tuple(landed.parent() for landed in dict.fromkeys(source.landed for source in sources))


def _stored(landed: LandedFile) -> StoredFile:
    lake, version = landed.lake, landed.version
    return StoredFile(
        name=landed.planned.name,
        content_name=landed.planned.name,
        size_bytes=version.size_bytes,
        uri=lake.uri(version.key),
        open_stream=landed.chunks,
        read_range=lambda start, count: lake.read_range(version, start, count),
        storage_options=lake.storage_options,
        memory_bytes=memory_for_data_bytes(),
    )


def _require_use_of_options(context: StepContext, found: set[SourceFormat]) -> None:
    """Raise ConfigFault where an option is set that only other formats have: with type ``auto`` the files decide."""
    for use in context.job.source_config.file_config.uses:
        if not found.intersection(use.formats):
            raise ConfigFault(
                f"fileConfig.{use.name} belongs to {use.told}, and no file of the run is of that format",
                option=f"fileConfig.{use.name}",
            )
