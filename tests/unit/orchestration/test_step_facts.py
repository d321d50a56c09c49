"""What a step's result leaves in the database beside its state; numbers are by hand from the files' text."""

import hashlib
import logging
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from databases import ANNA
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.metadata.asset_list import asset_page
from flowforge.metadata.catalog_assets import edit
from flowforge.metadata.contract_index import contract_versions
from flowforge.metadata.database import Database
from flowforge.metadata.processed_files import file_page, same_content
from flowforge.metadata.quality_results import quality_of, reconciliations_of
from flowforge.metadata.run_state import record_step
from flowforge.metadata.schema import catalog_assets, step_results
from flowforge.metadata.schema.catalog import FileStatus
from flowforge.model.errors import DataFault
from flowforge.model.run_state import StepState
from flowforge.model.run_status import JobStatus
from flowforge.model.step import RuleOutcome, Step
from flowforge.orchestration.step_facts import record_failure_facts, record_plan_facts, record_step_facts
from lab import JOB_ID, WORKFLOW_ID, Lab
from told_runs import begin, plan_of, result_of, stored, tell

ORDERS = "id,amount,at\n1,10,2026-03-01 08:00:00\n2,20,2026-03-01 09:00:00\n2,21,2026-03-01 10:00:00\n,5,2026-03-01 11:00:00\n"
MORE = "id,amount,at\n7,70,2026-03-02 08:00:00\n"
RULES = {
    "dataQualityRules": [{"name": "has id", "column": "id", "ruleType": "not_null"}],
    "reconciliationRules": [{"name": "rows", "sourceLayer": "silver", "targetLayer": "gold"}],
}


@pytest.fixture
def lab(catalogued: Lake) -> Lab:
    job = {"validationConfig": RULES, "order": 2}
    return Lab(catalogued, job=job, silver={"primaryKey": "id"})


def assets(connection: Connection) -> dict[str, dict[str, Any]]:
    rows, _ = asset_page(connection)
    return {f"{row['layer']}.{row['table_name']}": dict(row) for row in rows}


def test_a_run_leaves_one_row_for_each_layer_with_its_parents_and_clean_types(database: Database, lab: Lab) -> None:
    run = lab.ingest(ORDERS)
    run.gold()
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        for step in (*Step, *Step):
            assert tell(connection, run, step)
        found = assets(connection)
        # Four records: one without id is set aside, of the two with id 2 the last stays.
        assert {name: (row["row_count"], row["parent_tables"]) for name, row in found.items()} == {
            "bronze.shop_orders": (4, []),
            "silver.shop_orders": (2, ["bronze.shop_orders"]),
            "gold.shop_orders": (2, ["silver.shop_orders"]),
            "quarantine.shop_orders": (1, ["bronze.shop_orders"]),
        }
        silver = found["silver.shop_orders"]
        types = {column["name"]: (column["type"], column["origins"]) for column in silver["columns"]}
        assert (types["at"], types["id"], types["_ingested_at"][0]) == (("timestamp", ["at"]), ("bigint", ["id"]), "timestamp")
        (key,) = (output.key for output in result_of(run, Step.SILVER_TRANSFORM).outputs_of("silver"))
        head = lab.lake.head(key)
        assert head is not None
        assert (silver["size_bytes"], silver["environment"], silver["execution_id"]) == (head.size_bytes, "dev", run.execution_id)
        assert [(row["rule"], row["failed"], row["checked"]) for row in quality_of(connection, run.execution_id)] == [
            ("has id", 0, 2),
            ("primary_key(id)", 1, None),
        ]
        assert [(row["rule"], row["passed"]) for row in reconciliations_of(connection, run.execution_id)] == [("rows", True)]
        (version,) = contract_versions(connection, WORKFLOW_ID, JOB_ID)
        assert (version["version"], version["object_key"]) == (1, keys.contract_key(WORKFLOW_ID, JOB_ID, 1))
        (file,) = same_content(connection, WORKFLOW_ID, JOB_ID, hashlib.sha256(ORDERS.encode()).hexdigest())
        assert (file["status"], file["execution_id"]) == (FileStatus.COMPLETED, run.execution_id)


def test_every_order_of_the_same_tellings_ends_with_the_same_rows(database: Database, lab: Lab) -> None:
    lab.silver["mergeStrategy"] = "append"
    lab.job["validationConfig"] = {}
    first, second = lab.ingest(ORDERS), lab.ingest(MORE, name="more.csv")
    for run in (first, second):
        run.silver()
    stored(database, lab)
    ends = []
    told = [
        (first, Step.BRONZE_INGEST),
        (first, Step.SILVER_TRANSFORM),
        (second, Step.BRONZE_INGEST),
        (second, Step.SILVER_TRANSFORM),
    ]
    a, b, c, d = told
    for order in ((a, b, c, d), (d, c, b, a), (c, d, a, b), (b, a, d, c, a, d), (d, b, a, c)):
        with database.transaction() as connection:
            outer = connection.begin_nested()
            for run in (first, second):
                begin(connection, run)
            for run, step in order:
                assert tell(connection, run, step)
            numbers = {name: (row["row_count"], row["size_bytes"], row["run_id"]) for name, row in assets(connection).items()}
            files = sorted(
                (row["key"], row["status"], row["execution_id"], row["sha256"]) for row in file_page(connection, WORKFLOW_ID)
            )
            ends.append((numbers, files))
            outer.rollback()
    assert all(end == ends[0] for end in ends)
    # Both runs are the table: 4 and 1 records in Bronze, of which one has no id, which no rule forbids, and one repeats a key.
    assert (ends[0][0]["bronze.shop_orders"][0], ends[0][0]["bronze.shop_orders"][2]) == (5, plan_of(second).job(JOB_ID).run_id)


