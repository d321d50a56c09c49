"""A job of SQL reads Silver tables as they are now, all of one moment, and publishes what its statement gives."""

import io
import shutil
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from flowforge.lake import keys
from flowforge.lake.heads import Head, read_head
from flowforge.lake.lake import Lake
from flowforge.model.errors import CommitConflict, ConfigFault, DataFault, NextTier
from flowforge.model.plan import ExecutionInput, Plan, PlanRequest
from flowforge.model.step import GoldSqlCounts, Step, StepRequest, StepResult
from flowforge.model.workflow import read_workflow
from flowforge.orchestration.planning import plan_execution, plan_response
from flowforge.steps.run_step import run_step
from lab import DAWN, JOB_ID, Lab
from s3_faults import just_before

SQL = "SELECT country, sum(amount) AS total FROM orders JOIN customers USING (customer) GROUP BY country"
ORDERS = pl.DataFrame({"id": [1, 2, 3], "customer": ["a", "b", "b"], "amount": [10, 25, 5]})
CUSTOMERS = pl.DataFrame({"customer": ["a", "b"], "country": ["de", "it"]})
TOTALS = [("de", 10), ("it", 30)]
CURRENT = keys.silver_current_key("store", "orders")


def analytics(**gold: Any) -> dict[str, Any]:
    tables = {"orders": "store/orders", "customers": "store/customers"}
    config = {"sql": SQL, "tables": tables, **gold}
    return {"id": "job_sales", "name": "Sales", "type": "gold-analytics", "order": 2, "destinationConfig": {"goldConfig": config}}


class Shop:
    """A job of SQL over two tables of another workflow, and the means to put these where a strategy keeps them."""

    def __init__(self, lake: Lake, **gold: Any) -> None:
        self.lake, self.runs = lake, 0
        definition = {"id": "wf_shop", "name": "Shop", "jobs": [analytics(**gold)]}
        self.workflow = read_workflow(definition, origin="the test")

    def put(self, key: str, frame: pl.DataFrame, *, version: int = 1) -> str:
        body = io.BytesIO()
        frame.write_parquet(body, metadata={"flowforge.workflow_id": "wf_store", "flowforge.job_id": "job_orders"})
        metadata = {"table-version": str(version)}
        answer = self.lake.client.put_object(Bucket=self.lake.bucket, Key=key, Body=body.getvalue(), Metadata=metadata)
        return answer["ETag"]

    def merged(self) -> None:
        self.put(CURRENT, ORDERS)

    def versioned(self) -> None:
        for run_id, frame in (("old", ORDERS.clear()), ("new", ORDERS), ("other", ORDERS.clear())):
            key = keys.silver_run_key("store", "orders", DAWN, run_id)
            etag = self.put(key, frame)
            if run_id == "new":
                head = Head(run_id=run_id, key=key, etag=etag, rows=3, contract_version=1, planned_at=DAWN)
                self.lake.overwrite(keys.silver_head_key("store", "orders"), head.to_json())

    def appended(self) -> None:
        for number, part in enumerate((ORDERS[:1], ORDERS[1:])):
            self.put(keys.silver_run_key("store", "orders", DAWN, f"run{number}"), part)

    def plan(self) -> str:
        self.runs += 1
        request = PlanRequest(
            execution_id=f"exec_{self.runs}",
            started_at=DAWN + timedelta(hours=self.runs),
            input=ExecutionInput(workflow_id="wf_shop"),
        )
        return keys.plan_key(self.planned(request).execution_id)

    def planned(self, request: PlanRequest) -> Plan:
        return plan_execution(request, self.lake, lambda _: self.workflow)

    def sales(self, plan_key: str) -> StepResult:
        execution_id = plan_key.split("/")[1]
        step = Step.GOLD_PUBLISH
        request = StepRequest(schema_version=1, execution_id=execution_id, job_id="job_sales", step=step, plan_key=plan_key)
        return run_step(request, self.lake)

    def rows(self, result: StepResult) -> list[tuple[Any, ...]]:
        key = self.lake.uri(result.outputs[0].key)
        return pl.read_parquet(key, storage_options=self.lake.storage_options, hive_partitioning=False).rows()


def shop(lake: Lake, **gold: Any) -> Shop:
    made = Shop(lake, **gold)
    made.put(keys.silver_current_key("store", "customers"), CUSTOMERS)
    return made


