"""A wish to run a workflow: the message of the queue through which everything starts."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from flowforge.model.base import Document
from flowforge.model.names import Identifier

MAX_IDEMPOTENCY_KEY_LENGTH = 4096
"""Room for an S3 key and a version id, of 1,024 bytes each, and a few words."""


class TriggerType(StrEnum):
    """Who wished: a person or a program, the clock, a file, or the end of another workflow's execution."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    ARRIVAL = "arrival"
    UPSTREAM = "upstream"


class Trigger(Document):
    """What started an execution. ``detail`` is for people: the time that was meant, the file's key, the execution that ended."""

    type: TriggerType
    detail: str = ""


class StartRequest(Document):
    """One message, one wish. A wish with the same workflow and idempotency key starts nothing more.

    ``files`` maps a job's id to landing keys in the order in which they are read; a job that is not there reads what its
    file pattern finds. ``jobs``, ``rebuild`` and ``replay`` are those of an execution's input.
    """

    schema_version: Literal[1] = 1
    workflow_id: Identifier
    files: dict[Identifier, tuple[str, ...]] = Field(default_factory=dict)
    jobs: tuple[Identifier, ...] = ()
    rebuild: Identifier | None = None
    replay: str | None = None
    idempotency_key: Annotated[str, Field(min_length=1, max_length=MAX_IDEMPOTENCY_KEY_LENGTH)]
    trigger: Trigger

    @model_validator(mode="after")
    def _one_purpose(self) -> Self:
        require_one_purpose(self.files, self.jobs, self.rebuild, self.replay)
        return self


def require_one_purpose(
    files: dict[str, tuple[str, ...]], jobs: tuple[str, ...], rebuild: str | None, replay: str | None
) -> None:
    """Raise ValueError where an execution has more than one of its purposes, or files of a job that it leaves out."""
    if sum((bool(files or jobs), rebuild is not None, replay is not None)) > 1:
        raise ValueError("files, rebuild and replay are three kinds of execution: state one of them")
    left_out = sorted(set(files) - set(jobs)) if jobs else []
    if left_out:
        raise ValueError(f"files are named for {left_out[0]}, which is none of the jobs")


class TurnRequest(Document):
    """A message that wishes nothing: it asks to look whether a wish of the workflow that waits has its turn."""

    schema_version: Literal[1] = 1
    turn_of: Identifier
