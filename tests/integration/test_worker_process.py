"""The worker as a process: what it is started with, how it ends, and what a stop in the middle of it leaves."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from disturbed_runs import elsewhere, prepared, state_of
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.execution import StepFailure
from flowforge.model.exit_codes import ExitCode
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import Step
from lab import JOB_ID, Lab, Run
from s3_proxy import faulty_proxy
from worker_process import StoppingAt, ended, started

ROWS = "id,amount\n1,10\n2,20\n"
AT_ONCE_SECONDS = 10.0
"""ECS kills after the thirty of the task definition."""
STOPPED_TOGETHER = 2
KINDS = 5
"""The engine's write, an upload that is begun, filled and completed, and the clearing up."""


def failure_of(run: Run, step: Step) -> StepFailure | None:
    stored = run.lab.lake.read(keys.failure_key(run.execution_id, JOB_ID, step))
    return StepFailure.model_validate_json(stored[0]) if stored else None


def test_the_three_steps_leave_what_they_leave_on_any_tier(lake: Lake, s3_url: str) -> None:
    run = prepared(lake, MergeStrategy.MERGE, Step.BRONZE_INGEST)
    here = elsewhere(run, "here")
    here.gold()
    for step in Step:
        end = ended(started(run, step, s3_url))
        assert (end.code, end.errors) == (0, "")
    assert state_of(run.lab) == state_of(here.lab)


def test_a_worker_logs_the_counts_under_the_execution_s_id_with_the_release(lab: Lab, s3_url: str) -> None:
    run = lab.ingest(ROWS)
    line = ended(started(run, Step.BRONZE_INGEST, s3_url, FLOWFORGE_RELEASE="r42")).log[-1]
    assert (line["message"], line["correlation_id"], line["release"]) == ("finished", run.execution_id, "r42")
    assert line["counts"] == {"read": 2, "written": 2, "malformed": 0}


def test_a_plan_may_be_named_by_its_key_in_the_bucket_of_the_environment(lab: Lab, s3_url: str) -> None:
    run = lab.ingest(ROWS)
    by_key = started(run, Step.BRONZE_INGEST, s3_url, plan=run.plan_key, FLOWFORGE_DATA_BUCKET=lab.lake.bucket)
    assert ended(by_key).code == 0


def test_a_finished_step_answers_at_once_and_changes_nothing(lab: Lab, s3_url: str) -> None:
    run = lab.ingest(ROWS)
    run.bronze()
    before = lab.lake.list_objects("")
    assert ended(started(run, Step.BRONZE_INGEST, s3_url)).code == 0
    assert lab.lake.list_objects("") == before


def test_a_fault_in_the_data_ends_with_its_code_and_leaves_the_whole_message(lab: Lab, s3_url: str) -> None:
    run = lab.ingest("id,amount\n1,10\n2,20,30\n")
    end = ended(started(run, Step.BRONZE_INGEST, s3_url))
    failure = failure_of(run, Step.BRONZE_INGEST)
    assert failure is not None
    assert (end.code, failure.error, failure.exit_code) == (12, "DataFault", 12)
    assert (failure.file, failure.row) == ("orders.csv", 2)
    assert "orders.csv" in failure.message
    assert end.log[-1]["message"] == "failed"
    assert end.log[-1]["failure"]["message"] == failure.message


def test_a_bucket_that_is_not_there_ends_with_the_code_of_a_wrong_configuration(lab: Lab, s3_url: str) -> None:
    run = lab.ingest(ROWS)
    end = ended(started(run, Step.BRONZE_INGEST, s3_url, plan=f"s3://no-such-bucket/{run.plan_key}"))
    assert end.code == ExitCode.CONFIG_FAULT
    assert [line["message"] for line in end.log] == ["failed", "the failure could not be stored"]


def test_wrong_usage_ends_with_2_and_says_what_would_be_right(lab: Lab, s3_url: str) -> None:
    run = lab.ingest(ROWS)
    end = ended(started(run, Step.BRONZE_INGEST, s3_url, plan="s3://bucket/plan.json"))
    assert end.code == ExitCode.USAGE
    assert "runs/EXECUTION/plan.json" in end.errors


@pytest.mark.parametrize("step", Step)
def test_a_stop_at_any_kind_of_write_ends_with_143_and_the_step_run_again_leaves_what_an_undisturbed_one_leaves(
    lake: Lake, s3_url: str, step: Step
) -> None:
    start = prepared(lake, MergeStrategy.MERGE, step)
    undisturbed = elsewhere(start, "undisturbed")
    with faulty_proxy(s3_url) as proxy, proxy.following(StoppingAt(0, arrived=False)) as counting:
        assert ended(started(undisturbed, step, proxy.url)).code == 0
    expected = state_of(undisturbed.lab)

    def stopped(number: int) -> None:
        # In turn right before a write and right after it, which is right before the next one for all that a reader sees.
        stopping = StoppingAt(number, arrived=number % 2 == 0)
        run = elsewhere(start, str(number))
        assert stop(run, step, s3_url, stopping) == ExitCode.TERMINATED, number
        assert stopping.took_seconds < AT_ONCE_SECONDS, number
        assert failure_of(run, step) is None
        assert_whole(run.lab, expected)
        if not (stopping.arrived and stopping.begins_an_upload):
            assert uploads_under_final_keys(run.lab.lake) == [], number
        run.step(step)
        assert state_of(run.lab) == expected, f"stopped at write {number}"

    # Deaths at every single write are those of the crash matrix, which needs no process for each.
    firsts = [counting.kinds.index(kind) + 1 for kind in dict.fromkeys(counting.kinds)]
    assert len(firsts) >= KINDS, counting.kinds
    with ThreadPoolExecutor(STOPPED_TOGETHER) as pool:
        list(pool.map(stopped, firsts))


def stop(run: Run, step: Step, s3_url: str, stopping: StoppingAt) -> int:
    """The exit code of a worker that is stopped at a write."""
    with faulty_proxy(s3_url) as proxy, proxy.following(stopping):
        stopping.process = started(run, step, proxy.url)
        stopping.ready.set()
        return ended(stopping.process).code


def uploads_under_final_keys(lake: Lake) -> list[str]:
    """Uploads that nobody will complete, except the engine's own below _attempts/."""
    found = lake.client.list_multipart_uploads(Bucket=lake.bucket).get("Uploads", [])
    return [item["Key"] for item in found if not item["Key"].startswith(keys.ATTEMPTS)]


def assert_whole(lab: Lab, expected: dict[str, object]) -> None:
    """Every table's object that is visible is one that an undisturbed run leaves, or the table before it."""
    for key, etag in state_of(lab).items():
        if key.endswith(".parquet") and "/current/" not in key:
            assert etag == expected[key], key
        elif key.endswith(".parquet"):
            assert lab.frame(key).height > 0
