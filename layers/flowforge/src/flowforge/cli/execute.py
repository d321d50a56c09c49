"""Landing files and starting an execution of a workflow, as any client of the product does it."""

import secrets
import string
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from flowforge.lake.keys import workflow_key
from flowforge.lake.lake import Lake
from flowforge.model.plan import ExecutionInput
from flowforge.model.workflow import Workflow

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

RANDOM_CHARACTERS = string.ascii_lowercase + string.digits


def new_execution_id() -> str:
    """Make an id that sorts by time and that two starts in the same millisecond do not share."""
    return f"exec_{time.time_ns() // 1_000_000}_{''.join(secrets.choice(RANDOM_CHARACTERS) for _ in range(6))}"


def land(lake: Lake, workflow: Workflow, files: Mapping[str, Mapping[str, Path]]) -> None:
    """Store the workflow's definition, without its triggers, and each file under its landing key.

    The command starts the execution itself; with a trigger on arrival, each file that it lands would start another one.
    """
    lake.overwrite(workflow_key(workflow.id), workflow.model_copy(update={"triggers": ()}).to_json())
    for keys in files.values():
        for key, path in keys.items():
            lake.client.upload_file(str(path), lake.bucket, key)


def start(
    stepfunctions: "SFNClient",
    state_machine_arn: str,
    execution_id: str,
    workflow: Workflow,
    files: Mapping[str, Mapping[str, Path]],
) -> str:
    """Start the execution on exactly these files, in this order; the answer is its ARN."""
    given = ExecutionInput(workflow_id=workflow.id, files={job_id: tuple(keys) for job_id, keys in files.items()})
    answer = stepfunctions.start_execution(
        stateMachineArn=state_machine_arn, name=execution_id, input=given.model_dump_json(by_alias=True, exclude_none=True)
    )
    return answer["executionArn"]
