"""The event by which Step Functions tells that an execution began or ended, as EventBridge delivers it.

https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
"""

import json
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from flowforge.model.run_status import ExecutionStatus

DETAIL_TYPE = "Step Functions Execution Status Change"
STATUS: dict[str, ExecutionStatus] = {
    "RUNNING": ExecutionStatus.RUNNING,
    "SUCCEEDED": ExecutionStatus.SUCCEEDED,
    "FAILED": ExecutionStatus.FAILED,
    "TIMED_OUT": ExecutionStatus.FAILED,
    "ABORTED": ExecutionStatus.CANCELLED,
}
"""What the service calls a status, and what we do."""
TIMED_OUT = "TIMED_OUT"


class _EventPart(BaseModel):
    """A part of a document that AWS makes: fields that we do not know are its right."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class StatusChangeDetail(_EventPart):
    """The execution. Dates are milliseconds since 1970; ``input`` is left out where it is large."""

    name: str
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    start_date: Annotated[int, Field(alias="startDate")]
    stop_date: Annotated[int | None, Field(alias="stopDate")] = None
    input: str | None = None
    error: str | None = None
    cause: str | None = None

    @property
    def started_at(self) -> datetime:
        """When it began."""
        return datetime.fromtimestamp(self.start_date / 1000, UTC)

    @property
    def ended_at(self) -> datetime | None:
        """When it ended; None while it runs."""
        return None if self.stop_date is None else datetime.fromtimestamp(self.stop_date / 1000, UTC)

    @property
    def workflow_id(self) -> str | None:
        """The workflow of the input; None where the input is not told, or none of ours."""
        try:
            given = json.loads(self.input or "")
        except ValueError:
            return None
        found = given.get("workflowId") if isinstance(given, dict) else None
        return found if isinstance(found, str) else None


class StatusChange(_EventPart):
    """The event."""

    source: Literal["aws.states"]
    detail_type: Annotated[Literal["Step Functions Execution Status Change"], Field(alias="detail-type")]
    detail: StatusChangeDetail
