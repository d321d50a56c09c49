"""Workflows: their versions, their names, and what is refused."""

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from databases import ANNA, orders_job, shop
from flowforge.metadata import audit
from flowforge.metadata.database import Database
from flowforge.metadata.jobs import copied, jobs_with_id
from flowforge.metadata.quality_rules import active_rules
from flowforge.metadata.refusals import Changed, InUse, NameTaken, NotThere
from flowforge.metadata.run_state import record_execution
from flowforge.metadata.schema import jobs, reserved_names, workflows
from flowforge.metadata.workflow_list import WorkflowFilter, workflow_page
from flowforge.metadata.workflows import (
    create_workflow,
    delete_workflow,
    find_workflow,
    purge_workflow,
    update_workflow,
    workflow,
)
from flowforge.model.environment import Environment, environment_of
from flowforge.model.errors import ConfigFault
from flowforge.model.run_state import ExecutionState
from flowforge.model.run_status import ExecutionStatus
from flowforge.model.workflow_settings import Concurrency, Priority, WorkflowSettings

RULES = {
    "dataQualityRules": [{"column": "id", "ruleType": "not_null"}, {"column": "n", "ruleType": "range", "parameters": {"min": 0}}]
}


def run(connection: Connection, workflow_id: str, status: ExecutionStatus) -> None:
    record_execution(connection, ExecutionState(execution_id="exec_1", workflow_id=workflow_id, status=status))


def test_a_workflow_comes_back_as_it_was_given(database: Database) -> None:
    job = orders_job(validationConfig=RULES, sourceConfig={"fileConfig": {"filePattern": "*.csv"}}, order=3)
    settings = WorkflowSettings(
        priority=Priority.HIGH, tags=("a", "b"), concurrency=Concurrency.SKIP, notification_email="a@b.example"
    )
    with database.transaction() as connection:
        made = create_workflow(
            connection,
            ANNA,
            Environment.QA,
            "Shop of Ann",
            settings=settings,
            description="All orders",
            triggers=[{"type": "arrival", "jobId": "orders"}],
            jobs_of_it=[job],
        )
    with database.transaction() as connection:
        found = workflow(connection, made.id)
        assert found == made
        assert (found.slug, found.environment, found.version) == ("shop-of-ann", Environment.QA, 1)
        assert (found.settings, found.jobs) == (settings, (job,))
        assert found.workflow().starts_on_arrival("orders")
        assert [rule["rule"] for rule in active_rules(connection, made.id)] == ["not_null(id)", "range(n)"]


def test_a_workflow_may_have_no_jobs_and_cannot_run_then(database: Database) -> None:
    with database.transaction() as connection:
        made = create_workflow(connection, ANNA, Environment.DEV, "Empty")
        assert made.jobs == ()
        with pytest.raises(ConfigFault, match="no jobs"):
            made.workflow()


def test_a_change_needs_the_version_that_was_read_and_moves_it_on(database: Database) -> None:
    with database.transaction() as connection:
        made = shop(connection)
        renamed = update_workflow(connection, ANNA, made.id, version=1, name="Ann's shop")
        assert (renamed.name, renamed.slug, renamed.version) == ("Ann's shop", "shop", 2)
        with pytest.raises(Changed, match="version 2, not 1"):
            update_workflow(connection, ANNA, made.id, version=1, description="late")
        with pytest.raises(NotThere):
            update_workflow(connection, ANNA, "wf_none", version=1)
        lines = audit.entries(connection, entity_type="workflow", entity_id=made.id)
        assert [(line["action"], line["actor"], line["request_id"]) for line in lines] == [
            ("update", "anna", "req-1"),
            ("create", "anna", "req-1"),
        ]
        assert (lines[0]["before"]["name"], lines[0]["after"]["name"]) == ("Shop", "Ann's shop")


