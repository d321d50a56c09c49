"""The shipped state machine: what it does when all goes well, and what it does about everything that does not."""

from collections.abc import Callable
from typing import Any

import pytest

from flowforge.model.execution import ExecutionRecord, RecordRequest
from flowforge.model.plan import PlanRequest
from flowforge.model.step import StepRequest
from statemachine.conftest import RunWorkflow, ScriptedWorker, StoredResults, plan, planned, record
from unit.local.states_lab import Behaviour, Ended, Raises

STEPS = ["BronzeIngest", "SilverTransform", "GoldPublish"]
STEP_NAMES = ["bronze_ingest", "silver_transform", "gold_publish"]
TRANSIENT = [
    "RetryLater",
    "CommitConflict",
    "CommitUnknown",
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.Unknown",
]
LASTING = ["DataFault", "ConfigFault", "Function.Unknown"]


def for_job(job: str, behaviour: Behaviour) -> Callable[[dict[str, Any]], Any]:
    """A step that behaves so for one job, and well for the others."""
    return lambda event: behaviour if event["jobId"] == job else {"status": "done"}


def recorder(**behaviours: Behaviour) -> Callable[[dict[str, Any]], Any]:
    """A recording function that behaves so for one kind of event or one status, and well for the others."""

    def behave(request: dict[str, Any]) -> Any:
        event = request["event"]
        key = event.get("status", event["kind"])
        return behaviours.get(key, record(request))

    return behave


def calls(ended: Ended, function: str) -> list[Any]:
    return [event for name, event in ended.functions.calls if name == function]


def records(ended: Ended, kind: str) -> list[dict[str, Any]]:
    return [request["event"] for request in calls(ended, "RecordEvent") if request["event"]["kind"] == kind]


def visited(ended: Ended) -> list[str]:
    """The names of the states, in the order in which they were entered."""
    events = ended.execution.history.events
    return [event.details["name"] for event in events if event.kind.endswith("StateEntered")]


def test_every_job_passes_its_three_steps_group_after_group(run_workflow: RunWorkflow) -> None:
    ended = run_workflow()
    assert ended.status == "SUCCEEDED"
    assert ended.output == {"executionId": "run", "planKey": "runs/run/plan.json", "recordKey": "runs/run/record.json"}
    names = [(name, event["jobId"]) for name, event in ended.functions.calls if name in STEPS]
    assert set(names[:6]) == {(step, job) for step in STEPS for job in ("job_a", "job_b")}
    assert names[6:] == [(step, "job_c") for step in STEPS]


@pytest.mark.parametrize("steps", [["gold_publish"], ["bronze_ingest", "silver_transform"], ["bronze_ingest"]])
@pytest.mark.parametrize("tier", ["lambda", "fargate"])
def test_a_job_passes_the_steps_that_its_plan_has_and_no_other(run_workflow: RunWorkflow, steps: list[str], tier: str) -> None:
    worker = ScriptedWorker()
    tiers = dict.fromkeys(steps, tier)
    ended = run_workflow(worker=worker, results=StoredResults(), PlanExecution=plan([[planned("job_a", steps, **tiers)]]))
    assert ended.status == "SUCCEEDED"
    by_function = [request["step"] for name in STEPS for request in calls(ended, name)]
    assert (by_function or [step for _, step in worker.steps()]) == steps


