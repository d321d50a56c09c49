"""Why a try of a step failed, as a document beside the results: with file, row and field, which no message has apart."""

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import FlowForgeError, NextTier
from flowforge.model.execution import StepFailure
from flowforge.model.exit_codes import exit_code
from flowforge.model.step import StepRequest
from flowforge.steps.last_tier import last_tier

MAX_MESSAGE_CHARACTERS = 4000


def failure_of(request: StepRequest, error: BaseException, *, on_last_tier: bool = False) -> StepFailure:
    """The error as it is stored. Memory can also run out where the engine is not at work."""
    if isinstance(error, MemoryError):
        error = NextTier(f"{request.step.value} of {request.job_id}: memory ran out")
    message = f"{error}. {last_tier()}" if on_last_tier and isinstance(error, NextTier) else str(error)
    at = error if isinstance(error, FlowForgeError) else FlowForgeError("")
    return StepFailure(
        execution_id=request.execution_id,
        job_id=request.job_id,
        step=request.step,
        error=type(error).__name__,
        message=message[:MAX_MESSAGE_CHARACTERS],
        exit_code=exit_code(error),
        file=at.file,
        row=at.row,
        column=at.column,
        option=at.option,
    )


def store_failure(lake: Lake, failure: StepFailure) -> None:
    """Store it over that of an earlier try."""
    lake.overwrite(keys.failure_key(failure.execution_id, failure.job_id, failure.step), failure.to_json())
