"""The data bucket as the steps see it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.catalog import Catalog
from flowforge.lake.service_errors import CONFLICT, PRECONDITION_FAILED, is_missing, status_of, translate
from flowforge.model.errors import ConfigFault, DataFault

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

BUCKET_VARIABLE = "FLOWFORGE_DATA_BUCKET"
STAGE_VARIABLE = "FLOWFORGE_STAGE"
CHUNK_BYTES = 4 << 20
PARQUET_CONTENT_TYPE = "application/vnd.apache.parquet"
DELETE_BATCH = 1000
CONNECT_SECONDS = 5
"""A lost first packet must cost one try, not the minute that a small function has."""

StorageOptions = dict[str, str | int]
"""How polars reaches the bucket."""


@dataclass(frozen=True)
class ObjectVersion:
    """An object as one HEAD saw it."""

    key: str
    etag: str
    version_id: str | None
    size_bytes: int
    last_modified: datetime
    metadata: dict[str, str]

    def is_same(self, other: "ObjectVersion | None") -> bool:
        """Whether nothing replaced the object in between."""
        return other is not None and (self.etag, self.version_id, self.size_bytes) == (
            other.etag,
            other.version_id,
            other.size_bytes,
        )


def data_bucket() -> str:
    """The bucket named in FLOWFORGE_DATA_BUCKET. Raises ConfigFault where the variable is not set."""
    bucket = os.environ.get(BUCKET_VARIABLE)
    if not bucket:
        raise ConfigFault(f"the environment variable {BUCKET_VARIABLE} is not set", option=BUCKET_VARIABLE)
    return bucket


class Lake:
    """One data bucket, by boto3 for objects and by storage options for polars' own reader and writer.

    ``catalog`` holds its tables for those who query them; None where the lake belongs to no stage.
    """

    def __init__(self, bucket: str, client: "S3Client", storage_options: StorageOptions, catalog: Catalog | None = None) -> None:
        self.bucket = bucket
        self.client = client
        self.storage_options = storage_options
        self.catalog = catalog
        self.uploads: set[tuple[str, str]] = set()
        """Multipart uploads under way, by key and upload id: for who ends the process to give up."""

    @classmethod
    def from_environment(cls, bucket: str | None = None) -> "Lake":
        """The bucket, or the one named in FLOWFORGE_DATA_BUCKET, with the credentials and endpoint that boto3 finds.

        FLOWFORGE_STAGE names the stage whose catalog holds its tables. Raises ConfigFault where no bucket is given.
        """
        # The one that ``boto3.client`` uses too: each session reads the descriptions of services anew.
        session = boto3.DEFAULT_SESSION
        if session is None:
            session = boto3.DEFAULT_SESSION = boto3.session.Session()
        return cls.connect(bucket or data_bucket(), session, stage=os.environ.get(STAGE_VARIABLE))

    @classmethod
    def connect(
        cls, bucket: str, session: "boto3.session.Session", *, endpoint_url: str | None = None, stage: str | None = None
    ) -> "Lake":
        """A bucket seen through a session; ``endpoint_url`` names another S3, and Glue, than the session's own."""
        client: S3Client = session.client(
            "s3",
            endpoint_url=endpoint_url,
            config=Config(
                retries={"mode": "standard", "max_attempts": 5},
                connect_timeout=CONNECT_SECONDS,
                # Signed addresses: of this version alone does S3 encrypt by KMS, and only the bucket's own host in its region
                # answers at once; the global one redirects, which a browser does not follow with a form.
                signature_version="s3v4",
                s3={"addressing_style": "path" if _is_own_endpoint(endpoint_url) else "virtual"},
            ),
        )
        catalog = Catalog.connect(stage, session, endpoint_url=endpoint_url) if stage else None
        return cls(bucket, client, _storage_options(session, client), catalog)

    def uri(self, key: str) -> str:
        """The address that polars reads from and writes to."""
        return f"s3://{self.bucket}/{key}"

    def head(self, key: str) -> ObjectVersion | None:
        """The object as it is now, or None. Raises RetryLater or ConfigFault where S3 does not tell."""
        try:
            answer = self.client.head_object(Bucket=self.bucket, Key=key)
        except ClientError as error:
            if is_missing(error):
                return None
            raise translate(error, f"looking at {key}") from error
        except BotoCoreError as error:
            raise translate(error, f"looking at {key}") from error
        return ObjectVersion(
            key=key,
            etag=answer["ETag"],
            version_id=answer.get("VersionId"),
            size_bytes=answer["ContentLength"],
            last_modified=answer["LastModified"],
            metadata=answer.get("Metadata", {}),
        )

    def read(self, key: str) -> tuple[bytes, str] | None:
        """A small object's bytes and ETag, or None where there is none."""
        try:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
            return answer["Body"].read(), answer["ETag"]
        except ClientError as error:
            if is_missing(error):
                return None
            raise translate(error, f"reading {key}") from error
        except BotoCoreError as error:
            raise translate(error, f"reading {key}") from error

    def write(self, key: str, body: str, *, replaces: str | None = None) -> str | None:
        """Store a small JSON object where none is (or, with ``replaces``, where that ETag is); its ETag.

        None where the condition did not hold: somebody else was there first.
        """
        condition: dict[str, Any] = {"IfMatch": replaces} if replaces else {"IfNoneMatch": "*"}
        try:
            answer = self.client.put_object(
                Bucket=self.bucket, Key=key, Body=body.encode(), ContentType="application/json", **condition
            )
        except ClientError as error:
            if is_missing(error) or status_of(error) in (PRECONDITION_FAILED, CONFLICT):
                return None
            raise translate(error, f"writing {key}") from error
        except BotoCoreError as error:
            raise translate(error, f"writing {key}") from error
        return answer["ETag"]

    def overwrite(self, key: str, body: str) -> None:
        """Store a small JSON object, whatever was there."""
        try:
            self.client.put_object(Bucket=self.bucket, Key=key, Body=body.encode(), ContentType="application/json")
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"writing {key}") from error

    def chunks(self, version: ObjectVersion) -> Iterator[bytes]:
        """The bytes of exactly this version. Raises DataFault where it is no longer there."""
        try:
            body = self.client.get_object(Bucket=self.bucket, Key=version.key, IfMatch=version.etag)["Body"]
            yield from body.iter_chunks(CHUNK_BYTES)
        except ClientError as error:
            if is_missing(error) or status_of(error) == PRECONDITION_FAILED:
                raise DataFault(f"{version.key} was replaced or removed while it was read", file=version.key) from error
            raise translate(error, f"reading {version.key}") from error
        except BotoCoreError as error:
            raise translate(error, f"reading {version.key}") from error

    def read_start(self, version: ObjectVersion, count: int) -> bytes:
        """The first bytes of exactly this version, ``count`` at the most. Raises DataFault where it is no longer there."""
        return self.read_range(version, 0, count)

    def read_range(self, version: ObjectVersion, start: int, count: int) -> bytes:
        """Bytes of exactly this version, fewer than ``count`` at its end. Raises DataFault where it is no longer there."""
        if start >= version.size_bytes or count <= 0:
            return b""
        try:
            answer = self.client.get_object(
                Bucket=self.bucket, Key=version.key, IfMatch=version.etag, Range=f"bytes={start}-{start + count - 1}"
            )
            return answer["Body"].read()
        except ClientError as error:
            if is_missing(error) or status_of(error) == PRECONDITION_FAILED:
                raise DataFault(f"{version.key} was replaced or removed while it was read", file=version.key) from error
            raise translate(error, f"reading {version.key}") from error
        except BotoCoreError as error:
            raise translate(error, f"reading {version.key}") from error

    def list_objects(self, prefix: str) -> list[ObjectVersion]:
        """The objects below a prefix, by key. ``version_id`` and ``metadata`` are not part of a listing."""
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return [
                ObjectVersion(item["Key"], item["ETag"], None, item["Size"], item["LastModified"], {})
                for page in pages
                for item in page.get("Contents", [])
            ]
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"listing {prefix}") from error

    def first_key(self, prefix: str) -> str | None:
        """The first key below a prefix, or None where nothing lies there."""
        return next(iter(self.first_keys(prefix, 1)), None)

    def first_keys(self, prefix: str, count: int) -> list[str]:
        """The first keys below a prefix, at most ``count``, which is at most 1,000."""
        try:
            found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=count).get("Contents", [])
        except (ClientError, BotoCoreError) as error:
            raise translate(error, f"listing {prefix}") from error
        return [item["Key"] for item in found]

    def delete(self, keys: list[str]) -> None:
        """Remove objects; one that is not there is no error."""
        for start in range(0, len(keys), DELETE_BATCH):
            batch = keys[start : start + DELETE_BATCH]
            try:
                answer = self.client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            except (ClientError, BotoCoreError) as error:
                raise translate(error, f"removing {batch[0]}") from error
            for problem in answer.get("Errors", []):
                raise ConfigFault(f"removing {problem.get('Key')}: S3 answered {problem.get('Code')}")


def _is_own_endpoint(endpoint_url: str | None) -> bool:
    """Whether S3 is reached by an address of one's own, which has no host name per bucket."""
    return bool(endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL"))


def _storage_options(session: "boto3.session.Session", client: "S3Client") -> StorageOptions:
    """What polars needs to reach the same S3 as the client; credentials on AWS are found, and renewed, by polars itself."""
    region = client.meta.region_name
    endpoint = client.meta.endpoint_url
    if endpoint.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return {"aws_region": region}
    options: StorageOptions = {
        "aws_region": region,
        "aws_endpoint_url": endpoint,
        "aws_allow_http": str(endpoint.startswith("http://")).lower(),
        # The emulator computes S3's default checksum in pure Python: twelve seconds for 100 MB.
        "aws_checksum_algorithm": "sha256",
    }
    credentials = session.get_credentials()
    if credentials:
        frozen = credentials.get_frozen_credentials()
        options["aws_access_key_id"] = frozen.access_key or ""
        options["aws_secret_access_key"] = frozen.secret_key or ""
        if frozen.token:
            options["aws_session_token"] = frozen.token
    return options