@pytest.mark.parametrize("kept", [Shop.merged, Shop.versioned, Shop.appended])
def test_the_statement_sees_each_table_as_a_reader_would(lake: Lake, kept: Any) -> None:
    made = shop(lake)
    kept(made)
    plan_key = made.plan()
    result = made.sales(plan_key)
    assert made.rows(result) == TOTALS
    assert result.counts == GoldSqlCounts(read=5, loaded=5, selected=2, written=2)
    assert made.sales(plan_key) == result
    head = read_head(lake, keys.gold_head_key("analytics", "sales"))
    assert head is not None
    assert head.key == result.outputs[0].key


def test_the_head_follows_the_state_of_the_tables_and_not_the_order_of_plans(lake: Lake) -> None:
    made = shop(lake)
    made.merged()
    first, second = made.plan(), made.plan()
    assert made.sales(second).head == "current"
    made.put(CURRENT, ORDERS[:2], version=2)
    result = made.sales(first)
    assert (result.head, result.table_version) == ("current", 3)
    assert made.rows(result) == [("de", 10), ("it", 25)]


def test_rows_come_in_the_jobs_order_with_the_day_of_a_snapshot(lake: Lake) -> None:
    made = shop(lake, orderBy=["total desc"], buildStrategy="snapshot")
    made.merged()
    assert made.rows(made.sales(made.plan())) == [("it", 30, DAWN.date()), ("de", 10, DAWN.date())]


def test_a_table_that_is_not_there_yet_is_named(lake: Lake) -> None:
    made = shop(lake)
    with pytest.raises(DataFault, match="the Silver table store/orders is not there: run its job first"):
        made.sales(made.plan())


def test_a_table_that_changes_meanwhile_is_read_again(lake: Lake) -> None:
    made = shop(lake)
    made.merged()
    plan_key = made.plan()
    change = just_before(lake, "HeadObject", lambda: made.put(CURRENT, ORDERS[:1]), key=CURRENT, nth=2)
    with change, pytest.raises(CommitConflict, match="store/orders/ was replaced while it was read"):
        made.sales(plan_key)
    assert lake.first_key("gold/") is None
    assert made.rows(made.sales(plan_key)) == [("de", 10)]


def test_a_head_whose_object_was_replaced_is_no_table(lake: Lake) -> None:
    made = shop(lake)
    made.versioned()
    made.put(keys.silver_run_key("store", "orders", DAWN, "new"), ORDERS[:1])
    with pytest.raises(CommitConflict, match="which the head of silver/store/orders/ names, was replaced"):
        made.sales(made.plan())


def test_too_little_scratch_space_moves_the_step_to_the_next_tier(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    made = shop(lake)
    made.merged()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(NextTier, match="bytes of scratch space are needed"):
        made.sales(made.plan())


def test_the_plan_gives_a_job_of_sql_its_one_step_and_no_files(lake: Lake) -> None:
    made = shop(lake)
    made.plan()
    request = PlanRequest(execution_id="exec_1", started_at=DAWN, input=ExecutionInput(workflow_id="wf_shop"))
    assert [list(job.tiers) for group in plan_response(made.planned(request)).groups for job in group] == [[Step.GOLD_PUBLISH]]
    files = {"job_sales": ("landing/wf_shop/job_sales/a.csv",)}
    named = PlanRequest(execution_id="exec_9", started_at=DAWN, input=ExecutionInput(workflow_id="wf_shop", files=files))
    with pytest.raises(ConfigFault, match="reads tables by SQL, and the input names files"):
        made.planned(named)


class SameWorkflow(Lab):
    """The lab's job, and one of SQL over its table that compares itself with it."""

    def definition(self) -> dict[str, Any]:
        columns = {"reconciliationColumn": "amount", "targetColumn": "total"}
        rules = [{"name": layer, "sourceJob": JOB_ID, "sourceLayer": layer, **columns} for layer in ("bronze", "silver", "gold")]
        gold = {"sql": "SELECT sum(amount) AS total FROM orders", "tables": {"orders": "shop/orders"}}
        definition = super().definition()
        definition["jobs"].append(analytics(**gold) | {"validationConfig": {"reconciliationRules": rules}})
        return definition


def test_a_job_of_the_same_workflow_is_read_and_compared(lake: Lake) -> None:
    run = SameWorkflow(lake).ingest("id,customer,amount\n1,a,10\n2,b,20\n")
    run.gold()
    request = run.request(Step.GOLD_PUBLISH).model_copy(update={"job_id": "job_sales"})
    result = run_step(request, lake)
    assert [(item.left.value, item.right.value, item.passed) for item in result.reconciliation] == [("30", "30", True)] * 3
