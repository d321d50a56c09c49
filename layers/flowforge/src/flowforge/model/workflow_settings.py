"""What people tell of a workflow beside its jobs."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from flowforge.model.base import Document

Label = Annotated[str, Field(max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=100)]


class Priority(StrEnum):
    """How much an outage of the workflow matters."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class DataClassification(StrEnum):
    """Who may see the data."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    PII = "pii"


class Concurrency(StrEnum):
    """What becomes of a wish while an execution of the workflow is active: it waits, is dropped, or runs beside."""

    QUEUE = "queue"
    SKIP = "skip"
    PARALLEL = "parallel"


class WorkflowSettings(Document):
    """The fields of a workflow that no step reads. A paused workflow starts nothing by itself; a person can run it."""

    application: Label = ""
    owner: Label = ""
    team: Label = ""
    priority: Priority = Priority.MEDIUM
    data_classification: DataClassification = DataClassification.INTERNAL
    notification_email: Annotated[str, Field(max_length=2000)] = ""
    tags: Annotated[tuple[Tag, ...], Field(max_length=50)] = ()
    concurrency: Concurrency = Concurrency.QUEUE
    paused: bool = False
