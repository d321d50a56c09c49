"""Uploads that go from a person straight to S3: addresses that are good for one object, and the end of those in parts.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html: a part has 5 MiB to 5 GiB, an upload 10,000 of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import Lake
from flowforge.lake.service_errors import CONFLICT, PRECONDITION_FAILED, code_of, is_missing, status_of, translate
from flowforge.model.errors import CommitConflict, ConfigFault, DataFault, RetryLater

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

UPLOAD_METADATA = "flowforge-upload"
"""Says on an object which upload it came by."""
MAX_PARTS = 10_000
LEAST_PART_BYTES = 16 << 20
MEBIBYTE = 1 << 20
SHOWN_PARTS = 20
CREATED = "201"
S3_VARIABLE = "${filename}"
"""S3 puts the name of the posted file in its place, so that a key with it would be another one than was signed."""


@dataclass(frozen=True)
class UploadForm:
    """A form whose fields, with the file as the last one, named ``file``, are posted to ``url``."""

    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class NewObject:
    """What an upload brings, exactly: ``upload_id`` stays with the object."""

    key: str
    size_bytes: int
    content_type: str
    upload_id: str


def upload_form(lake: Lake, new: NewObject, *, seconds: int) -> UploadForm:
    """A form that S3 takes for this object alone: its key, its length, its type, for so long."""
    require_fixed_key(new.key)
    fields = {
        "Content-Type": new.content_type,
        f"x-amz-meta-{UPLOAD_METADATA}": new.upload_id,
        "success_action_status": CREATED,
    }
    conditions: list[Any] = [{name: value} for name, value in fields.items()]
    conditions.append(["content-length-range", new.size_bytes, new.size_bytes])
    try:
        form = lake.client.generate_presigned_post(
            lake.bucket, new.key, Fields=dict(fields), Conditions=conditions, ExpiresIn=seconds
        )
    except BotoCoreError as error:
        raise translate(error, f"signing an upload of {new.key}") from error
    return UploadForm(form["url"], form["fields"])


def require_fixed_key(key: str) -> None:
    """Raise ConfigFault for a key that S3 would take for a pattern."""
    if S3_VARIABLE in key:
        raise ConfigFault(f"a file name cannot hold {S3_VARIABLE}: S3 would replace it", option="fileName")


def part_bytes(size_bytes: int) -> int:
    """The length of each part but the last of an upload: whole mebibytes, so that there are no more parts than S3 takes."""
    least = -(-size_bytes // MAX_PARTS)
    return max(LEAST_PART_BYTES, -(-least // MEBIBYTE) * MEBIBYTE)


def part_count(size_bytes: int) -> int:
    """The number of its parts."""
    return max(1, -(-size_bytes // part_bytes(size_bytes)))


def begin_parts(lake: Lake, new: NewObject) -> str:
    """Begin an upload in parts: S3's id of it."""
    try:
        return lake.client.create_multipart_upload(
            Bucket=lake.bucket, Key=new.key, ContentType=new.content_type, Metadata={UPLOAD_METADATA: new.upload_id}
        )["UploadId"]
    except (ClientError, BotoCoreError) as error:
        raise translate(error, f"beginning an upload of {new.key}") from error


def part_url(lake: Lake, key: str, parts_id: str, number: int, *, seconds: int) -> str:
    """The address to which one part is put, for so long; ``number`` counts from 1."""
    place = {"Bucket": lake.bucket, "Key": key, "UploadId": parts_id, "PartNumber": number}
    try:
        return lake.client.generate_presigned_url("upload_part", Params=place, ExpiresIn=seconds)
    except BotoCoreError as error:
        raise translate(error, f"signing a part of {key}") from error


def complete_parts(lake: Lake, new: NewObject, parts_id: str, *, replaces: bool) -> bool:
    """Make the object of the parts that S3 has; False where S3 knows no such upload, since it was completed or given up.

    Raises DataFault where parts are missing or of another length, and CommitConflict where another object landed under the key
    and ``replaces`` is False.
    """
    try:
        pages = lake.client.get_paginator("list_parts").paginate(Bucket=lake.bucket, Key=new.key, UploadId=parts_id)
        present = {part["PartNumber"]: part for page in pages for part in page.get("Parts", [])}
    except (ClientError, BotoCoreError) as error:
        if isinstance(error, ClientError) and is_missing(error):
            return False
        raise translate(error, f"looking at the parts of {new.key}") from error
    _require_parts({number: part["Size"] for number, part in present.items()}, new)
    condition: dict[str, Any] = {} if replaces else {"IfNoneMatch": "*"}
    parts: list[CompletedPartTypeDef] = [{"PartNumber": number, "ETag": present[number]["ETag"]} for number in sorted(present)]
    try:
        lake.client.complete_multipart_upload(
            Bucket=lake.bucket, Key=new.key, UploadId=parts_id, MultipartUpload={"Parts": parts}, **condition
        )
    except ClientError as error:
        if status_of(error) == PRECONDITION_FAILED:
            raise CommitConflict(f"another file landed under {new.key} meanwhile: send it again with replace: true") from error
        if status_of(error) == CONFLICT:
            raise RetryLater(f"completing {new.key}: another upload of it ends right now ({code_of(error)})") from error
        if is_missing(error):
            return False
        raise translate(error, f"completing {new.key}") from error
    except BotoCoreError as error:
        raise translate(error, f"completing {new.key}") from error
    return True


def abort_parts(lake: Lake, key: str, parts_id: str) -> None:
    """Give up an upload in parts; one that is not there is no error."""
    try:
        lake.client.abort_multipart_upload(Bucket=lake.bucket, Key=key, UploadId=parts_id)
    except (ClientError, BotoCoreError) as error:
        if not (isinstance(error, ClientError) and is_missing(error)):
            raise translate(error, f"giving up an upload of {key}") from error


def _require_parts(sizes: Mapping[int, int], new: NewObject) -> None:
    """Raise DataFault unless the parts are those of the file."""
    length, count = part_bytes(new.size_bytes), part_count(new.size_bytes)
    expected = dict.fromkeys(range(1, count), length) | {count: new.size_bytes - length * (count - 1)}
    wrong = sorted(number for number in expected.keys() | sizes.keys() if sizes.get(number) != expected.get(number))
    if wrong:
        shown = ", ".join(map(str, wrong[:SHOWN_PARTS])) + (" …" if len(wrong) > SHOWN_PARTS else "")
        raise DataFault(
            f"{len(wrong)} of {count} parts of {new.key.rpartition('/')[2]} have not arrived whole ({shown}): put them again, "
            "then complete",
            file=new.key,
        )
