"""How many events an execution takes of the 25,000 that its history holds (docs/adr/0018-two-hundred-jobs.md).

Executions of one and of two jobs tell what a job takes, and that tells what any number of jobs takes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest

from flowforge.local.states.errors import StateError
from flowforge.local.states.history import MAXIMAL_EVENTS
from flowforge.local.states.integrations import Call
from flowforge.model.workflow import MAX_JOBS
from statemachine.conftest import STEPS, RunWorkflow, ScriptedWorker, StoredResults, plan, planned, record
from unit.local.states_lab import Ended, Raises

ALWAYS_FIT = 60
"""As the decision's record says."""
# A state is entered and left, and so is an iteration; a try is scheduled, started and ended, one of ECS submitted besides.
STATE, TRY, TASK = 2, 3, 4
LAMBDA_TRIES = 6
AROUND_STEPS = 3 * STATE
"""The iteration, and the states with which a job begins and ends."""
ORDINARY = AROUND_STEPS + 3 * (STATE + STATE + TRY)
"""A choice and a call for each step: 27."""
MOVED = AROUND_STEPS + 3 * (STATE + (STATE + LAMBDA_TRIES * TRY) + (STATE + TASK) + (STATE + TRY) + STATE)
"""A choice, every try of the call, the task, the reading of its result, and the choice of what comes next: 111."""
OWN_GROUP = 2 + 3 * STATE
"""The map begins and ends, and is a state between two choices: 8."""
NO_ROOM = StateError("ECS.ServerException", "no room")
Execute = Callable[[list[list[dict[str, Any]]]], Ended]


@dataclass
class ReluctantResults(StoredResults):
    """Each result is found at the seventh try, the last one of its state; that of the last step is never found."""

    tries: dict[str, int] = field(default_factory=dict)

    async def call(self, call: Call) -> Any:
        key = call.arguments["Key"]
        self.tries[key] = self.tries.get(key, 0) + 1
        if self.tries[key] < 7 or "gold_publish" in key:
            raise StateError("S3.S3Exception", "slow down")
        return {"Body": "{}"}


class Events(NamedTuple):
    """The events of an execution, and of each of its jobs."""

    fixed: int
    of_a_job: int

    def of(self, jobs: int) -> int:
        return self.fixed + jobs * self.of_a_job


def events(execute: Execute, *, groups: bool) -> Events:
    """What jobs take, all in one order group or each in one of its own."""

    def total(jobs: int) -> int:
        planned_jobs = [planned(f"job_{number}") for number in range(jobs)]
        return len(execute([[job] for job in planned_jobs] if groups else [planned_jobs]).kinds)

    of_a_job = total(2) - total(1)
    return Events(total(1) - of_a_job, of_a_job)


@pytest.mark.parametrize(("groups", "of_a_job"), [(False, ORDINARY), (True, ORDINARY + OWN_GROUP)])
def test_an_ordinary_job_takes_few_events(run_workflow: RunWorkflow, groups: bool, of_a_job: int) -> None:
    taken = events(lambda jobs: run_workflow(PlanExecution=plan(jobs)), groups=groups)
    assert taken.of_a_job == of_a_job
    assert taken.of(MAX_JOBS) < MAXIMAL_EVENTS / 3


@pytest.mark.parametrize(("groups", "of_a_job"), [(False, MOVED), (True, MOVED + OWN_GROUP)])
def test_as_many_jobs_as_a_workflow_may_have_fit_although_every_step_uses_every_retry_of_lambda_and_moves(
    run_workflow: RunWorkflow, groups: bool, of_a_job: int
) -> None:
    broken = dict.fromkeys(("BronzeIngest", "SilverTransform", "GoldPublish"), Raises("Lambda.Unknown"))

    def execute(jobs: Any) -> Ended:
        worker = ScriptedWorker()
        ended = run_workflow(worker=worker, PlanExecution=plan(jobs), **broken)
        assert ended.status == "SUCCEEDED"
        assert len(worker.requests) == len(STEPS) * sum(map(len, jobs))
        return ended

    taken = events(execute, groups=groups)
    assert taken.of_a_job == of_a_job
    assert taken.of(MAX_JOBS) < MAXIMAL_EVENTS


def test_the_jobs_that_always_fit_do_so_although_everything_fails_as_often_as_it_may(run_workflow: RunWorkflow) -> None:
    taken_away: list[int | str | StateError] = [*[NO_ROOM] * 4, "SpotInterruption"]
    tries = [*taken_away * 3, *[NO_ROOM] * 4, 0]
    broken = dict.fromkeys(("BronzeIngest", "SilverTransform", "GoldPublish"), Raises("Lambda.Unknown"))

    def execute(jobs: Any) -> Ended:
        names = [job["jobId"] for group in jobs for job in group]
        worker = ScriptedWorker({(name, step): tries for name in names for step in STEPS})

        def recorder(request: Any) -> Any:
            return Raises("RetryLater") if request["event"]["kind"] == "job_failed" else record(request)

        ended = run_workflow(worker=worker, results=ReluctantResults(), PlanExecution=plan(jobs), RecordEvent=recorder, **broken)
        assert ended.status == "FAILED"
        assert len(worker.requests) == len(names) * len(STEPS) * len(tries)
        return ended

    taken = events(execute, groups=False)
    # The recording of the failure is the last that can be tried again and again, and it is here for every job.
    assert taken.of(ALWAYS_FIT) < MAXIMAL_EVENTS
    assert taken.of(MAX_JOBS) > MAXIMAL_EVENTS
