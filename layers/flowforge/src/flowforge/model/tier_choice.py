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
    """The choice for each step of a job; None for a step that the job does not take."""

    bronze_ingest: TierChoice | None = None
    silver_transform: TierChoice | None = None
    gold_publish: TierChoice | None = None

    def chosen(self) -> dict[Step, TierChoice]:
        """The choices by step, in the order of the steps."""
        choices: dict[Step, TierChoice | None] = {step: getattr(self, step.value) for step in Step}
        return {step: choice for step, choice in choices.items() if choice is not None}


class Escalation(Document):
    """A step that moved from Lambda to Fargate: which, and the error that moved it, as the state machine saw it."""

    step: Step
    error: str
    cause: str = ""
