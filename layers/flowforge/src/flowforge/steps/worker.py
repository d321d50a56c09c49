"""What the Fargate worker does with its request: ``run_step``, again where that can help, and an exit code for its end."""

from threading import Event
from typing import Any, Protocol

from flowforge.lake.lake import Lake
from flowforge.model.errors import CommitConflict, CommitUnknown, FlowForgeError, RetryLater
from flowforge.model.exit_codes import ExitCode
from flowforge.model.step import StepRequest, StepResult
from flowforge.steps.backoff import Backoff
from flowforge.steps.failures import failure_of, store_failure
from flowforge.steps.run_step import run_step

AGAIN = (RetryLater, CommitConflict, CommitUnknown)
"""What may pass when it is tried again on the same machine."""


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
    failure = failure_of(request, error, on_last_tier=True)
    log.error("failed", failure=failure.model_dump(mode="json", by_alias=True, exclude_none=True), exc_info=error)
    try:
        store_failure(lake, failure)
    except FlowForgeError as unstored:
        # The exit code still tells the kind, and the log the message.
        log.error("the failure could not be stored", reason=str(unstored))
    return ExitCode(failure.exit_code)
