"""What a kill of the emulator leaves of an object is the object before the write, as S3 would show it."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from mypy_boto3_s3.client import S3Client

from flowforge.local.emulator import Emulator
from flowforge.local.reaper import Reaper
from flowforge.local.torn_writes import mend_torn_writes

BUCKET = "data"
LATER_NS = 1_000_000_000


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    reaper = Reaper()
    emulator = Emulator(tmp_path, reaper)
    emulator.start()
    emulator.wait_ready()
    yield emulator
    emulator.stop()
    reaper.close()


@pytest.fixture
def s3(emulator: Emulator) -> S3Client:
    client = boto3.session.Session("test", "test", region_name="us-east-1").client("s3", endpoint_url=emulator.endpoint)
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


def stored(tmp_path: Path, key: str) -> Path:
    [path] = (tmp_path / "s3").glob(f"[0-9]*/{BUCKET}/{key}")
    return path


def body(s3: S3Client, key: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def keys(s3: S3Client) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_new_object_whose_write_was_cut_off_is_not_there_and_the_others_stay(
    emulator: Emulator, s3: S3Client, tmp_path: Path
) -> None:
    for key in ("a/whole", "a/torn", "a/deleted"):
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"rows", Metadata={"run-id": "r1"})
    version = s3.head_object(Bucket=BUCKET, Key="a/deleted")["VersionId"]
    s3.delete_object(Bucket=BUCKET, Key="a/deleted")
    emulator.stop()
    stored(tmp_path, "a/torn.meta.json").unlink()
    emulator.restart()
    assert keys(s3) == ["a/whole"]
    assert s3.head_object(Bucket=BUCKET, Key="a/whole")["Metadata"] == {"run-id": "r1"}
    assert s3.get_object(Bucket=BUCKET, Key="a/deleted", VersionId=version)["Body"].read() == b"rows"


def test_an_object_whose_replacement_was_cut_off_is_what_it_was(emulator: Emulator, s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="head", Body=b"first")
    sidecar = stored(tmp_path, "head.meta.json").read_bytes()
    before = s3.head_object(Bucket=BUCKET, Key="head")
    s3.put_object(Bucket=BUCKET, Key="head", Body=b"other")
    emulator.stop()
    path = stored(tmp_path, "head.meta.json")
    path.write_bytes(sidecar)
    # Measured from the object: how long the emulator takes to end is another matter.
    earlier = stored(tmp_path, "head").stat().st_mtime_ns - LATER_NS
    os.utime(path, ns=(earlier, earlier))
    emulator.restart()
    assert body(s3, "head") == b"first"
    after = s3.head_object(Bucket=BUCKET, Key="head")
    assert (after["ETag"], after["VersionId"]) == (before["ETag"], before["VersionId"])


def test_a_copy_of_the_folder_with_any_times_loses_nothing(emulator: Emulator, s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="one", Body=b"one part")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="many")["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key="many", UploadId=upload, PartNumber=1, Body=b"a part")
    s3.complete_multipart_upload(
        Bucket=BUCKET, Key="many", UploadId=upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    emulator.stop()
    for key in ("one", "many"):
        later = stored(tmp_path, f"{key}.meta.json").stat().st_mtime_ns + LATER_NS
        os.utime(stored(tmp_path, key), ns=(later, later))
    assert mend_torn_writes(tmp_path / "s3") == []
    emulator.restart()
    assert (body(s3, "one"), body(s3, "many")) == (b"one part", b"a part")


def test_a_file_without_a_sidecar_and_half_written_ones_are_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "000000000000" / BUCKET
    folder.mkdir(parents=True)
    (folder / "torn").write_bytes(b"x")
    (folder / "whole").write_bytes(b"y")
    etag = hashlib.md5(b"y", usedforsecurity=False).hexdigest()
    (folder / "whole.meta.json").write_text(f'{{"etag": "\\"{etag}\\"", "size": 1}}')
    (folder / "later.tmp").write_bytes(b"z")
    assert mend_torn_writes(tmp_path) == [folder / "torn"]
    assert sorted(path.name for path in folder.iterdir()) == ["later.tmp", "whole", "whole.meta.json"]
