"""What holds of every step: asked twice it answers the same, it writes in one order, and it leaves nothing of its own behind."""

import pytest

from flowforge.lake import keys
from flowforge.model.errors import ConfigFault
from flowforge.model.step import Step, StepRequest, StepResult
from flowforge.steps.run_step import run_step
from lab import JOB_ID, Lab, Run
from s3_faults import noting

BROKEN = "id,amount\n1,10\n1,11\nx,12\n2,20\n"
KEY = {"primaryKey": "id"}
MAPPINGS = {"transformationConfig": {"columnMappings": [{"sourceColumn": "id", "dataType": "integer"}]}}
STEPS = [Step.BRONZE_INGEST, Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH]


def folders(sent: list[tuple[str, str]]) -> list[str]:
    """What the requests make visible, in their order: the folder, or the name for what lies beside the folders."""
    shown = []
    for operation, key in sent:
        if operation in ("PutObject", "CompleteMultipartUpload") and not key.startswith("_attempts/"):
            special = [name for name in ("_head.json", "archive", "contracts") if name in key]
            shown.append(f"{key.split('/')[0]}/{special[0]}" if special else key.split("/")[0])
    return shown


def through(run: Run) -> dict[Step, StepResult]:
    return {step: run.step(step) for step in STEPS}


@pytest.mark.parametrize("strategy", ["versioned", "merge"])
def test_a_step_that_is_asked_again_answers_the_same_and_writes_nothing(lab: Lab, strategy: str) -> None:
    lab.silver = KEY | {"mergeStrategy": strategy}
    run = lab.ingest("id,amount\n1,10\n2,20\n")
    first = through(run)
    with noting(lab.lake) as sent:
        assert through(run) == first
    assert sent == []


def test_a_result_is_stored_as_it_is_answered(lab: Lab) -> None:
    run = lab.ingest("id,amount\n1,10\n")
    for step, answered in through(run).items():
        stored = lab.lake.read(f"runs/{run.execution_id}/{JOB_ID}/{step.value}.json")
        assert stored is not None
        assert StepResult.model_validate_json(stored[0]) == answered


def test_a_run_leaves_nothing_of_its_attempts(lab: Lab) -> None:
    lab.silver, lab.job = KEY | {"mergeStrategy": "merge"}, MAPPINGS
    lab.ingest(BROKEN).gold()
    lab.ingest("id,amount\n1,12\n").gold()
    assert lab.keys_below("_attempts/") == []
    assert "Uploads" not in lab.lake.client.list_multipart_uploads(Bucket=lab.lake.bucket)


def test_what_others_read_is_written_in_the_promised_order(lab: Lab) -> None:
    lab.silver, lab.job = KEY, MAPPINGS
    run = lab.ingest(BROKEN)
    with noting(lab.lake) as sent:
        through(run)
    assert folders(sent) == [
        *["bronze", "runs", "runs"],
        *["contracts/contracts", "quarantine", "silver", "silver/_head.json", "runs", "runs"],
        *["gold", "gold/_head.json", "runs", "runs"],
    ]


def test_a_merge_archives_the_table_before_it_is_replaced(lab: Lab) -> None:
    lab.silver, lab.job = KEY | {"mergeStrategy": "merge"}, MAPPINGS
    first = lab.ingest("id,amount\n1,10\n").silver()
    run = lab.ingest(BROKEN)
    run.bronze()
    with noting(lab.lake) as sent:
        run.step(Step.SILVER_TRANSFORM)
    assert folders(sent) == ["quarantine", "silver/archive", "silver", "runs", "runs"]
    archived = lab.frame(keys.silver_archive_key("shop", "orders", first.run_id))
    assert archived.select("id", "amount").rows() == [(1, 10)]


def test_what_a_step_will_answer_is_stored_before_anything_is_visible(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    with noting(lab.lake) as sent:
        run.bronze()
    written = [key for operation, key in sent if operation in ("PutObject", "CompleteMultipartUpload")]
    assert written[0].startswith("_attempts/")
    assert written[0].endswith("/result.json")
    assert written[1].startswith("bronze/")


@pytest.mark.parametrize("step", STEPS[1:])
def test_a_step_that_is_asked_before_the_one_before_it_says_so(lab: Lab, step: Step) -> None:
    run = lab.ingest("id\n1\n")
    with pytest.raises(ConfigFault, match=rf"{step.value} of {JOB_ID} was asked for before \w+ had finished"):
        run.step(step)


def test_a_request_without_a_plan_or_a_job_says_so(lab: Lab) -> None:
    run = lab.ingest("id\n1\n")
    request = run.request(Step.BRONZE_INGEST)
    with pytest.raises(ConfigFault, match=r"there is no plan under runs/x/plan.json"):
        run_step(request.model_copy(update={"plan_key": "runs/x/plan.json"}), lab.lake)
    with pytest.raises(ConfigFault, match="has no job job_x"):
        run_step(request.model_copy(update={"job_id": "job_x"}), lab.lake)


def test_the_payload_of_a_step_is_exactly_ids_and_a_pointer(lab: Lab) -> None:
    request = lab.ingest("id\n1\n").request(Step.BRONZE_INGEST)
    assert set(StepRequest.model_json_schema(by_alias=True)["properties"]) == {
        "schemaVersion",
        "executionId",
        "jobId",
        "step",
        "planKey",
    }
    assert run_step(StepRequest.model_validate_json(request.to_json()), lab.lake).step is Step.BRONZE_INGEST


def test_two_runs_of_the_same_rows_write_the_same_bytes(lab: Lab) -> None:
    lab.silver = KEY
    content = "id,amount\n" + "".join(f"{number},{number * 7 % 13}\n" for number in range(5000))
    first = lab.ingest(content).silver()
    frames = [lab.frame(first.outputs[0].key)]
    second = lab.ingest(content).silver()
    frames.append(lab.frame(second.outputs[0].key))
    audit = ["_ingested_at", "_run_id"]
    assert frames[0].drop(audit).equals(frames[1].drop(audit))
