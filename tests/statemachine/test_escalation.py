"""The shipped state machine moves a step to Fargate: where the plan says so, and once where Lambda could not hold it."""

from typing import Any

import pytest

from flowforge.local.states.errors import StateError
from statemachine.conftest import STEPS, RunWorkflow, ScriptedWorker, StoredResults, plan, planned
from statemachine.test_workflow import calls, records, visited
from unit.local.states_lab import Behaviour, Raises, Takes

FUNCTIONS = {"bronze_ingest": "BronzeIngest", "silver_transform": "SilverTransform", "gold_publish": "GoldPublish"}
TOO_SMALL = ["NextTier", "Runtime.OutOfMemory", "Runtime.ExitError", "Sandbox.Timedout", "Lambda.Unknown"]
ONE_JOB = plan([[planned("job_a")]])


def outcome(ended: Any) -> Any:
    """What the record says of the only job."""
    [event] = records(ended, "execution_ended")
    [job] = event["jobs"]
    return job


@pytest.mark.parametrize("error", TOO_SMALL)
@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_lambda_cannot_hold_moves_once_and_the_record_says_why(
    run_workflow: RunWorkflow, step: str, error: str
) -> None:
    worker = ScriptedWorker()
    ended = run_workflow(worker=worker, PlanExecution=ONE_JOB, **{FUNCTIONS[step]: Raises(error, "too much")})
    assert ended.status == "SUCCEEDED"
    assert worker.steps() == [("job_a", step)]
    job = outcome(ended)
    assert (job["status"], [(item["step"], item["error"]) for item in job["escalations"]]) == ("succeeded", [(step, error)])
    assert "too much" in job["escalations"][0]["cause"]
    assert len(calls(ended, FUNCTIONS[step])) == (6 if error == "Lambda.Unknown" else 1)


