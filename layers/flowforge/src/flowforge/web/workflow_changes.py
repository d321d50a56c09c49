"""What clients send to make or change workflows and jobs."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from flowforge.model.base import Document
from flowforge.model.environment import Environment, environment_of
from flowforge.model.errors import ConfigFault
from flowforge.model.names import Identifier
from flowforge.model.workflow_settings import Concurrency, DataClassification, Label, Priority, Tag, WorkflowSettings

Name = Annotated[str, Field(min_length=1, max_length=200)]
Description = Annotated[str, Field(max_length=10_000)]


class WorkflowChange(Document):
    """The fields that may change; what is not sent stays. The slug is fixed, and so is the environment."""

    name: Name | None = None
    description: Description | None = None
    application: Label | None = None
    owner: Label | None = None
    team: Label | None = None
    priority: Priority | None = None
    data_classification: DataClassification | None = None
    notification_email: Annotated[str, Field(max_length=2000)] | None = None
    tags: Annotated[tuple[Tag, ...], Field(max_length=50)] | None = None
    concurrency: Concurrency | None = None
    paused: bool | None = None
    triggers: Annotated[list[dict[str, JsonValue]], Field(max_length=200)] | None = None

    def settings(self, before: WorkflowSettings) -> WorkflowSettings:
        """The settings with the changes."""
        sent = {name: getattr(self, name) for name in WorkflowSettings.model_fields if getattr(self, name) is not None}
        return before.model_copy(update=sent)


class NewWorkflow(WorkflowChange):
    """A workflow to be. Its owner is its team unless told; its slug follows from its name unless told.

    ``workflow_type`` is taken from clients of FlowForge: what starts a workflow follows from its triggers.
    """

    id: Identifier | None = None
    name: Name
    slug: Annotated[str, Field(max_length=100)] | None = None
    environment: str | None = None
    workflow_type: Literal["manual", "scheduled", "event-driven"] | None = None
    jobs: Annotated[list[dict[str, Any]], Field(max_length=200)] = Field(default_factory=list)

    def require_environment(self, here: Environment) -> None:
        """Raise ConfigFault for another environment than that of the deployment."""
        if self.environment is not None and environment_of(self.environment) is not here:
            raise ConfigFault(
                f"this deployment is {here.value}: a workflow for {self.environment} is made in that one", option="environment"
            )


class JobChange(Document):
    """The fields of a job that change; each configuration that is sent replaces the whole one that was there."""

    name: Name | None = None
    description: Description | None = None
    type: str | None = None
    order: int | None = None
    tier: str | None = None
    source_config: dict[str, Any] | None = None
    transformation_config: dict[str, Any] | None = None
    validation_config: dict[str, Any] | None = None
    destination_config: dict[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """What was sent, by the stored names."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class NewJob(JobChange):
    """A job to be; without an order it runs after all others."""

    id: Identifier | None = None
    name: Name
    slug: Annotated[str, Field(max_length=100)] | None = None