def test_of_two_changes_at_once_one_is_told_to_read_again(database: Database) -> None:
    with database.transaction() as connection:
        made = shop(connection)
    ends: list[str] = []

    def change(name: str) -> None:
        try:
            with database.transaction() as connection:
                update_workflow(connection, ANNA, made.id, version=1, name=name)
            ends.append("done")
        except Changed:
            ends.append("changed")

    threads = [threading.Thread(target=change, args=(f"Shop {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["changed", "changed", "changed", "done"]


def test_a_deleted_job_keeps_its_slug_and_may_come_back(database: Database) -> None:
    with database.transaction() as connection:
        made = shop(connection, "Shop", orders_job(validationConfig=RULES), orders_job("items", "Items"))
        less = update_workflow(connection, ANNA, made.id, version=1, jobs_of_it=[orders_job("items", "Items")])
        assert [job.id for job in less.jobs] == ["items"]
        unchanged = select(jobs.c.version).where(jobs.c.id == "items")
        assert connection.execute(unchanged).scalar_one() == 1
        assert active_rules(connection, made.id) == []
        with pytest.raises(NameTaken, match="deleted"):
            update_workflow(connection, ANNA, made.id, version=2, jobs_of_it=[orders_job("orders2", "Orders")])
        back = update_workflow(connection, ANNA, made.id, version=2, jobs_of_it=made.jobs)
        assert {job.id for job in back.jobs} == {"orders", "items"}
        assert len(active_rules(connection, made.id)) == 2


def test_a_job_is_renamed_and_its_slug_stays(database: Database) -> None:
    with database.transaction() as connection:
        made = shop(connection)
        with pytest.raises(ConfigFault, match="under which its data lie"):
            update_workflow(connection, ANNA, made.id, version=1, jobs_of_it=[orders_job(name="Sales")])
        renamed = update_workflow(connection, ANNA, made.id, version=1, jobs_of_it=[orders_job(name="Sales", slug="orders")])
        assert (renamed.jobs[0].name, renamed.jobs[0].slug) == ("Sales", "orders")


def test_jobs_are_held_to_what_they_ask_of_each_other(database: Database) -> None:
    lookup = {"lookups": [{"name": "c", "sourceTable": "countries", "joinKeys": ["code"], "selectColumns": ["name"]}]}
    with database.transaction() as connection, pytest.raises(ConfigFault, match="countries"):
        shop(connection, "Shop", orders_job(transformationConfig=lookup))


@pytest.mark.parametrize("status", [ExecutionStatus.PENDING, ExecutionStatus.RUNNING])
def test_a_workflow_that_runs_is_not_deleted(database: Database, status: ExecutionStatus) -> None:
    with database.transaction() as connection:
        made = shop(connection)
        run(connection, made.id, status)
        with pytest.raises(InUse, match="exec_1"):
            delete_workflow(connection, ANNA, made.id)
        run(connection, made.id, ExecutionStatus.SUCCEEDED)
        delete_workflow(connection, ANNA, made.id, version=1)
        assert find_workflow(connection, made.id) is None
        with pytest.raises(NotThere):
            delete_workflow(connection, ANNA, made.id)


def test_names_stay_taken_after_a_deletion_until_the_purge(database: Database) -> None:
    with database.transaction() as connection:
        made = shop(connection)
        with pytest.raises(InUse, match="delete it first"):
            purge_workflow(connection, ANNA, made.id)
        delete_workflow(connection, ANNA, made.id)
        with pytest.raises(NameTaken, match="not purged"):
            shop(connection)
        with pytest.raises(NameTaken, match="analytics/orders"):
            shop(connection, "Other shop")
        connection.rollback()
    with database.transaction() as connection:
        made = shop(connection)
        delete_workflow(connection, ANNA, made.id)
        purge_workflow(connection, ANNA, made.id)
        assert connection.execute(select(reserved_names)).first() is None
        assert shop(connection).slug == "shop"
        with pytest.raises(NotThere):
            purge_workflow(connection, ANNA, made.id)


def test_an_id_that_is_taken_is_told_as_such(database: Database) -> None:
    with database.transaction() as connection:
        shop(connection, workflow_id="wf_1")
        with pytest.raises(NameTaken, match="choose another id"):
            shop(connection, "Other", orders_job(name="Other"), workflow_id="wf_1")


def test_two_workflows_may_have_jobs_of_one_id_but_not_one_table(database: Database) -> None:
    silver: dict[str, Any] = {"destinationConfig": {"silverConfig": {"tableName": "orders"}}}
    with database.transaction() as connection:
        shop(connection, "Shop", orders_job(**silver))
        shop(connection, "Other", orders_job(name="Other orders"))
        assert len(jobs_with_id(connection, "orders")) == 2
        with pytest.raises(NameTaken, match="table orders belongs"):
            shop(connection, "Third", orders_job(name="Third orders", **silver))


def test_a_copy_runs_last_under_a_free_name_and_takes_nobodys_tables() -> None:
    first = orders_job(order=2, description="All", destinationConfig={"goldConfig": {"dataset": "sales", "tableName": "sales"}})
    copy = copied(first, "job_2", [first])
    assert (copy.id, copy.name, copy.slug, copy.order, copy.description) == (
        "job_2",
        "Orders_copy",
        "orders-copy",
        3,
        "All (cloned)",
    )
    assert (copy.dataset, copy.destination_config.gold_config.table_name) == ("orders-copy", None)
    assert copied(first, "job_3", [first, copy]).name == "Orders_copy2"


def test_a_page_is_newest_first_and_its_total_is_exact(database: Database) -> None:
    with database.transaction() as connection:
        for number in range(7):
            shop(connection, f"Shop {number}", orders_job(name=f"Orders {number}"), workflow_id=f"wf_{number}")
        delete_workflow(connection, ANNA, "wf_3")
        page, total = workflow_page(connection, limit=2, offset=2)
        assert ([item.id for item in page], total) == (["wf_4", "wf_2"], 6)
        assert workflow_page(connection, WorkflowFilter(search="shop 1", tags=("sales",)))[1] == 1
        assert workflow_page(connection, WorkflowFilter(search="100%"))[1] == 0
        assert workflow_page(connection, WorkflowFilter(priorities=(Priority.LOW,)))[1] == 0
        assert workflow_page(connection, WorkflowFilter(paused=False))[1] == 6


@pytest.mark.parametrize(
    "values",
    [
        {"environment": "production"},
        {"slug": "Not A Slug"},
        {"name": ""},
        {"priority": "urgent"},
        {"tags": "{}"},
        {"version": 0},
    ],
)
def test_the_database_itself_refuses_what_no_workflow_has(database: Database, values: dict[str, Any]) -> None:
    row = {"id": "wf", "name": "n", "slug": "s", "environment": "dev", **values}
    names = ", ".join(row)
    statement = f"INSERT INTO {workflows.name} ({names}) VALUES ({', '.join(repr(value) for value in row.values())})"
    with pytest.raises(ConfigFault, match=r"22P02|23514"), database.transaction() as connection:
        connection.execute(text(statement))


def test_environments_have_one_vocabulary() -> None:
    assert [environment_of(name) for name in ("development", "production", "uat")] == [
        Environment.DEV,
        Environment.PROD,
        Environment.UAT,
    ]
    with pytest.raises(ConfigFault, match="dev, qa, uat, prod"):
        environment_of("staging")


def test_the_columns_of_a_table_keep_the_order_in_which_a_person_wrote_them(database: Database) -> None:
    # JSONB sorts names by their length, then by their letters.
    aggregates = {"total": "sum(amount)", "n": "count(*)", "an": "min(amount)"}
    lookup = {
        "name": "customers",
        "sourceTable": "store/customers",
        "joinKeys": {"customer": "id", "at": "at"},
        "selectColumns": {"name": "customer_name", "c": "city"},
    }
    job = orders_job(
        transformationConfig={"lookups": [lookup]},
        destinationConfig={
            "silverConfig": {"primaryKey": "id"},
            "goldConfig": {"aggregationEnabled": True, "aggregationGroupBy": ["customer"], "aggregates": aggregates},
        },
    )
    with database.transaction() as connection:
        create_workflow(connection, ANNA, Environment.DEV, "Shop", workflow_id="wf_shop", jobs_of_it=[job])
        [stored] = workflow(connection, "wf_shop").jobs
    assert stored == job
    assert stored.to_json() == job.to_json()
