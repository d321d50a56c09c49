"""The steps over S3 by HTTP, against the local stack's emulator, beside the same steps on a folder."""

import atexit
from pathlib import Path

import boto3

from bench.child import Work
from bench.lineitem import csv_path, read_once
from bench.product import JOB_ID, WORKFLOW_ID, Job, Run, new_lake, plan
from bench.workplace import Workplace
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.emulator import Emulator
from flowforge.local.reaper import Reaper
from flowforge.model.step import Step

SIZE = "quarter"


def prepare(workplace: Workplace) -> None:
    """The file."""
    csv_path(workplace, SIZE)


def bronze_on_s3(workplace: Workplace) -> Work:
    """Bronze from the emulator to the emulator."""
    return _work(_on_s3(workplace), Step.BRONZE_INGEST)


def silver_on_s3(workplace: Workplace) -> Work:
    """Silver from the emulator to the emulator."""
    return _work(_on_s3(workplace), Step.SILVER_TRANSFORM)


def bronze_in_folder(workplace: Workplace) -> Work:
    """Bronze from a folder to a folder."""
    return _work(_in_folder(workplace), Step.BRONZE_INGEST)


def silver_in_folder(workplace: Workplace) -> Work:
    """Silver from a folder to a folder."""
    return _work(_in_folder(workplace), Step.SILVER_TRANSFORM)


def _work(run: Run, step: Step) -> Work:
    if step is not Step.BRONZE_INGEST:
        run.step(Step.BRONZE_INGEST)
    return lambda: {"rows": run.step(step).counts.model_dump()["read"]}


def _in_folder(workplace: Workplace) -> Run:
    csv = csv_path(workplace, SIZE)
    read_once(csv)
    return new_lake(workplace, csv, Job())


def _on_s3(workplace: Workplace) -> Run:
    csv = csv_path(workplace, SIZE)
    lake = _emulated(workplace.scratch / "emulator")
    key = keys.landing_key(WORKFLOW_ID, JOB_ID, csv.name)
    lake.client.upload_file(str(csv), lake.bucket, key)
    return plan(lake, Job(), [csv.name])


def _emulated(state: Path) -> Lake:
    """A bucket of an emulator of this process's own, which keeps its objects in its memory."""
    reaper = Reaper()
    emulator = Emulator(state, reaper, keep=False)
    atexit.register(reaper.close)
    atexit.register(emulator.stop)
    emulator.start()
    emulator.wait_ready()
    session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    lake = Lake.connect("bench", session, endpoint_url=emulator.endpoint)
    lake.client.create_bucket(Bucket=lake.bucket)
    return lake