def test_a_step_that_hangs_moves_too(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(PlanExecution=ONE_JOB, GoldPublish=Takes(10_000))
    assert outcome(ended)["escalations"] == [{"step": "gold_publish", "error": "States.Timeout", "cause": ""}]
    assert ended.status == "SUCCEEDED"


def test_every_step_of_a_job_can_move(run_workflow: RunWorkflow) -> None:
    worker, results = ScriptedWorker(), StoredResults()
    too_small = dict.fromkeys(FUNCTIONS.values(), Raises("NextTier"))
    ended = run_workflow(worker=worker, results=results, PlanExecution=ONE_JOB, **too_small)
    assert ended.status == "SUCCEEDED"
    assert worker.steps() == [("job_a", step) for step in STEPS]
    assert results.keys == [f"runs/run/job_a/{step}.json" for step in STEPS]
    assert [item["step"] for item in outcome(ended)["escalations"]] == list(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_the_plan_puts_on_fargate_never_calls_its_function(run_workflow: RunWorkflow, step: str) -> None:
    worker = ScriptedWorker()
    ended = run_workflow(worker=worker, PlanExecution=plan([[planned("job_a", **{step: "fargate"})]]))
    assert ended.status == "SUCCEEDED"
    assert worker.steps() == [("job_a", step)]
    assert calls(ended, FUNCTIONS[step]) == []
    assert outcome(ended)["escalations"] == []


def test_a_task_is_asked_for_with_all_that_it_needs(run_workflow: RunWorkflow) -> None:
    worker = ScriptedWorker()
    run_workflow(worker=worker, PlanExecution=plan([[planned("job_a", silver_transform="fargate")]]))
    [request] = worker.requests
    assert request["StartedBy"] == "run"
    assert len(request["ClientToken"]) == 64
    assert (request["Overrides"]["Cpu"], request["Overrides"]["Memory"]) == ("2048", "8192")
    [container] = request["Overrides"]["ContainerOverrides"]
    bucket = "s3://flowforge-dev-data/runs/run/plan.json"
    assert container == {"Name": "worker", "Command": ["--step", "silver_transform", "--job", "job_a", "--plan", bucket]}
    network = request["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"


@pytest.mark.parametrize("code", [1, 10, 11, 12, 13, 137])
def test_the_end_of_the_last_tier_is_final(run_workflow: RunWorkflow, code: int) -> None:
    worker = ScriptedWorker({("job_a", "bronze_ingest"): [code]})
    ended = run_workflow(worker=worker, PlanExecution=ONE_JOB, BronzeIngest=Raises("NextTier"))
    assert ended.status == "FAILED"
    assert len(worker.requests) == 1
    [failure] = records(ended, "job_failed")
    assert (failure["jobId"], failure["step"], failure["error"]) == ("job_a", "bronze_ingest", "States.TaskFailed")
    assert f'"ExitCode": {code}' in failure["cause"]
    assert [item["error"] for item in outcome(ended)["escalations"]] == ["NextTier"]


@pytest.mark.parametrize("reason", ["SpotInterruption", "TerminationNotice", "TaskFailedToStart"])
def test_a_task_that_was_taken_away_or_not_started_is_started_again_with_another_token(
    run_workflow: RunWorkflow, reason: str
) -> None:
    worker = ScriptedWorker({("job_a", "gold_publish"): [reason, reason, 0]})
    ended = run_workflow(worker=worker, PlanExecution=plan([[planned("job_a", gold_publish="fargate")]]))
    assert ended.status == "SUCCEEDED"
    assert len({request["ClientToken"] for request in worker.requests}) == 3


def test_a_task_that_is_taken_away_again_and_again_fails_its_job(run_workflow: RunWorkflow) -> None:
    worker = ScriptedWorker({("job_a", "gold_publish"): ["SpotInterruption"]})
    ended = run_workflow(worker=worker, PlanExecution=plan([[planned("job_a", gold_publish="fargate")]]))
    assert (ended.status, len(worker.requests)) == ("FAILED", 4)
    assert visited(ended).count("WorkerEnded") == 4


@pytest.mark.parametrize("error", ["AmazonECS.Unknown", "ECS.AmazonECSException", "ECS.ServerException"])
def test_a_cluster_without_room_is_asked_again_later_with_another_token(run_workflow: RunWorkflow, error: str) -> None:
    no_room = StateError(error, "Capacity is unavailable at this time")
    worker = ScriptedWorker({("job_a", "bronze_ingest"): [no_room, no_room, 0]})
    ended = run_workflow(worker=worker, PlanExecution=plan([[planned("job_a", bronze_ingest="fargate")]]))
    assert ended.status == "SUCCEEDED"
    assert len({request["ClientToken"] for request in worker.requests}) == 3
    assert ended.duration.total_seconds() >= 15 + 30


def test_a_refused_request_fails_the_job_at_once(run_workflow: RunWorkflow) -> None:
    worker = ScriptedWorker({("job_a", "bronze_ingest"): [StateError("ECS.ClientException", "no such subnet")]})
    ended = run_workflow(worker=worker, PlanExecution=plan([[planned("job_a", bronze_ingest="fargate")]]))
    [failure] = records(ended, "job_failed")
    assert (failure["error"], failure["cause"]) == ("ECS.ClientException", "no such subnet")


def test_a_worker_that_ends_well_without_a_result_fails_the_job(run_workflow: RunWorkflow) -> None:
    results = StoredResults(StateError("S3.NoSuchKeyException", "no such key"))
    ended = run_workflow(results=results, PlanExecution=plan([[planned("job_a", bronze_ingest="fargate")]]))
    [failure] = records(ended, "job_failed")
    assert (failure["step"], failure["error"]) == ("bronze_ingest", "S3.NoSuchKeyException")


def test_a_job_that_moves_does_not_move_its_siblings(run_workflow: RunWorkflow) -> None:
    worker = ScriptedWorker()
    behave: dict[str, Behaviour] = {"BronzeIngest": lambda event: Raises("NextTier") if event["jobId"] == "job_b" else {}}
    ended = run_workflow(worker=worker, **behave)
    assert worker.steps() == [("job_b", "bronze_ingest")]
    assert [event["jobId"] for event in calls(ended, "SilverTransform")].count("job_b") == 1
    assert ended.status == "SUCCEEDED"


def test_tries_are_counted_on_both_tiers(run_workflow: RunWorkflow) -> None:
    no_room, passing = StateError("ECS.ServerException", "busy"), Raises("RetryLater")
    ended = run_workflow(
        worker=ScriptedWorker({("job_a", "silver_transform"): [no_room, "SpotInterruption", 0]}),
        PlanExecution=ONE_JOB,
        BronzeIngest=[passing, passing, {}],
        SilverTransform=[passing, Raises("NextTier")],
    )
    # Two on Lambda; on Fargate one that found no room, one that was taken away, and the last.
    assert outcome(ended)["tries"] == {"bronze_ingest": 3, "silver_transform": 5, "gold_publish": 1}
