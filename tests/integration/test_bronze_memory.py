"""Bronze streams: the memory it holds does not follow the size of the file."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from csv_files import write_big_file
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.emulator import Emulator
from flowforge.local.reaper import Reaper
from flowforge.model.step import Step
from lab import JOB_ID, REGION, Lab

GIGABYTE = 1_000_000_000
RESIDENT_BYTES = 600_000_000

CHILD = """
import json, re, sys
from flowforge.lake.lake import Lake
from flowforge.model.step import StepRequest
from flowforge.steps.run_step import run_step
result = run_step(StepRequest.model_validate_json(sys.argv[1]), Lake.from_environment())
# What getrusage tells would be the peak of the process that started this one, where that was higher.
peak_kibibytes = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
print(json.dumps({"written": result.counts.written, "peak_bytes": peak_kibibytes * 1024}))
"""


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What a process needs to reach an S3 over HTTP that holds its objects in memory, and an empty bucket there."""
    reaper = Reaper()
    emulator = Emulator(tmp_path / "state", reaper, keep=False)
    try:
        emulator.start()
        emulator.wait_ready()
        yield {
            "AWS_ENDPOINT_URL": emulator.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "FLOWFORGE_DATA_BUCKET": "big-data",
        }
    finally:
        emulator.stop()
        reaper.close()


@pytest.mark.parametrize(
    "file_bytes",
    [
        pytest.param(GIGABYTE // 5, id="a fifth of a gigabyte"),
        pytest.param(GIGABYTE, id="a gigabyte", marks=pytest.mark.large),
    ],
)
def test_bronze_of_a_big_file_stays_under_600_megabytes_resident(
    environment: dict[str, str], tmp_path: Path, file_bytes: int
) -> None:
    path = tmp_path / "big.csv"
    rows = write_big_file(path, file_bytes)
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)
    lake = Lake.connect(environment["FLOWFORGE_DATA_BUCKET"], session, endpoint_url=environment["AWS_ENDPOINT_URL"])
    lake.client.create_bucket(Bucket=lake.bucket)
    key = keys.landing_key("wf_shop", JOB_ID, path.name)
    lake.client.upload_file(str(path), lake.bucket, key)
    path.unlink()
    request = Lab(lake).plan(key).request(Step.BRONZE_INGEST)
    answer = subprocess.run(
        [sys.executable, "-c", CHILD, request.model_dump_json(by_alias=True)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    measured = json.loads(answer.stdout)
    assert measured["written"] == rows
    assert measured["peak_bytes"] < RESIDENT_BYTES
