"""A lake in a folder: the steps run unchanged, on local files, without a server in between.

It stands for S3 where the engine is measured. What S3 copies within itself costs a process nothing, and is a hard link here.
"""

import io
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from botocore.exceptions import ClientError

from flowforge.lake.lake import Lake

BUCKET = "bench"
NOT_FOUND = 404
PRECONDITION_FAILED = 412


class FolderLake(Lake):
    """The data bucket as a folder below ``root``, for one process at a time."""

    def __init__(self, root: Path) -> None:
        super().__init__(BUCKET, FolderS3(root), {})  # type: ignore[arg-type]  # the part of the client that the lake uses
        self._root = root

    def uri(self, key: str) -> str:
        """The path that polars reads from and writes to."""
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return str(path)


class FolderS3:
    """The calls of the S3 client that the lake makes, on the files of a folder, with S3's conditions and answers."""

    def __init__(self, root: Path) -> None:
        self._objects = root
        self._uploads: dict[str, tuple[Path, dict[str, str]]] = {}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """Size, ETag, time and metadata of an object."""
        path = self._existing(Key)
        stat = path.stat()
        metadata = _metadata_path(path)
        return {
            "ETag": _etag(path),
            "ContentLength": stat.st_size,
            "LastModified": datetime.fromtimestamp(stat.st_mtime, UTC),
            "Metadata": json.loads(metadata.read_text()) if metadata.is_file() else {},
        }

    def get_object(self, *, Bucket: str, Key: str, IfMatch: str | None = None, Range: str | None = None) -> dict[str, Any]:
        """An object's bytes, or a range of them, as a stream."""
        path = self._existing(Key)
        if IfMatch is not None and IfMatch != _etag(path):
            raise _refusal(PRECONDITION_FAILED, "PreconditionFailed")
        body: BinaryIO = path.open("rb")
        if Range is not None:
            first, last = (int(end) for end in Range.removeprefix("bytes=").split("-"))
            with body:
                body.seek(first)
                body = io.BytesIO(body.read(last - first + 1))
        return {"Body": _Body(body), "ETag": _etag(path)}

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfMatch: str | None = None, IfNoneMatch: str | None = None, **_: str
    ) -> dict[str, Any]:
        """Store a small object."""
        self._require(Key, IfMatch, IfNoneMatch)
        path = self._objects / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{uuid.uuid4().hex}")
        beside.write_bytes(Body)
        beside.replace(path)
        return {"ETag": _etag(path)}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int | None = None) -> dict[str, Any]:
        """The objects below a prefix, by key."""
        found = []
        for path in sorted(self._objects.rglob("*")):
            key = path.relative_to(self._objects).as_posix()
            if path.is_file() and not path.name.startswith(".") and key.startswith(Prefix):
                stat = path.stat()
                modified = datetime.fromtimestamp(stat.st_mtime, UTC)
                found.append({"Key": key, "ETag": _etag(path), "Size": stat.st_size, "LastModified": modified})
        return {"Contents": found[:MaxKeys]}

    def get_paginator(self, operation: str) -> "_Pages":
        """The one page of a listing."""
        if operation != "list_objects_v2":
            raise NotImplementedError(operation)
        return _Pages(self)

    def delete_objects(self, *, Bucket: str, Delete: Mapping[str, Any]) -> dict[str, Any]:
        """Remove objects; one that is not there is no error."""
        for item in Delete["Objects"]:
            path = self._objects / item["Key"]
            path.unlink(missing_ok=True)
            _metadata_path(path).unlink(missing_ok=True)
        return {}

    def create_multipart_upload(self, *, Bucket: str, Key: str, Metadata: dict[str, str], **_: str) -> dict[str, Any]:
        """Begin an object that is made of a copy."""
        upload_id = uuid.uuid4().hex
        self._uploads[upload_id] = (self._objects / Key, Metadata)
        return {"UploadId": upload_id}

    def upload_part_copy(
        self, *, UploadId: str, CopySource: Mapping[str, str], CopySourceIfMatch: str, **_: Any
    ) -> dict[str, Any]:
        """Link the source beside the object that will be."""
        source = self._existing(CopySource["Key"])
        if CopySourceIfMatch != _etag(source):
            raise _refusal(PRECONDITION_FAILED, "PreconditionFailed")
        target, _metadata = self._uploads[UploadId]
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{UploadId}")
        part.unlink(missing_ok=True)
        os.link(source, part)
        return {"CopyPartResult": {"ETag": _etag(source)}}

    def complete_multipart_upload(
        self, *, Key: str, UploadId: str, IfMatch: str | None = None, IfNoneMatch: str | None = None, **_: Any
    ) -> dict[str, Any]:
        """Put the object in place."""
        self._require(Key, IfMatch, IfNoneMatch)
        target, metadata = self._uploads.pop(UploadId)
        _metadata_path(target).write_text(json.dumps(metadata))
        target.with_name(f".{UploadId}").replace(target)
        return {"ETag": _etag(target)}

    def abort_multipart_upload(self, *, UploadId: str, **_: Any) -> dict[str, Any]:
        """Give up an object."""
        target, _metadata = self._uploads.pop(UploadId)
        target.with_name(f".{UploadId}").unlink(missing_ok=True)
        return {}

    def _existing(self, key: str) -> Path:
        path = self._objects / key
        if not path.is_file():
            raise _refusal(NOT_FOUND, "NoSuchKey")
        return path

    def _require(self, key: str, replaces: str | None, none: str | None) -> None:
        path = self._objects / key
        if replaces is not None and (not path.is_file() or _etag(path) != replaces):
            raise _refusal(PRECONDITION_FAILED, "PreconditionFailed")
        if none is not None and path.is_file():
            raise _refusal(PRECONDITION_FAILED, "PreconditionFailed")


class _Body:
    """The stream of an answer."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        with_end = self._file.read(size)
        if size < 0:
            self._file.close()
        return with_end

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        with self._file as file:
            while chunk := file.read(size):
                yield chunk

    def close(self) -> None:
        self._file.close()


class _Pages:
    def __init__(self, client: FolderS3) -> None:
        self._client = client

    def paginate(self, **arguments: Any) -> list[dict[str, Any]]:
        return [self._client.list_objects_v2(**arguments)]


def link_lake(source: Path, target: Path) -> None:
    """The same objects in another folder, by hard links: no object is ever written in place."""
    shutil.copytree(source, target, copy_function=os.link)


def _metadata_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.metadata")


def _etag(path: Path) -> str:
    stat = path.stat()
    return f'"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_size:x}"'


def _refusal(status: int, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Folder")  # type: ignore[typeddict-item]
