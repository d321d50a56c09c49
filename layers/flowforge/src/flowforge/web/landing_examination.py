"""What a landed file looks like, from the start of a text, the footer of a Parquet file, or all of a small workbook."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.medallion.head_examination import Examined, FileHead, examine_head, examine_whole
from flowforge.medallion.stored_file import StoredFile
from flowforge.model.compression import CompressionType
from flowforge.model.errors import ConfigFault, DataFault, NextTier
from flowforge.model.source import SourceConfig
from flowforge.model.source_format import TEXT_FORMATS, SourceFormat, misnamed, source_format
from flowforge.orchestration.unpacked_head import UnpackedHead, unpacked_head
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.machine_memory import memory_for_data_bytes

START_BYTES = 1 << 20
MAX_WORKBOOK_BYTES = 20 << 20
MAX_PARQUET_BYTES = 256 << 20
"""Of a larger file the first row group alone can be more than a small function's memory holds."""


@dataclass(frozen=True)
class Findings:
    """What was found, as far as it goes. ``fault`` is why a run of the job would refuse the file, None where nothing shows that.

    ``examined`` is None where nothing of the content is shown, and ``notes`` say why.
    """

    format: SourceFormat | None
    compression: CompressionType
    examined: Examined | None
    estimated_rows: int | None
    fault: str | None
    notes: tuple[str, ...]


def examine(lake: Lake, version: ObjectVersion, name: str, config: SourceConfig) -> Findings:
    """Look at a landed file as the job would read it. Raises RetryLater where S3 does not answer."""
    head = unpacked_head(lake.read_start(version, START_BYTES), name)
    found: SourceFormat | None = None
    try:
        called = head.name if head.compression is not CompressionType.NONE else None
        found = source_format(name, head.content, config.type, content_name=called)
        with TemporaryDirectory(prefix="flowforge-") as scratch, engine_errors(f"{name} could not be read"):
            examined, notes = _examined(_Landed(lake, version, name, head), found, config, Path(scratch))
    except NextTier as outgrown:
        return Findings(found, head.compression, None, None, None, (str(outgrown),))
    except (DataFault, ConfigFault) as fault:
        return Findings(found, head.compression, None, None, str(fault), ())
    if (note := misnamed(name, found)) is not None:
        notes = (note, *notes)
    return Findings(found, head.compression, examined, _estimated_rows(examined, head, version), None, notes)


@dataclass(frozen=True)
class _Landed:
    lake: Lake
    version: ObjectVersion
    name: str
    head: UnpackedHead

    @property
    def is_packed(self) -> bool:
        return self.head.compression is not CompressionType.NONE


def _examined(
    landed: _Landed, found: SourceFormat, config: SourceConfig, scratch: Path
) -> tuple[Examined | None, tuple[str, ...]]:
    head, size, name = landed.head, landed.version.size_bytes, landed.name
    if found in TEXT_FORMATS:
        is_whole = not landed.is_packed and size <= START_BYTES
        start = FileHead(name, head.name, head.content, is_whole)
        examined = examine_head(start, found, config.file_config, scratch)
        return examined, examined.notes
    limit = MAX_WORKBOOK_BYTES if found is SourceFormat.EXCEL else MAX_PARQUET_BYTES
    if landed.is_packed or size > limit:
        what = "in an archive" if landed.is_packed else f"of more than {limit >> 20} MB"
        return None, (f"{name}: the content of a file of {found.value} {what} is not shown; a run of the job reads it all",)
    sources = examine_whole(_stored(landed, found, scratch), found, config.file_config)
    others = (f"{name}: the first of {len(sources)} sheets is shown",) if len(sources) > 1 else ()
    return sources[0], (*others, *sources[0].notes)


def _stored(landed: _Landed, found: SourceFormat, scratch: Path) -> StoredFile:
    """The file for readers that go about in it: where it lies for Parquet, a copy of a workbook."""
    lake, version = landed.lake, landed.version
    read_range = partial(lake.read_range, version)
    uri = lake.uri(version.key)
    if found is SourceFormat.EXCEL:
        content = b"".join(lake.chunks(version))
        read_range = partial(_part, content)
        path = scratch / "workbook"
        path.write_bytes(content)
        uri = str(path)
    return StoredFile(
        name=landed.name,
        content_name=landed.name,
        open_stream=partial(_stream, read_range, version.size_bytes),
        size_bytes=version.size_bytes,
        uri=uri,
        read_range=read_range,
        storage_options=None if found is SourceFormat.EXCEL else lake.storage_options,
        memory_bytes=memory_for_data_bytes(),
    )


def _part(content: bytes, start: int, count: int) -> bytes:
    return content[start : start + count]


def _stream(read_range: partial[bytes], size_bytes: int) -> Iterable[bytes]:
    yield read_range(0, size_bytes)


def _estimated_rows(examined: Examined | None, head: UnpackedHead, version: ObjectVersion) -> int | None:
    """The rows of the whole file: counted where all of it was looked at, else by the bytes that those looked at take."""
    if examined is None or examined.is_whole:
        return examined.records if examined else None
    return round(head.unpacked_bytes(version.size_bytes) * examined.records / max(1, len(head.content)))
