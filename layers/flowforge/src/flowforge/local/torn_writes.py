"""Objects that the emulator was killed in the middle of writing, set right before it starts again.

The emulator keeps an object in two files: its bytes, and a sidecar with its ETag, metadata and version. It writes the bytes
first, so a kill between the two leaves bytes that nobody was told of: a new object without metadata, or an old one's sidecar
beside new bytes. S3 would show neither. What the sidecar describes is what was answered for, so that is what stays.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

SIDECAR = ".meta.json"
UNFINISHED = ".tmp"
VERSIONS = ".versions"
_READ_BYTES = 1 << 20
logger = logging.getLogger(__name__)


def mend_torn_writes(s3_folder: Path) -> list[Path]:
    """Give every object below the emulator's folder the bytes that its sidecar describes; the paths that were changed.

    An object without a sidecar goes; one whose bytes were replaced gets those of the version that the sidecar names, which
    the emulator had put aside before.
    """
    mended = []
    for path in _objects(s3_folder):
        sidecar = path.with_name(path.name + SIDECAR)
        told = _read(sidecar)
        if told is None:
            path.unlink()
            sidecar.unlink(missing_ok=True)
        elif "etag" not in told or path.stat().st_mtime_ns <= sidecar.stat().st_mtime_ns or _is_described(path, told):
            # A delete marker has no ETag: the bytes beside it are those of the version that it hides.
            continue
        else:
            _restore(s3_folder, path, sidecar, told)
        logger.warning("the emulator was killed while it wrote %s; the write is taken back", path)
        mended.append(path)
    return mended


def _objects(s3_folder: Path) -> Iterator[Path]:
    """The files that hold the bytes of a bucket's objects as they are now."""
    for bucket in s3_folder.glob("[0-9]*/*/"):
        for folder, _, names in os.walk(bucket):
            yield from (Path(folder, name) for name in names if not name.endswith((SIDECAR, UNFINISHED)))


def _read(sidecar: Path) -> dict[str, object] | None:
    """What a sidecar tells of its object, or None where there is none that can be read."""
    try:
        told = json.loads(sidecar.read_bytes())
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _is_described(path: Path, told: dict[str, object]) -> bool:
    """Whether the bytes are those of the sidecar, by their number and, for objects of one part, by their ETag.

    A folder that was copied has any times, so they alone decide nothing.
    """
    if path.stat().st_size != told.get("size"):
        return False
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as content:
        while block := content.read(_READ_BYTES):
            digest.update(block)
    etag = str(told["etag"]).strip('"')
    as_one_part = hashlib.md5(digest.digest(), usedforsecurity=False).hexdigest() + "-1"
    return etag in (digest.hexdigest(), as_one_part) or ("-" in etag and not etag.endswith("-1"))


def _restore(s3_folder: Path, path: Path, sidecar: Path, told: dict[str, object]) -> None:
    """Put back the version that the sidecar names; without one nothing of the object is whole, and it goes."""
    account, bucket, *key = path.relative_to(s3_folder).parts
    earlier = s3_folder.joinpath(VERSIONS, account, bucket, str(told.get("version_id")), *key)
    if earlier.is_file():
        shutil.copyfile(earlier, path)
        os.utime(sidecar)
    else:
        path.unlink()
        sidecar.unlink()
