"""Compressed files: unpacked as streams, told by content, and refused where they are damaged or bombs."""

import gzip
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from csv_files import FILE, zipped
from flowforge.medallion.expansion import FREE_BYTES
from flowforge.medallion.file_content import contents_of
from flowforge.medallion.stored_file import FileContent
from flowforge.model.compression import CompressionType
from flowforge.model.errors import DataFault
from stored_files import stored

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DATA = b"id,name\n" + b"".join(b"%d,name of %d\n" % (number, number) for number in range(20_000))
WITH_CHECKSUM: dict[int, int] = {zstd.CompressionParameter.checksum_flag: 1}
PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": partial(zstd.compress, options=WITH_CHECKSUM)}


def contents(data: bytes, scratch: Path, *, declared: str | None = None, chunk_bytes: int = 1 << 20) -> list[FileContent]:
    compression = CompressionType(declared) if declared else None
    return contents_of(stored(data, FILE, chunk_bytes=chunk_bytes), declared=compression, scratch=scratch)


def unpacked(data: bytes, scratch: Path, *, declared: str | None = None, chunk_bytes: int = 1 << 20) -> dict[str, bytes]:
    found = contents(data, scratch, declared=declared, chunk_bytes=chunk_bytes)
    return {content.name: b"".join(content.open_stream()) for content in found}


@pytest.mark.parametrize("chunk_bytes", [7, 1000, 1 << 20])
@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_members_and_frames_follow_each_other(kind: str, chunk_bytes: int, tmp_path: Path) -> None:
    packed = PACK[kind](DATA) + PACK[kind](b"last,row\n")
    assert unpacked(packed, tmp_path, chunk_bytes=chunk_bytes) == {FILE: DATA + b"last,row\n"}


def test_zeros_behind_a_member_are_padding(tmp_path: Path) -> None:
    assert unpacked(gzip.compress(DATA, mtime=0) + bytes(1000), tmp_path, chunk_bytes=100) == {FILE: DATA}


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_file_that_is_cut_off_or_damaged_is_refused(kind: str, tmp_path: Path) -> None:
    packed = PACK[kind](DATA)
    with pytest.raises(DataFault, match=f"ends in the middle of its {kind} data; upload it again"):
        unpacked(packed[:-3], tmp_path)
    for damaged in (packed[:100] + b"\xff\xff\xff\xff" + packed[104:], packed + b"junk"):
        with pytest.raises(DataFault, match=r"is damaged: .*; create and upload it again"):
            unpacked(damaged, tmp_path)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_is_refused_chunk_by_chunk(kind: str, tmp_path: Path) -> None:
    bomb = PACK[kind](bytes(8 << 20)) * (FREE_BYTES // (8 << 20) + 1)
    (content,) = contents(bomb, tmp_path)
    given: list[int] = []
    with pytest.raises(DataFault, match="unpacks to more than 200 times its size, as decompression bombs do"):
        given.extend(len(chunk) for chunk in content.open_stream())
    assert max(given) <= 4 << 20
    assert sum(given) <= FREE_BYTES


def test_a_small_file_of_repeated_rows_is_no_bomb(tmp_path: Path) -> None:
    repeated = b"1,x\n" * 1_000_000
    assert len(zstd.compress(repeated)) * 200 < len(repeated)
    assert unpacked(zstd.compress(repeated), tmp_path) == {FILE: repeated}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_of_one_file_is_that_file(method: int, tmp_path: Path) -> None:
    others = {"__MACOSX/._a.csv": b"x", ".DS_Store": b"x", "folder/": b"", "folder/Thumbs.db": b"x"}
    assert unpacked(zipped({**others, "a.csv": DATA}, method), tmp_path) == {FILE: DATA}


def test_an_archive_of_several_files_gives_them_by_name(tmp_path: Path) -> None:
    archive = zipped({"b.csv": b"2", "2026/a.csv": b"1", "B.csv": b"3"})
    assert list(unpacked(archive, tmp_path).items()) == [
        (f"{FILE}/2026/a.csv", b"1"),
        (f"{FILE}/B.csv", b"3"),
        (f"{FILE}/b.csv", b"2"),
    ]


def test_a_bomb_in_an_archive_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    parts = dict.fromkeys(["a.csv", "b.csv", "c.csv"], bytes(FREE_BYTES // 2))
    with pytest.raises(DataFault, match="unpacks to more than 200 times its size"):
        contents(zipped(parts), tmp_path)


def test_an_archive_that_states_too_small_a_size_gives_no_more_than_that(tmp_path: Path) -> None:
    archive = zipped({"a.csv": bytes(100_000)})
    lying = archive.replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(DataFault, match=r"is damaged at a.csv"):
        unpacked(lying, tmp_path)


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (zipped({}), "holds no file"),
        (zipped({"a.csv.gz": gzip.compress(b"a", mtime=0)}), "is a gzip file within a zip file; unpack it once"),
        (zipped({"a.zip": zipped({"a.csv": b"a"})}), "is a zip file within a zip file; unpack it once"),
        (gzip.compress(gzip.compress(b"a", mtime=0), mtime=0), "is a gzip file within a gzip file; unpack it once"),
        (zipped({f"{number}.csv": b"" for number in range(1001)}), "holds 1,001 files, and 1,000 are the most"),
        (zipped({"a.csv": DATA})[:-30], "is no whole zip archive"),
        (zipped({"a.csv": DATA})[:5000], "is no whole zip archive"),
    ],
)
def test_archives_that_cannot_be_read_are_refused(archive: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataFault, match=message) as caught:
        unpacked(archive, tmp_path)
    assert caught.value.file == FILE


def test_an_archive_behind_a_password_is_refused(tmp_path: Path) -> None:
    archive = bytearray(zipped({"a.csv": b"1"}))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        archive[archive.index(signature) + place] |= 1
    with pytest.raises(DataFault, match=r"needs a password for a.csv"):
        contents(bytes(archive), tmp_path)


@pytest.mark.parametrize(
    ("data", "declared", "found"),
    [
        (DATA, "gzip", "not compressed"),
        (gzip.compress(DATA, mtime=0), "none", "a gzip file"),
        (zipped({"a": b""}), "zstd", "a zip file"),
    ],
)
def test_what_the_job_says_of_compression_is_held_against_the_content(
    data: bytes, declared: str, found: str, tmp_path: Path
) -> None:
    with pytest.raises(DataFault, match=f"{FILE} is {found} by its content, and compressionType is '{declared}'"):
        contents(data, tmp_path, declared=declared)


@pytest.mark.parametrize("before", [0, 100_000], ids=["seen in its head", "seen in its directory"])
def test_a_workbook_is_no_archive(before: int, tmp_path: Path) -> None:
    parts = {"docProps/thumbnail.jpeg": bytes(before), "[Content_Types].xml": b"x", "xl/workbook.xml": b"x"}
    (content,) = contents(zipped(parts, zipfile.ZIP_STORED), tmp_path)
    assert content.is_stored_as_it_is
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_compressed_is_given_as_it_is(tmp_path: Path) -> None:
    (content,) = contents(DATA, tmp_path, declared="none")
    assert content.is_stored_as_it_is
    assert list(tmp_path.iterdir()) == []
