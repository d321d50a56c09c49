from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.plan import ExecutionInput, Plan, PlanRequest
from flowforge.model.workflow import read_workflow
from flowforge.orchestration.definitions import Definitions
from flowforge.orchestration.planning import plan_execution, plan_response
from lab import JOB_ID, WORKFLOW_ID, Lab
from s3_faults import just_before

AT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


def shop(*jobs: dict[str, Any]) -> Definitions:
    """The definitions of a stage that has one workflow."""
    definition = {"id": WORKFLOW_ID, "name": "Shop", "jobs": list(jobs or ({"id": JOB_ID, "name": "Orders"},))}
    workflow = read_workflow(definition, origin="the test")
    return {WORKFLOW_ID: workflow}.__getitem__


def land(lake: Lake, name: str, job_id: str = JOB_ID) -> str:
    key = f"landing/{WORKFLOW_ID}/{job_id}/{name}"
    lake.overwrite(key, "id\n1\n")
    return key


def request(*files: str, execution_id: str = "exec_1", at: datetime = AT, workflow_id: str = WORKFLOW_ID) -> PlanRequest:
    chosen = ExecutionInput(workflow_id=workflow_id, files={JOB_ID: files} if files else {})
    return PlanRequest(execution_id=execution_id, started_at=at, input=chosen)


def names(plan: Plan) -> list[str]:
    return [source.name for source in plan.jobs[0].sources]


def test_the_plan_holds_each_source_as_it_is_now(lake: Lake) -> None:
    definitions = shop()
    key = land(lake, "orders.csv")
    version = lake.head(key)
    (source,) = plan_execution(request(), lake, definitions).jobs[0].sources
    assert version is not None
    assert version.version_id
    assert (source.key, source.name, source.etag, source.version_id, source.size_bytes) == (
        key,
        "orders.csv",
        version.etag,
        version.version_id,
        5,
    )


def test_a_repeated_request_answers_with_the_stored_plan(lake: Lake) -> None:
    definitions = shop()
    land(lake, "a.csv")
    first = plan_execution(request(), lake, definitions)
    stored = lake.read(keys.plan_key("exec_1"))
    land(lake, "b.csv")
    assert plan_execution(request(at=AT + timedelta(days=1)), lake, definitions) == first
    assert lake.read(keys.plan_key("exec_1")) == stored


def test_two_requests_at_once_agree_on_the_plan_that_was_stored_first(lake: Lake) -> None:
    definitions = shop()
    land(lake, "a.csv")
    answers: list[Plan] = []

    def another() -> None:
        land(lake, "b.csv")
        answers.append(plan_execution(request(), lake, definitions))

    with just_before(lake, "PutObject", another, key="plan.json"):
        answers.append(plan_execution(request(), lake, definitions))
    assert answers[0] == answers[1]
    assert names(plan_execution(request(), lake, definitions)) == ["a.csv", "b.csv"]


def test_run_ids_are_the_day_and_differ_by_execution_and_job(lake: Lake) -> None:
    definitions = shop({"id": JOB_ID, "name": "Orders"}, {"id": "job_more", "name": "More"})
    land(lake, "a.csv")
    land(lake, "a.csv", "job_more")
    plans = [plan_execution(request(execution_id=execution), lake, definitions) for execution in ("exec_1", "exec_2")]
    run_ids = [job.run_id for plan in plans for job in plan.jobs]
    assert len(set(run_ids)) == 4
    assert all(run_id.startswith("20261123-") and len(run_id) == 21 for run_id in run_ids)


def test_the_day_is_the_one_in_utc(lake: Lake) -> None:
    definitions = shop()
    land(lake, "a.csv")
    plan = plan_execution(request(at=AT.astimezone(timezone(timedelta(hours=2)))), lake, definitions)
    assert plan.jobs[0].run_id.startswith("20261123-")
    assert plan.planned_at.utcoffset() == timedelta(0)


