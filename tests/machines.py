"""A state machine of tests: it keeps what Step Functions keeps of executions, and runs nothing by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from flowforge.orchestration.machine import Machine

ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:Workflow:live"
BEGIN = datetime(2026, 11, 25, 6, tzinfo=UTC)


@dataclass
class Ran:
    """An execution of the machine, by its name."""

    name: str
    input: str
    status: str = "RUNNING"
    started: datetime = BEGIN
    stopped: datetime | None = None
    error: str | None = None
    cause: str | None = None


@dataclass
class Executions:
    """The part of Step Functions' API that the control plane calls (https://docs.aws.amazon.com/step-functions/latest/apireference).

    ``before`` is called with the name of an operation before it is done, and may raise instead.
    """

    ran: dict[str, Ran] = field(default_factory=dict)
    before: Callable[[str], None] = lambda _operation: None

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: A002, N803
        """The same name and input while it runs is the same execution; otherwise the name is taken."""
        assert stateMachineArn == ARN
        self.before("StartExecution")
        there = self.ran.get(name)
        if there is not None and (there.status, there.input) != ("RUNNING", input):
            raise refused("ExecutionAlreadyExists", "StartExecution")
        self.ran.setdefault(name, Ran(name, input))
        return {"executionArn": name, "startDate": BEGIN}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        """What it says of an execution."""
        self.before("DescribeExecution")
        one = self._of(executionArn, "DescribeExecution")
        told = {"status": one.status, "startDate": one.started, "stopDate": one.stopped, "error": one.error, "cause": one.cause}
        return {name: value for name, value in told.items() if value is not None}

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> dict[str, Any]:  # noqa: N803
        """An execution that has ended stays as it is."""
        self.before("StopExecution")
        one = self._of(executionArn, "StopExecution")
        if one.status == "RUNNING":
            self.end(one.name, "ABORTED", error=error, cause=cause)
        return {"stopDate": one.stopped}

    def end(self, name: str, status: str, *, error: str | None = None, cause: str | None = None) -> None:
        """End an execution a minute after it began."""
        one = self.ran[name]
        one.status, one.stopped, one.error, one.cause = status, one.started + timedelta(minutes=1), error, cause

    def machine(self) -> Machine:
        """The machine as the control plane sees it."""
        client: Any = self
        return Machine(ARN, client)

    def _of(self, arn: str, operation: str) -> Ran:
        prefix = "arn:aws:states:us-east-1:000000000000:execution:Workflow:"
        assert arn.startswith(prefix)
        if arn.removeprefix(prefix) not in self.ran:
            raise refused("ExecutionDoesNotExist", operation)
        return self.ran[arn.removeprefix(prefix)]


def refused(code: str, operation: str, status: int = 400) -> ClientError:
    """An answer of an AWS service that is an error."""
    return ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)  # type: ignore[typeddict-item]
