"""The worker's decisions: what it tries again, how it ends, and what it leaves of a failure."""

import threading
from threading import Event
from typing import Any

import pytest

from flowforge.lake import keys
from flowforge.model.errors import (
    CommitConflict,
    CommitUnknown,
    ConfigFault,
    DataFault,
    FlowForgeError,
    NextTier,
    RetryLater,
)
from flowforge.model.execution import StepFailure
from flowforge.model.exit_codes import ExitCode, exit_code
from flowforge.model.step import Step
from flowforge.steps import worker
from flowforge.steps.backoff import Backoff
from flowforge.steps.worker import run_worker
from lab import JOB_ID, Lab, Run
from s3_faults import answering

ROWS = "id,amount\n1,10\n2,20\n"
AT_ONCE = Backoff(tries=3, first_seconds=0.0)
LATER = [RetryLater, CommitConflict, CommitUnknown]


class Lines:
    """A log that is kept."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, dict[str, Any]]] = []

    def _keep(self, msg: object, **fields: Any) -> None:
        self.lines.append((msg, fields))

    info = warning = error = _keep

    def messages(self) -> list[object]:
        return [message for message, _ in self.lines]


class Failing:
    """Stands where ``run_step`` is: fails with each error in turn, then runs the step."""

    def __init__(self, run: Run, *errors: BaseException) -> None:
        self.run = run
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, *_: Any) -> Any:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.run.bronze()


@pytest.fixture
def run(lab: Lab) -> Run:
    return lab.ingest(ROWS)


def work(run: Run, log: Lines | None = None, *, ending: Event | None = None) -> ExitCode:
    request = run.request(Step.BRONZE_INGEST)
    return run_worker(request, run.lab.lake, log or Lines(), ending=ending or Event(), backoff=AT_ONCE)


def failure_of(run: Run) -> StepFailure | None:
    stored = run.lab.lake.read(keys.failure_key(run.execution_id, JOB_ID, Step.BRONZE_INGEST))
    return StepFailure.model_validate_json(stored[0]) if stored else None


@pytest.mark.parametrize("kind", LATER)
def test_what_may_pass_is_tried_again_where_it_is(run: Run, monkeypatch: pytest.MonkeyPatch, kind: type[FlowForgeError]) -> None:
    failing = Failing(run, kind("not yet"), kind("nor now"))
    monkeypatch.setattr(worker, "run_step", failing)
    log = Lines()
    assert work(run, log) is ExitCode.SUCCESS
    assert log.messages() == ["tried again", "tried again", "finished"]
    assert failure_of(run) is None


@pytest.mark.parametrize("kind", LATER)
def test_tries_end_and_the_last_error_is_the_one_that_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch, kind: type[FlowForgeError]
) -> None:
    failing = Failing(run, *(kind(f"try {number}") for number in range(1, 9)))
    monkeypatch.setattr(worker, "run_step", failing)
    assert work(run) is exit_code(kind(""))
    failure = failure_of(run)
    assert failing.calls == AT_ONCE.tries
    assert failure is not None
    assert (failure.error, failure.message) == (kind.__name__, "try 3")


@pytest.mark.parametrize("error", [DataFault("x"), ConfigFault("x"), NextTier("x"), KeyError("x"), MemoryError()])
def test_what_would_fail_again_is_tried_once(run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    failing = Failing(run, error)
    monkeypatch.setattr(worker, "run_step", failing)
    assert work(run) is not ExitCode.SUCCESS
    assert failing.calls == 1


def test_a_failure_is_stored_with_everything_that_the_error_says(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = DataFault("row 7 of orders.csv", file="orders.csv", row=7, column="amount", option="delimiter")
    monkeypatch.setattr(worker, "run_step", Failing(run, fault))
    assert work(run) is ExitCode.DATA_FAULT
    assert failure_of(run) == StepFailure(
        execution_id=run.execution_id,
        job_id=JOB_ID,
        step=Step.BRONZE_INGEST,
        error="DataFault",
        message="row 7 of orders.csv",
        exit_code=12,
        file="orders.csv",
        row=7,
        column="amount",
        option="delimiter",
    )


def test_a_failure_stays_when_the_step_succeeds_later_and_the_result_lies_beside_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(worker, "run_step", Failing(run, DataFault("x")))
        work(run)
    assert work(run) is ExitCode.SUCCESS
    assert failure_of(run) is not None
    assert run.lab.lake.head(keys.result_key(run.execution_id, JOB_ID, Step.BRONZE_INGEST))


def test_a_mistake_of_ours_and_a_panic_of_the_engine_end_with_1_and_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """As pyo3's, which is no Exception."""

    for error in (KeyError("amount"), PanicException("called unwrap on None" * 1000)):
        monkeypatch.setattr(worker, "run_step", Failing(run, error))
        assert work(run) is ExitCode.UNEXPECTED
        failure = failure_of(run)
        assert failure is not None
        assert failure.error == type(error).__name__
        assert str(error).startswith(failure.message)


def test_an_s3_that_refuses_the_failure_does_not_hide_the_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "run_step", Failing(run, DataFault("x")))
    log = Lines()
    with answering(run.lab.lake, "PutObject", 403, "AccessDenied"):
        assert work(run, log) is ExitCode.DATA_FAULT
    assert log.messages() == ["failed", "the failure could not be stored"]


def test_whoever_waits_for_another_try_stops_waiting_when_the_process_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ending = Event()
    failing = Failing(run, RetryLater("not yet"))
    monkeypatch.setattr(worker, "run_step", failing)
    waiting = Backoff(tries=2, first_seconds=3600.0, longest_seconds=3600.0)
    codes: list[int] = []
    log = Lines()
    request = run.request(Step.BRONZE_INGEST)
    thread = threading.Thread(target=lambda: codes.append(run_worker(request, run.lab.lake, log, ending=ending, backoff=waiting)))
    thread.start()
    ending.set()
    thread.join(10)
    assert codes == [ExitCode.TERMINATED]
    assert failing.calls == 1


@pytest.mark.parametrize("error", [CommitConflict("the upload was given up"), KeyError("x")])
def test_what_fails_because_the_process_is_ended_is_no_failure_of_the_step(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    ending = Event()
    ending.set()
    monkeypatch.setattr(worker, "run_step", Failing(run, error))
    assert work(run, ending=ending) is ExitCode.TERMINATED
    assert failure_of(run) is None


@pytest.mark.parametrize("error", [NextTier("bronze: memory ran out"), MemoryError()])
def test_the_last_tier_says_what_was_not_enough(run: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    monkeypatch.setattr(worker, "run_step", Failing(run, error))
    assert work(run) is ExitCode.NEXT_TIER
    failure = failure_of(run)
    assert failure is not None
    assert failure.error == "NextTier"
    assert "memory ran out. The last tier has " in failure.message
    assert "give the worker's task more, or split the files" in failure.message
