"""Landing files and starting an execution of a workflow, as any client of the product does it."""

import itertools
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
    return start_with(stepfunctions, state_machine_arn, execution_id, given)


def start_with(stepfunctions: "SFNClient", state_machine_arn: str, execution_id: str, given: ExecutionInput) -> str:
    """Start an execution with an input; the answer is its ARN."""
    answer = stepfunctions.start_execution(
        stateMachineArn=state_machine_arn, name=execution_id, input=given.model_dump_json(by_alias=True, exclude_none=True)
    )
    return answer["executionArn"]


def start_once(stepfunctions: "SFNClient", state_machine_arn: str, execution_id: str, given: ExecutionInput) -> tuple[str, bool]:
    """Start an execution unless one of that id has succeeded or is running; its ARN, and whether it is to be followed.

    One that failed is started again under the next free id, ``{execution_id}-r{n}``.
    """
    names = (execution_id if number == 0 else f"{execution_id}-r{number}" for number in itertools.count())
    for name in names:
        arn = f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            return start_with(stepfunctions, state_machine_arn, name, given), True
        except stepfunctions.exceptions.ExecutionAlreadyExists:
            status = stepfunctions.describe_execution(executionArn=arn)["status"]
            if status in ("SUCCEEDED", "RUNNING"):
                return arn, status == "RUNNING"
    raise AssertionError("names do not end")
