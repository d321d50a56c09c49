"""The state machine that runs workflows: starting, looking at and stopping its executions."""

import os
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.lake import CONNECT_SECONDS
from flowforge.lake.service_errors import FIRST_SERVER_ERROR, TOO_MANY_REQUESTS, status_of
from flowforge.model.errors import ConfigFault, FlowForgeError, RetryLater
from flowforge.model.plan import ExecutionInput

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

STATE_MACHINE_VARIABLE = "FLOWFORGE_STATE_MACHINE_ARN"
READ_SECONDS = 5
QUALIFIED_PARTS = 8
"""Parts of the ARN of a version or an alias; that of the machine alone has one less."""
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html and its common errors
BUSY = frozenset({"ExecutionLimitExceeded", "ThrottlingException", "Throttling", "ServiceUnavailable", "RequestLimitExceeded"})


@dataclass(frozen=True)
class MachineExecution:
    """An execution as Step Functions describes it; ``status`` in its words."""

    status: str
    started_at: datetime
    ended_at: datetime | None
    error: str | None
    cause: str | None


class Machine:
    """The state machine, or an alias of it."""

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

    def execution_arn(self, name: str) -> str:
        """The ARN of an execution, whichever version ran it."""
        parts = self.arn.split(":")
        unqualified = parts[:-1] if len(parts) == QUALIFIED_PARTS else parts
        return ":".join([*unqualified[:5], "execution", unqualified[6], name])

    def start(self, name: str, given: ExecutionInput) -> bool:
        """Start an execution; False where one of that name was started before. Raises RetryLater or ConfigFault."""
        try:
            self.client.start_execution(
                stateMachineArn=self.arn, name=name, input=given.model_dump_json(by_alias=True, exclude_none=True)
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ExecutionAlreadyExists":
                return False
            raise _translate(error, f"starting {name}") from error
        except BotoCoreError as error:
            raise RetryLater(f"starting {name}: {error}") from error
        return True

    def describe(self, name: str) -> MachineExecution | None:
        """What Step Functions says of an execution; None where it has none. Raises RetryLater or ConfigFault."""
        try:
            told = self.client.describe_execution(executionArn=self.execution_arn(name))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ExecutionDoesNotExist":
                return None
            raise _translate(error, f"looking at {name}") from error
        except BotoCoreError as error:
            raise RetryLater(f"looking at {name}: {error}") from error
        return MachineExecution(
            told["status"], told["startDate"], told.get("stopDate"), told.get("error") or None, told.get("cause") or None
        )

    def stop(self, name: str, *, cause: str) -> bool:
        """Stop an execution; False where there is none. One that has ended stays as it is. Raises RetryLater or ConfigFault."""
        try:
            self.client.stop_execution(executionArn=self.execution_arn(name), error="Cancelled", cause=cause)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ExecutionDoesNotExist":
                return False
            raise _translate(error, f"stopping {name}") from error
        except BotoCoreError as error:
            raise RetryLater(f"stopping {name}: {error}") from error
        return True


def _translate(error: ClientError, doing: str) -> FlowForgeError:
    code, status = str(error.response.get("Error", {}).get("Code", "")), status_of(error)
    if code in BUSY or status >= FIRST_SERVER_ERROR or status == TOO_MANY_REQUESTS:
        return RetryLater(f"{doing}: Step Functions answered {code or status}")
    return ConfigFault(f"{doing}: Step Functions refused it: {error}")
