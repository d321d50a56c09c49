"""The event of a completed execution: what other systems, and other workflows, act on."""

from typing import Literal

from pydantic import AwareDatetime, JsonValue

from flowforge.model.base import Document
from flowforge.model.execution import ExecutionRecord
from flowforge.model.names import Identifier

SOURCE = "flowforge"
DETAIL_TYPE = "Workflow Execution Completed"


class ExecutionCompleted(Document):
    """The detail of the event. It is told at least once; a repeated one is the same, and ``execution_id`` tells it apart.

    ``stage`` keeps apart the stages of an account, which share its default bus. ``workflow_id`` and ``trigger`` are those of
    the execution's input. Times are in UTC.
    """

    schema_version: Literal[1] = 1
    stage: str
    workflow_id: str | None
    execution_id: Identifier
    status: Literal["succeeded", "failed"]
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    trigger: JsonValue

    @classmethod
    def of(cls, record: ExecutionRecord, stage: str) -> "ExecutionCompleted":
        """The event of an execution whose end was recorded."""
        return cls(
            stage=stage,
            workflow_id=record.workflow_id,
            execution_id=record.execution_id,
            status=record.status,
            started_at=record.started_at,
            ended_at=record.ended_at,
            trigger=record.trigger,
        )