def test_files_are_read_in_the_order_in_which_they_came_and_then_by_name(lake: Lake) -> None:
    definitions = shop()
    for name in ("b.csv", "a.csv", "c.csv"):
        land(lake, name)
    listed = lake.list_objects("landing/")
    expected = sorted(listed, key=lambda item: (item.last_modified, item.key))
    assert names(plan_execution(request(), lake, definitions)) == [item.key.rpartition("/")[2] for item in expected]


def test_only_files_of_the_pattern_are_read(lake: Lake) -> None:
    definitions = shop({"id": JOB_ID, "name": "Orders", "sourceConfig": {"fileConfig": {"filePattern": "orders_*.csv"}}})
    for name in ("orders_1.csv", "customers.csv", "Orders_2.csv", "orders_3.csv.bak"):
        land(lake, name)
    assert names(plan_execution(request(), lake, definitions)) == ["orders_1.csv"]


def test_folders_below_the_landing_prefix_and_their_markers_are_not_read(lake: Lake) -> None:
    definitions = shop()
    for name in ("", "archive/", "archive/old.csv", "orders.csv"):
        land(lake, name)
    assert names(plan_execution(request(), lake, definitions)) == ["orders.csv"]


def test_files_that_were_chosen_are_read_in_the_order_of_the_choice(lake: Lake) -> None:
    definitions = shop()
    first, second = land(lake, "z.csv"), land(lake, "a.csv")
    land(lake, "m.csv")
    assert names(plan_execution(request(first, second), lake, definitions)) == ["z.csv", "a.csv"]


def test_the_pattern_does_not_narrow_a_choice(lake: Lake) -> None:
    definitions = shop({"id": JOB_ID, "name": "Orders", "sourceConfig": {"fileConfig": {"filePattern": "orders*.csv"}}})
    assert names(plan_execution(request(land(lake, "other.csv")), lake, definitions)) == ["other.csv"]


def test_no_file_is_a_fault_that_names_the_prefix_and_the_pattern(lake: Lake) -> None:
    definitions = shop()
    with pytest.raises(DataFault, match=rf"Orders: no file under landing/{WORKFLOW_ID}/{JOB_ID}/ matches '\*'"):
        plan_execution(request(), lake, definitions)
    assert lake.read("runs/exec_1/plan.json") is None


@pytest.mark.parametrize("name", ["orders.pdf", "orders", "orders.csv.doc", "csv"])
def test_an_unknown_format_is_named(lake: Lake, name: str) -> None:
    definitions = shop()
    land(lake, name)
    with pytest.raises(
        DataFault, match=r"the format is unknown; state sourceConfig.type, or name the file by one of \.csv"
    ) as caught:
        plan_execution(request(), lake, definitions)
    assert caught.value.file == name


@pytest.mark.parametrize("name", ["a.tsv", "a.txt", "a.csv.gz", "a.zip", "a.csv.zst"])
def test_text_and_compressed_text_are_known_by_their_names(lake: Lake, name: str) -> None:
    definitions = shop()
    land(lake, name)
    assert names(plan_execution(request(), lake, definitions)) == [name]


def test_the_case_of_the_extension_does_not_count(lake: Lake) -> None:
    definitions = shop()
    land(lake, "ORDERS.CSV")
    assert names(plan_execution(request(), lake, definitions)) == ["ORDERS.CSV"]


@pytest.mark.parametrize(
    "key",
    [
        f"landing/{WORKFLOW_ID}/job_other/orders.csv",
        f"landing/wf_other/{JOB_ID}/orders.csv",
        f"landing/{WORKFLOW_ID}/{JOB_ID}/deeper/orders.csv",
        f"landing/{WORKFLOW_ID}/{JOB_ID}/../job_other/orders.csv",
        f"landing/{WORKFLOW_ID}/{JOB_ID}x/orders.csv",
        "bronze/shop/orders/orders.csv",
        "orders.csv",
        "",
    ],
)
def test_a_file_outside_the_jobs_own_landing_prefix_is_refused(lake: Lake, key: str) -> None:
    definitions = shop()
    if key:
        lake.overwrite(key, "id\n1\n")
    with pytest.raises(ConfigFault, match=rf"is not a file under landing/{WORKFLOW_ID}/{JOB_ID}/") as caught:
        plan_execution(request(key), lake, definitions)
    assert caught.value.option == "files"