def test_every_payload_is_what_its_function_expects(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(SilverTransform=for_job("job_b", Raises("DataFault")))
    [request] = calls(ended, "PlanExecution")
    assert PlanRequest.model_validate(request).input.workflow_id == "wf_shop"
    for function, step in zip(STEPS, STEP_NAMES, strict=True):
        for request in calls(ended, function):
            assert StepRequest.model_validate(request).step == step
            assert set(request) == {"schemaVersion", "executionId", "jobId", "step", "planKey"}
    for request in calls(ended, "RecordEvent"):
        assert RecordRequest.model_validate(request).event.execution_id == "run"


def succeeded(job_id: str) -> dict[str, Any]:
    """What is told of a job whose steps all succeeded at once."""
    return {"jobId": job_id, "status": "succeeded", "escalations": [], "tries": dict.fromkeys(STEP_NAMES, 1)}


def test_the_record_of_a_success_lists_every_job(run_workflow: RunWorkflow) -> None:
    [event] = records(run_workflow(), "execution_ended")
    jobs = [succeeded(job) for job in ("job_a", "job_b", "job_c")]
    assert (event["status"], event["jobs"]) == ("succeeded", jobs)


TRIGGER = {"type": "schedule", "detail": "2026-11-23T06:00:00Z"}


@pytest.mark.parametrize(
    ("given", "workflow_id", "trigger"),
    [
        ({"workflowId": "wf_shop", "trigger": TRIGGER}, "wf_shop", TRIGGER),
        ({"workflowId": "wf_shop"}, "wf_shop", None),
        ({"workflowId": 5, "trigger": ["by", "hand"]}, None, ["by", "hand"]),
        ([], None, None),
        ("nothing of use", None, None),
    ],
)
@pytest.mark.parametrize("behaviour", [plan(), Raises("ConfigFault")], ids=["planned", "refused"])
def test_the_record_of_an_end_tells_what_was_started_by_whom_and_when_whatever_the_input_was(
    run_workflow: RunWorkflow, given: Any, workflow_id: str | None, trigger: Any, behaviour: Behaviour
) -> None:
    ended = run_workflow(given=given, PlanExecution=behaviour, RecordEvent=[Raises("RetryLater"), record])
    requests = [RecordRequest.model_validate(request).event for request in calls(ended, "RecordEvent")]
    assert len(requests) == 2
    # A try that comes again says the same, so its event is the same.
    assert requests[0] == requests[1]
    (recorded, _) = requests
    assert isinstance(recorded, ExecutionRecord)
    assert (recorded.workflow_id, recorded.trigger) == (workflow_id, trigger)
    assert recorded.started_at == ended.execution.started
    assert ended.execution.stopped is not None
    assert recorded.ended_at is not None
    assert recorded.started_at <= recorded.ended_at <= ended.execution.stopped


def test_one_job_is_still_a_list_of_one_job(run_workflow: RunWorkflow) -> None:
    [event] = records(run_workflow(PlanExecution=plan([[planned("only")]])), "execution_ended")
    assert event["jobs"] == [succeeded("only")]


def test_a_plan_without_jobs_is_a_success(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(PlanExecution=plan([]))
    assert ended.status == "SUCCEEDED"
    assert visited(ended) == ["Plan", "NextGroup", "RecordSuccess", "Succeeded"]
    assert records(ended, "execution_ended")[0]["jobs"] == []


@pytest.mark.parametrize("step", STEPS)
def test_a_failing_job_is_recorded_and_its_siblings_go_on(run_workflow: RunWorkflow, step: str) -> None:
    ended = run_workflow(**{step: for_job("job_a", Raises("DataFault", "row 3"))})
    assert (ended.status, *ended.failure) == ("FAILED", "JobsFailed", "see the jobs")
    [failure] = records(ended, "job_failed")
    assert (failure["jobId"], failure["step"], failure["error"]) == ("job_a", STEP_NAMES[STEPS.index(step)], "DataFault")
    assert "row 3" in failure["cause"]
    [end] = records(ended, "execution_ended")
    assert end["jobs"] == [
        {
            "jobId": "job_a",
            "status": "failed",
            "errorKey": "runs/run/job_a/error.json",
            "escalations": [],
            "tries": dict.fromkeys(STEP_NAMES[: STEPS.index(step) + 1], 1),
        },
        succeeded("job_b"),
    ]
    assert [event["jobId"] for event in calls(ended, "GoldPublish")].count("job_b") == 1


def test_after_a_failed_group_no_other_group_starts(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(BronzeIngest=for_job("job_a", Raises("DataFault")))
    assert "job_c" not in {event["jobId"] for event in calls(ended, "BronzeIngest")}
    assert visited(ended)[-3:] == ["GroupFinished", "RecordFailure", "Failed"]


@pytest.mark.parametrize("error", LASTING)
def test_an_error_that_stays_is_not_tried_again(run_workflow: RunWorkflow, error: str) -> None:
    ended = run_workflow(PlanExecution=plan([[planned("job_a")]]), BronzeIngest=Raises(error))
    assert len(calls(ended, "BronzeIngest")) == 1
    assert records(ended, "job_failed")[0]["error"] == error


@pytest.mark.parametrize("error", TRANSIENT)
@pytest.mark.parametrize("function", ["PlanExecution", *STEPS])
def test_a_passing_error_is_tried_again(run_workflow: RunWorkflow, function: str, error: str) -> None:
    answer = plan([[planned("job_a")]])
    script = {"PlanExecution": answer, function: [Raises(error), answer if function == "PlanExecution" else {}]}
    ended = run_workflow(**script)
    assert ended.status == "SUCCEEDED"
    assert len(calls(ended, function)) == 2


def test_an_attempt_is_made_seven_times_with_growing_delays_of_at_most_a_minute(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(PlanExecution=Raises("RetryLater"))
    assert ended.functions.started[:7] == [0, 2, 6, 14, 30, 62, 122]
    assert ended.failure[0] == "RetryLater"


def test_a_plan_that_fails_is_recorded_and_nothing_starts(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(PlanExecution=Raises("ConfigFault", "no such workflow"))
    assert visited(ended) == ["Plan", "RecordPlanFailure", "Failed"]
    assert ended.failure[0] == "ConfigFault"
    assert "no such workflow" in str(ended.failure[1])
    assert records(ended, "execution_ended")[0]["error"] == "ConfigFault"


def test_a_plan_without_a_key_fails_the_execution(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(PlanExecution={"groups": []})
    assert ended.failure[0] == "States.QueryEvaluationError"
    assert visited(ended) == ["Plan", "RecordPlanFailure", "Failed"]


def test_a_group_that_cannot_be_run_is_recorded(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(PlanExecution=plan([[{"nameless": 1}]]))
    assert visited(ended)[-2:] == ["RecordFailure", "Failed"]
    assert ended.failure[0] == "States.QueryEvaluationError"
    assert records(ended, "execution_ended")[0]["error"] == "States.QueryEvaluationError"


def test_a_job_whose_failure_cannot_be_recorded_is_still_failed(run_workflow: RunWorkflow) -> None:
    ended = run_workflow(BronzeIngest=for_job("job_a", Raises("DataFault")), RecordEvent=recorder(job_failed=Raises("DataFault")))
    assert "JobFailureUnrecorded" in visited(ended)
    assert records(ended, "execution_ended")[0]["jobs"][0] == {
        "jobId": "job_a",
        "status": "failed",
        "escalations": [],
        "tries": {"bronze_ingest": 1},
    }
    assert ended.status == "FAILED"


@pytest.mark.parametrize(
    ("functions", "path"),
    [
        ({"RecordEvent": recorder(succeeded=Raises("DataFault", "no bucket"))}, ["RecordSuccess", "RecordingFailed"]),
        (
            {
                "BronzeIngest": for_job("job_a", Raises("DataFault")),
                "RecordEvent": recorder(failed=Raises("DataFault", "no bucket")),
            },
            ["RecordFailure", "RecordingFailed"],
        ),
        (
            {"PlanExecution": Raises("ConfigFault"), "RecordEvent": recorder(failed=Raises("DataFault", "no bucket"))},
            ["RecordPlanFailure", "RecordingFailed"],
        ),
    ],
)
def test_an_end_that_cannot_be_recorded_is_a_failure(
    run_workflow: RunWorkflow, functions: dict[str, Behaviour], path: list[str]
) -> None:
    ended = run_workflow(**functions)
    assert visited(ended)[-2:] == path
    assert ended.failure[0] == "DataFault"
    assert str(ended.failure[1]).startswith("The end of the execution could not be recorded: ")
    assert "no bucket" in str(ended.failure[1])


@pytest.mark.parametrize(
    "functions",
    [
        {},
        {"PlanExecution": Raises("ConfigFault")},
        {"BronzeIngest": for_job("job_a", Raises("DataFault"))},
    ],
)
def test_recording_is_tried_again(run_workflow: RunWorkflow, functions: dict[str, Behaviour]) -> None:
    undisturbed = run_workflow(**functions)
    disturbed = run_workflow(**functions, RecordEvent=[Raises("RetryLater"), record])
    assert (disturbed.status, disturbed.failure[0]) == (undisturbed.status, undisturbed.failure[0])
    assert len(calls(disturbed, "RecordEvent")) == len(calls(undisturbed, "RecordEvent")) + 1
