"""What the Fargate worker does with its request: ``run_step``, again where that can help, and an exit code for its end."""

from threading import Event
from typing import Any, Protocol

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import CommitConflict, CommitUnknown, FlowForgeError, NextTier, RetryLater
from flowforge.model.execution import StepFailure
from flowforge.model.exit_codes import ExitCode, exit_code
from flowforge.model.step import StepRequest, StepResult
from flowforge.steps.backoff import Backoff
from flowforge.steps.last_tier import last_tier
from flowforge.steps.run_step import run_step

AGAIN = (RetryLater, CommitConflict, CommitUnknown)
"""What may pass when it is tried again on the same machine."""
MAX_MESSAGE_CHARACTERS = 4000


class Log(Protocol):
    """What the worker needs of a logger."""

    def info(self, msg: object, **fields: Any) -> None:
        """Say what was done."""

    def warning(self, msg: object, **fields: Any) -> None:
        """Say what is tried again."""

    def error(self, msg: object, **fields: Any) -> None:
        """Say why it ends."""


class _Ending(Exception):  # noqa: N818  # no failure
    """The process is being stopped: whatever fails now is not the step's doing."""


def run_worker(request: StepRequest, lake: Lake, log: Log, *, ending: Event, backoff: Backoff | None = None) -> ExitCode:
    """Run the step and store its result, or why there is none. Raises nothing.

    ``ending`` is set by whoever stops the process; from then on nothing is tried again and no failure is stored.
    """
    try:
        result = _run(request, lake, log, ending, backoff or Backoff())
    except _Ending:
        return ExitCode.TERMINATED
    except BaseException as error:  # noqa: BLE001  # a panic of the engine is no Exception
        return ExitCode.TERMINATED if ending.is_set() else _fail(request, lake, log, error)
    log.info("finished", job_id=result.job_id, step=result.step.value, counts=result.counts.model_dump(by_alias=True))
    return ExitCode.SUCCESS


def _run(request: StepRequest, lake: Lake, log: Log, ending: Event, backoff: Backoff) -> StepResult:
    for seconds in backoff.waits():
        try:
            return run_step(request, lake)
        except AGAIN as error:
            if ending.is_set():
                raise _Ending from error
            log.warning("tried again", error=type(error).__name__, reason=str(error), wait_seconds=round(seconds, 1))
            if ending.wait(seconds):
                raise _Ending from error
    return run_step(request, lake)


def _fail(request: StepRequest, lake: Lake, log: Log, error: BaseException) -> ExitCode:
    failure = _failure(request, error)
    log.error("failed", failure=failure.model_dump(mode="json", by_alias=True, exclude_none=True), exc_info=error)
    try:
        lake.overwrite(keys.failure_key(failure.execution_id, failure.job_id, failure.step), failure.to_json())
    except FlowForgeError as unstored:
        # The exit code still tells the kind, and the log the message.
        log.error("the failure could not be stored", reason=str(unstored))
    return ExitCode(failure.exit_code)


def _failure(request: StepRequest, error: BaseException) -> StepFailure:
    """The error as it is stored. Memory can also run out where the engine is not at work."""
    if isinstance(error, MemoryError):
        error = NextTier(f"{request.step.value} of {request.job_id}: memory ran out")
    message = f"{error}. {last_tier()}" if isinstance(error, NextTier) else str(error)
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
