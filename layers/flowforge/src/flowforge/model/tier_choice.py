"""Where the steps of a job run, and why."""

from typing import Annotated

from pydantic import Field

from flowforge.model.base import Document
from flowforge.model.step import Step
from flowforge.model.tier import Tier


class TierChoice(Document):
    """Where a step begins, with the reason, and the size of the task that it has on Fargate.

    ``cpu_units`` (1,024 make a processor) and ``memory_mib`` are a pair that Fargate offers.
    """

    tier: Tier
    reason: str
    cpu_units: Annotated[int, Field(ge=256)]
    memory_mib: Annotated[int, Field(ge=512)]


class StepTiers(Document):
    """The choice for each step of a job."""

    bronze_ingest: TierChoice
    silver_transform: TierChoice
    gold_publish: TierChoice

    def of(self, step: Step) -> TierChoice:
        """The choice for one step."""
        choice: TierChoice = getattr(self, step.value)
        return choice


class Escalation(Document):
    """A step that moved from Lambda to Fargate: which, and the error that moved it, as the state machine saw it."""

    step: Step
    error: str
    cause: str = ""
