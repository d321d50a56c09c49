"""Bronze streams: the memory it holds does not follow the size of the file."""

import json
import os
import subprocess
import sys
from pathlib import Path

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.local.stack import LocalStack
from flowforge.model.step import Step
from lab import JOB_ID, Lab

FILE_BYTES = 1 << 30
RESIDENT_BYTES = 600_000_000
BLOCK_ROWS = 200_000

CHILD = """
import json, resource, sys
from flowforge.lake.lake import Lake
from flowforge.model.step import StepRequest
from flowforge.steps.run_step import run_step
result = run_step(StepRequest.model_validate_json(sys.argv[1]), Lake.from_environment())
peak_kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"written": result.counts.written, "peak_bytes": peak_kibibytes * 1024}))
"""


def write_file(path: Path) -> int:
    """Write a file of a gigabyte with quoted commas in it; the number of its rows."""
    block = "".join(
        f'{row},customer {row % 1000},2026-01-{row % 28 + 1:02},{row % 977}.{row % 100:02},"Köln, Altstadt",more text {row}\n'
        for row in range(BLOCK_ROWS)
    ).encode()
    blocks = -(-FILE_BYTES // len(block))
    with path.open("wb") as file:
        file.write(b"id,customer,day,amount,city,text\n")
        for _ in range(blocks):
            file.write(block)
    return blocks * BLOCK_ROWS


def test_bronze_of_a_gigabyte_stays_under_600_megabytes_resident(stack: LocalStack, stack_lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    rows = write_file(path)
    lab = Lab(stack_lake)
    key = keys.landing_key("wf_shop", JOB_ID, path.name)
    stack_lake.client.upload_file(str(path), stack_lake.bucket, key)
    path.unlink()
    request = lab.plan(key).request(Step.BRONZE_INGEST)
    answer = subprocess.run(
        [sys.executable, "-c", CHILD, request.model_dump_json(by_alias=True)],
        env={**os.environ, **stack.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    measured = json.loads(answer.stdout)
    stack_lake.client.delete_object(Bucket=stack_lake.bucket, Key=key)
    assert measured["written"] == rows
    assert measured["peak_bytes"] < RESIDENT_BYTES
