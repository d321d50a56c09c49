"""Starting an execution for a wish, at most once."""

import hashlib
import os
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import CONNECT_SECONDS, Lake
from flowforge.lake.service_errors import FIRST_SERVER_ERROR, TOO_MANY_REQUESTS, status_of
from flowforge.model.errors import ConfigFault, FlowForgeError, RetryLater
from flowforge.model.plan import ExecutionInput
from flowforge.model.start import StartRequest
from flowforge.orchestration.definitions import stored_workflow

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

STATE_MACHINE_VARIABLE = "FLOWFORGE_STATE_MACHINE_ARN"
READ_SECONDS = 5
ID_HEX_DIGITS = 32
"""128 bits: nobody finds two wishes with the same id."""
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html and its common errors
BUSY = frozenset({"ExecutionLimitExceeded", "ThrottlingException", "Throttling", "ServiceUnavailable", "RequestLimitExceeded"})


class Machine:
    """The state machine that runs workflows."""

    def __init__(self, arn: str, client: "SFNClient") -> None:
        self.arn = arn
        self.client = client

    @classmethod
    def from_environment(cls) -> "Machine":
        """The machine named in FLOWFORGE_STATE_MACHINE_ARN. Raises ConfigFault where the variable is not set."""
        arn = os.environ.get(STATE_MACHINE_VARIABLE)
        if not arn:
            raise ConfigFault(f"the environment variable {STATE_MACHINE_VARIABLE} is not set", option=STATE_MACHINE_VARIABLE)
        # Tries of boto3 and of the queue multiply: a few here, the rest by the queue, which has the time for it.
        config = Config(
            retries={"mode": "standard", "max_attempts": 3}, connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS
        )
        return cls(arn, boto3.client("stepfunctions", config=config))

    def start(self, name: str, given: ExecutionInput) -> bool:
        """Start an execution; False where one of that name was started before. Raises RetryLater or ConfigFault."""
        try:
            self.client.start_execution(
                stateMachineArn=self.arn, name=name, input=given.model_dump_json(by_alias=True, exclude_none=True)
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ExecutionAlreadyExists":
                return False
            raise _translate(error, name) from error
        except BotoCoreError as error:
            raise RetryLater(f"starting {name}: {error}") from error
        return True


def execution_id(wish: StartRequest) -> str:
    """The id, and name, of the execution that a wish starts: the same for the same wish."""
    digest = hashlib.sha256(f"{wish.workflow_id}\n{wish.idempotency_key}".encode()).hexdigest()
    return f"exec_{digest[:ID_HEX_DIGITS]}"


def start_execution(wish: StartRequest, lake: Lake, machine: Machine) -> str:
    """Start what was wished, unless it was started before; the answer is the execution's id.

    Raises ConfigFault for a workflow that is not there or is wrong, RetryLater where a service was busy.
    """
    # The plan would find the same fault, but in an execution; a wish that can never run is told where wishes are kept.
    workflow = stored_workflow(lake, wish.workflow_id)
    for job_id in wish.files:
        workflow.job(job_id)
    name = execution_id(wish)
    machine.start(name, ExecutionInput(workflow_id=workflow.id, files=wish.files, trigger=wish.trigger))
    return name


def _translate(error: ClientError, name: str) -> FlowForgeError:
    code, status = str(error.response.get("Error", {}).get("Code", "")), status_of(error)
    if code in BUSY or status >= FIRST_SERVER_ERROR or status == TOO_MANY_REQUESTS:
        return RetryLater(f"starting {name}: Step Functions answered {code or status}")
    return ConfigFault(f"starting {name}: Step Functions refused it: {error}")