def test_what_people_wrote_survives_a_rerun(database: Database, lab: Lab) -> None:
    run = lab.ingest(ORDERS)
    run.bronze()
    again = lab.ingest(MORE, name="more.csv")
    again.bronze()
    stored(database, lab)
    with database.transaction() as connection:
        for item in (run, again):
            begin(connection, item)
        tell(connection, run, Step.BRONZE_INGEST)
        edit(connection, ANNA, assets(connection)["bronze.shop_orders"]["id"], version=1, owner="sales", tags=["gdpr"])
        tell(connection, again, Step.BRONZE_INGEST)
        row = assets(connection)["bronze.shop_orders"]
        assert (row["owner"], row["tags"], row["version"], row["row_count"]) == ("sales", ["gdpr"], 2, 5)


def test_gold_of_sql_and_lookups_name_the_tables_that_they_read(database: Database, lab: Lab) -> None:
    lookup = {"name": "c", "sourceTable": "customers", "joinKeys": {"id": "id"}, "selectColumns": {"name": "customer"}}
    lab.job["transformationConfig"] = {"lookups": [lookup]}
    lab.job["validationConfig"] = {}
    people = {"silverConfig": {"tableName": "people", "primaryKey": "id"}}
    lab.others = [{"id": "job_customers", "name": "Customers", "order": 1, "destinationConfig": people}]
    customers = lab.land("customers.csv", "id,name\n1,Ann\n2,Bob\n", job_id="job_customers")
    run = lab.plan(lab.land("orders.csv", ORDERS), others={"job_customers": (customers,)})
    run.step(Step.BRONZE_INGEST, job_id="job_customers")
    run.step(Step.SILVER_TRANSFORM, job_id="job_customers")
    run.silver()
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        assert tell(connection, run, Step.SILVER_TRANSFORM)
        assert assets(connection)["silver.shop_orders"]["parent_tables"] == ["bronze.shop_orders", "silver.people"]


def test_a_failed_comparison_and_a_refused_run_leave_what_they_found(database: Database, lab: Lab) -> None:
    lab.job["validationConfig"] = {
        "dataQualityRules": [{"name": "has id", "column": "id", "ruleType": "not_null"}],
        "maxErrors": 0,
    }
    run = lab.ingest(ORDERS)
    run.bronze()
    with pytest.raises(DataFault, match="1 of 4 rows"):
        run.step(Step.SILVER_TRANSFORM)
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        plan = plan_of(run)
        assert record_plan_facts(connection, plan)
        assert record_failure_facts(connection, plan, plan.job(JOB_ID), "DataFault: too many", lab.lake)
        assert [(row["rule"], row["failed"]) for row in quality_of(connection, run.execution_id)] == [
            ("has id", 0),
            ("primary_key(id)", 1),
        ]
        (file,) = file_page(connection, WORKFLOW_ID)
        assert (file["status"], file["error"]) == (FileStatus.FAILED, "DataFault: too many")


def test_gold_that_was_not_published_has_its_comparison_stored_as_failed(database: Database, lab: Lab) -> None:
    lab.job["validationConfig"] = {"reconciliationRules": [{"name": "rows", "sourceLayer": "bronze", "targetLayer": "gold"}]}
    run = lab.ingest(ORDERS)
    run.silver()
    with pytest.raises(DataFault, match="reconciliation"):
        run.step(Step.GOLD_PUBLISH)
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        plan = plan_of(run)
        assert record_failure_facts(connection, plan, plan.job(JOB_ID), "DataFault: reconciliation", lab.lake)
        (row,) = reconciliations_of(connection, run.execution_id)
        assert (row["passed"], row["outcome"]["left"]["value"]) == (False, "4")


def test_what_cannot_be_read_is_logged_and_mended_by_the_next_telling(
    database: Database, lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    run = lab.ingest(ORDERS)
    run.bronze()
    stored(database, lab)
    key = keys.lineage_key(run.execution_id, JOB_ID, Step.BRONZE_INGEST)
    whole = lab.lake.read(key)
    assert whole is not None
    with database.transaction() as connection:
        begin(connection, run)
        lab.lake.overwrite(key, "no lineage")
        with caplog.at_level(logging.WARNING):
            assert not tell(connection, run, Step.BRONZE_INGEST)
        assert "could not keep the table bronze.shop_orders" in caplog.text
        assert assets(connection) == {}
        assert connection.scalar(select(step_results.c.status)) is JobStatus.SUCCEEDED
        lab.lake.overwrite(key, whole[0].decode())
        assert tell(connection, run, Step.BRONZE_INGEST)
        assert assets(connection)["bronze.shop_orders"]["row_count"] == 4


def test_what_the_database_refuses_does_not_take_the_rest_with_it(database: Database, lab: Lab) -> None:
    run = lab.ingest(ORDERS)
    run.bronze()
    stored(database, lab)
    with database.transaction() as connection:
        begin(connection, run)
        result = result_of(run, Step.BRONZE_INGEST)
        record_step(
            connection,
            StepState(execution_id=run.execution_id, job_id=JOB_ID, step=Step.BRONZE_INGEST, status=JobStatus.SUCCEEDED),
        )
        plan = plan_of(run)
        wrong = RuleOutcome(rule="r", column="c", severity="error", failed=-1)
        broken = result.model_copy(update={"rules": (wrong,)})
        assert not record_step_facts(connection, plan, plan.job(JOB_ID), broken, lab.lake)
        assert assets(connection)["bronze.shop_orders"]["row_count"] == 4
        assert quality_of(connection, run.execution_id) == []
        connection.execute(update(catalog_assets).values(owner="still one transaction"))