def test_a_chosen_file_that_is_not_there_is_named(lake: Lake) -> None:
    definitions = shop()
    with pytest.raises(DataFault, match=r"gone.csv is not in landing") as caught:
        plan_execution(request(f"landing/{WORKFLOW_ID}/{JOB_ID}/gone.csv"), lake, definitions)
    assert caught.value.file == "gone.csv"


def test_a_file_that_is_chosen_twice_is_refused(lake: Lake) -> None:
    definitions = shop()
    key = land(lake, "a.csv")
    with pytest.raises(ConfigFault, match="named twice"):
        plan_execution(request(key, key), lake, definitions)


def test_files_of_an_unknown_job_are_refused(lake: Lake) -> None:
    definitions = shop()
    land(lake, "a.csv")
    wish = PlanRequest(
        execution_id="exec_1", started_at=AT, input=ExecutionInput(workflow_id=WORKFLOW_ID, files={"job_x": ("a",)})
    )
    with pytest.raises(ConfigFault, match="job_x, which is no job of wf_shop"):
        plan_execution(wish, lake, definitions)


def test_only_the_jobs_that_are_named_run(lake: Lake) -> None:
    definitions = shop({"id": JOB_ID, "name": "Orders"}, {"id": "job_more", "name": "More"})
    land(lake, "a.csv", "job_more")

    def asked(**given: Any) -> PlanRequest:
        return PlanRequest(execution_id="exec_1", started_at=AT, input=ExecutionInput(workflow_id=WORKFLOW_ID, **given))

    assert [planned.job.id for planned in plan_execution(asked(jobs=("job_more",)), lake, definitions).jobs] == ["job_more"]
    with pytest.raises(ConfigFault, match="names jobs of job_x, which is no job of wf_shop"):
        plan_execution(asked(jobs=("job_x",)).model_copy(update={"execution_id": "exec_2"}), lake, definitions)
    with pytest.raises(ValueError, match="files are named for job_orders, which is none of the jobs"):
        asked(jobs=("job_more",), files={JOB_ID: ("a",)})


def test_jobs_of_one_order_are_a_group_and_groups_follow_their_order(lake: Lake) -> None:
    orders = {"late": 7, "first": 1, "second": 2, "also_first": 1}
    definitions = shop(*({"id": job_id, "name": job_id, "order": order} for job_id, order in orders.items()))
    for job_id in orders:
        land(lake, "a.csv", job_id)
    response = plan_response(plan_execution(request(), lake, definitions))
    groups = [[job.job_id for job in group] for group in response.groups]
    assert groups == [["first", "also_first"], ["second"], ["late"]]


def test_the_plan_names_the_contract_that_the_run_starts_from(lab: Lab) -> None:
    first = lab.ingest("id\n1\n")
    first.silver()
    second = lab.ingest("id\n2\n")
    versions = []
    for run in (first, second):
        stored = lab.lake.read(run.plan_key)
        assert stored is not None
        versions.append(Plan.model_validate_json(stored[0]).jobs[0].contract_version)
    assert versions == [None, 1]


def test_a_job_that_reads_a_single_file_refuses_several(lake: Lake) -> None:
    definitions = shop(
        {"id": JOB_ID, "name": "Orders", "sourceConfig": {"fileConfig": {"uploadMode": "single", "filePattern": "o*"}}}
    )
    land(lake, "orders.csv")
    land(lake, "customers.csv")
    assert names(plan_execution(request(), lake, definitions)) == ["orders.csv"]
    land(lake, "orders_2.csv")
    with pytest.raises(DataFault, match=r"uploadMode is 'single', and 2 files under .* match 'o\*'; remove the others"):
        plan_execution(request(execution_id="exec_2"), lake, definitions)


def test_a_file_that_contradicts_its_type_is_named(lake: Lake) -> None:
    definitions = shop({"id": JOB_ID, "name": "Orders", "sourceConfig": {"type": "parquet"}})
    land(lake, "orders.csv")
    with pytest.raises(DataFault, match=r"orders.csv is no Parquet file"):
        plan_execution(request(), lake, definitions)
