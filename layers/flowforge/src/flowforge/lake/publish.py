"""From an attempt's object to the final key, at once or not at all, by one path for every size.

CreateMultipartUpload with the run and the attempt as metadata, UploadPartCopy of exactly the version that was verified,
CompleteMultipartUpload under a condition. A conditional CopyObject would be shorter, but it ends at 5 GiB and S3's
emulators ignore its conditions.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import PARQUET_CONTENT_TYPE, Lake, ObjectVersion
from flowforge.lake.service_errors import (
    CONFLICT,
    FIRST_CLIENT_ERROR,
    FIRST_SERVER_ERROR,
    NOT_FOUND,
    PRECONDITION_FAILED,
    status_of,
    translate,
)
from flowforge.model.errors import CommitConflict, CommitUnknown, FlowForgeError

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 1 << 30
"""UploadPartCopy takes up to 5 GiB; parts of 1 GiB are copied side by side."""
PARALLEL_PARTS = 4
RUN_ID = "run-id"
ATTEMPT_ID = "attempt-id"
TABLE_VERSION = "table-version"


@dataclass(frozen=True)
class Published:
    """The object under the final key, and the attempt that put it there (ours, or an earlier one of the same run)."""

    version: ObjectVersion
    attempt_id: str


def publish(
    lake: Lake,
    source: ObjectVersion,
    key: str,
    *,
    run_id: str,
    attempt_id: str,
    replaces: str | None = None,
    table_version: int | None = None,
) -> Published:
    """Copy a verified object to its final key. ``table_version`` is kept beside the run and the attempt.

    ``replaces`` None: the key must be free; an ETag: that version must still be there. Where the condition does not hold
    but the object carries our run id, an earlier try had published: that is a success. Raises CommitConflict where
    another run was first, CommitUnknown where nobody can tell, RetryLater where S3 did not take the request.
    """
    metadata = {RUN_ID: run_id, ATTEMPT_ID: attempt_id}
    if table_version is not None:
        metadata[TABLE_VERSION] = str(table_version)
    try:
        upload_id = lake.client.create_multipart_upload(
            Bucket=lake.bucket,
            Key=key,
            ContentType=PARQUET_CONTENT_TYPE,
            Metadata=metadata,
        )["UploadId"]
    except (ClientError, BotoCoreError) as error:
        raise translate(error, f"publishing {key}") from error
    lake.uploads.add((key, upload_id))
    completing = False
    try:
        parts = _copy_parts(lake, source, key, upload_id)
        condition: dict[str, Any] = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
        completing = True
        lake.client.complete_multipart_upload(
            Bucket=lake.bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, **condition
        )
    except (ClientError, BotoCoreError) as error:
        _abort(lake, key, upload_id)
        status = status_of(error) if isinstance(error, ClientError) else None
        refused = status in (NOT_FOUND, CONFLICT, PRECONDITION_FAILED)
        # A lost answer, an error of the server, or an error within an answer of 200: it may have been published.
        uncertain = completing and (status is None or status >= FIRST_SERVER_ERROR or status < FIRST_CLIENT_ERROR)
        if not (refused or uncertain):
            raise translate(error, f"publishing {key}") from error
        return _look(lake, key, run_id, error)
    except BaseException:
        _abort(lake, key, upload_id)
        raise
    finally:
        lake.uploads.discard((key, upload_id))
    return _look(lake, key, run_id, None)


def _copy_parts(lake: Lake, source: ObjectVersion, key: str, upload_id: str) -> "list[CompletedPartTypeDef]":
    count = max(1, -(-source.size_bytes // PART_BYTES))

    def copy(number: int) -> "CompletedPartTypeDef":
        first, last = number * PART_BYTES, min((number + 1) * PART_BYTES, source.size_bytes) - 1
        span: dict[str, Any] = {} if count == 1 else {"CopySourceRange": f"bytes={first}-{last}"}
        answer = lake.client.upload_part_copy(
            Bucket=lake.bucket,
            Key=key,
            UploadId=upload_id,
            PartNumber=number + 1,
            CopySource={"Bucket": lake.bucket, "Key": source.key},
            CopySourceIfMatch=source.etag,
            **span,
        )
        return {"PartNumber": number + 1, "ETag": answer["CopyPartResult"]["ETag"]}

    with ThreadPoolExecutor(PARALLEL_PARTS) as pool:
        return list(pool.map(copy, range(count)))


def _abort(lake: Lake, key: str, upload_id: str) -> None:
    """Give up an upload. One that is gone already needs no more; any other is removed by the bucket's lifecycle rule."""
    try:
        lake.client.abort_multipart_upload(Bucket=lake.bucket, Key=key, UploadId=upload_id)
    except (ClientError, BotoCoreError):
        return


def abort_uploads(lake: Lake) -> None:
    """Give up what this process has not completed, before it ends. A publish under way then fails, or was whole already."""
    for key, upload_id in list(lake.uploads):
        _abort(lake, key, upload_id)


def _look(lake: Lake, key: str, run_id: str, error: Exception | None) -> Published:
    """What lies under the key after a publish, whatever its answer was."""
    try:
        now = lake.head(key)
    except FlowForgeError as unreadable:
        raise CommitUnknown(f"whether {key} was published cannot be read back: {unreadable}") from (error or unreadable)
    if now is not None and now.metadata.get(RUN_ID) == run_id:
        return Published(now, now.metadata.get(ATTEMPT_ID, ""))
    if now is None:
        raise CommitConflict(f"{key} could not be published, and nothing lies there now: {error}") from error
    raise CommitConflict(f"{key} was published by run {now.metadata.get(RUN_ID)} in between") from error
