"""Processed files, published tables, quality and reviews: what is told twice or late changes nothing, what people wrote stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from databases import ANNA, shop
from flowforge.metadata import audit
from flowforge.metadata.asset_list import AssetFilter, asset_page
from flowforge.metadata.catalog_assets import PublishedTable, asset, edit, lock, publish
from flowforge.metadata.contract_index import contract_versions, note_contract
from flowforge.metadata.database import Database
from flowforge.metadata.processed_files import (
    FileVersion,
    begin_files,
    complete_files,
    completed_versions,
    end_files,
    file_page,
    note_content,
    same_content,
)
from flowforge.metadata.quality_results import quality_of, reconciliations_of, record_quality, record_reconciliation
from flowforge.metadata.quarantine_reviews import (
    QuarantineObject,
    mark_replayed,
    review,
    reviews_by_status,
    reviews_of,
    rows_to_replay,
)
from flowforge.metadata.refusals import Changed, InUse, NotThere
from flowforge.metadata.run_state import record_execution, record_job
from flowforge.metadata.schema.catalog import FileStatus
from flowforge.metadata.schema.quality import ReviewStatus
from flowforge.model.environment import Environment
from flowforge.model.errors import ConfigFault
from flowforge.model.layer import Layer
from flowforge.model.reconciliation import Check, ReconciliationOutcome, ReconciliationTerm
from flowforge.model.run_state import ExecutionState, JobState
from flowforge.model.run_status import ExecutionStatus, JobStatus
from flowforge.model.step import RuleOutcome

PLANNED = datetime(2026, 3, 1, tzinfo=UTC)
A, B = FileVersion("landing/wf_shop/orders/a.csv", "e1", 10, "v1"), FileVersion("landing/wf_shop/orders/b.csv", "e2", 10)
KEY = "quarantine/shop/orders/20260301/shop_orders_r1.parquet"


def run(connection: Connection, *execution_ids: str) -> None:
    shop(connection, workflow_id="wf_shop")
    for execution_id in execution_ids:
        told = ExecutionState(execution_id=execution_id, workflow_id="wf_shop", status=ExecutionStatus.RUNNING)
        record_execution(connection, told)
        record_job(connection, JobState(execution_id=execution_id, job_id="orders", status=JobStatus.RUNNING))


def table(rows: int, hours: int = 0) -> PublishedTable:
    return PublishedTable(
        layer=Layer.SILVER,
        table_name="shop_orders",
        environment=Environment.DEV,
        workflow_id="wf_shop",
        job_id="orders",
        location="s3://data/silver/shop/orders/",
        columns=[{"name": "id", "type": "bigint", "origins": ["id"]}],
        parents=["bronze.shop_orders"],
        row_count=rows,
        size_bytes=rows * 10,
        contract_version=1,
        run_id="r1",
        execution_id="exec_1",
        planned_at=PLANNED + timedelta(hours=hours),
    )


def test_a_version_of_a_file_is_completed_once_and_a_new_version_is_another_file(database: Database) -> None:
    with database.transaction() as connection:
        run(connection, "exec_1", "exec_2")
        begin_files(connection, "wf_shop", "orders", "exec_1", [A, B])
        begin_files(connection, "wf_shop", "orders", "exec_1", [A, B])
        assert end_files(connection, "exec_1", "orders", FileStatus.COMPLETED) == 2
        begin_files(connection, "wf_shop", "orders", "exec_2", [A])
        end_files(connection, "exec_2", "orders", FileStatus.FAILED, "DataFault")
        newer = FileVersion(A.key, "e9", 11, "v2")
        assert completed_versions(connection, "wf_shop", "orders", [A, B, newer]) == {(A.key, "v1"), (B.key, "e2")}
        rows = file_page(connection, "wf_shop", "orders")
        assert [(row["key"], row["execution_id"], row["status"]) for row in rows] == [
            (B.key, "exec_1", FileStatus.COMPLETED),
            (A.key, "exec_1", FileStatus.COMPLETED),
        ]
        assert file_page(connection, "wf_shop", before_id=rows[-1]["id"]) == []


def test_a_file_that_failed_is_read_again_by_another_execution(database: Database) -> None:
    with database.transaction() as connection:
        run(connection, "exec_1", "exec_2")
        begin_files(connection, "wf_shop", "orders", "exec_1", [A])
        end_files(connection, "exec_1", "orders", FileStatus.FAILED, "DataFault: row 7")
        begin_files(connection, "wf_shop", "orders", "exec_2", [A])
        (row,) = file_page(connection, "wf_shop")
        assert (row["status"], row["execution_id"], row["error"]) == (FileStatus.PROCESSING, "exec_2", None)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (1, 3, 0, 2, 0, 2)])
def test_two_executions_over_one_file_leave_the_same_row_in_every_order_of_what_they_tell(
    database: Database, order: tuple[int, ...]
) -> None:
    with database.transaction() as connection:
        shop(connection, workflow_id="wf_shop")
        for number, execution_id in enumerate(("exec_1", "exec_2")):
            told = ExecutionState(
                execution_id=execution_id,
                workflow_id="wf_shop",
                status=ExecutionStatus.RUNNING,
                planned_at=PLANNED + timedelta(hours=number),
            )
            record_execution(connection, told)
        content = FileVersion(A.key, A.etag, A.size_bytes, A.version_id, "a" * 64)
        tellings = (
            lambda: begin_files(connection, "wf_shop", "orders", "exec_1", [content]),
            lambda: complete_files(connection, "wf_shop", "orders", "exec_1", [A]),
            lambda: begin_files(connection, "wf_shop", "orders", "exec_2", [A]),
            lambda: complete_files(connection, "wf_shop", "orders", "exec_2", [A]),
        )
        for number in order:
            tellings[number]()
        (row,) = file_page(connection, "wf_shop")
        assert (row["status"], row["execution_id"], row["sha256"]) == (FileStatus.COMPLETED, "exec_1", "a" * 64)
        begin_files(connection, "wf_shop", "orders", "exec_2", [B])
        begin_files(connection, "wf_shop", "orders", "exec_1", [B])
        assert [row["execution_id"] for row in file_page(connection, "wf_shop")] == ["exec_2", "exec_1"]


def test_the_same_content_under_another_name_is_found(database: Database) -> None:
    with database.transaction() as connection:
        run(connection, "exec_1")
        begin_files(connection, "wf_shop", "orders", "exec_1", [A, B])
        content = "a" * 64
        note_content(connection, "wf_shop", "orders", FileVersion(A.key, "e1", 10, "v1", content))
        found = same_content(connection, "wf_shop", "orders", content, but=B)
        assert [row["key"] for row in found] == [A.key]
        assert same_content(connection, "wf_shop", "orders", content, but=A) == []


def test_a_late_run_does_not_take_back_a_newer_table_and_no_run_takes_back_what_people_wrote(database: Database) -> None:
    with database.transaction() as connection:
        run(connection, "exec_1")
        publish(connection, table(10, hours=1))
        ((found,), _) = asset_page(connection)
        edited = edit(connection, ANNA, found["id"], version=1, description="Orders of the shop", tags=["gdpr"])
        assert (edited["version"], edited["edited_by"]) == (2, "anna")
        publish(connection, table(5))
        publish(connection, table(20, hours=2))
        now = asset(connection, found["id"])
        assert now is not None
        assert (now["row_count"], now["description"], now["tags"], now["version"]) == (20, "Orders of the shop", ["gdpr"], 2)
        with pytest.raises(Changed):
            edit(connection, ANNA, found["id"], version=1, owner="x")
        with pytest.raises(NotThere):
            edit(connection, ANNA, 99, version=1, owner="x")
        (line,) = audit.entries(connection, entity_type="asset")
        assert (line["before"]["tags"], line["after"]["tags"]) == ([], ["gdpr"])


def test_what_was_found_in_the_lake_holds_whichever_run_tells_it(database: Database) -> None:
    with database.transaction() as connection:
        run(connection, "exec_1")
        lock(connection, Layer.SILVER, "shop_orders", Environment.DEV)
        publish(connection, table(10, hours=1))
        late = replace(table(15), as_found=True, run_id="r0", parents=[])
        publish(connection, late)
        ((found,), _) = asset_page(connection)
        assert (found["row_count"], found["size_bytes"], found["run_id"]) == (15, 150, "r1")
        assert found["parent_tables"] == ["bronze.shop_orders"]


def test_tables_are_filtered_before_they_are_counted(database: Database) -> None:
    with database.transaction() as connection:
        run(connection, "exec_1")
        publish(connection, table(10))
        page, numbers = asset_page(
            connection, AssetFilter(search="ORDERS", layers=(Layer.SILVER,), workflow_ids=("wf_shop",)), limit=1
        )
        assert len(page) == 1
        assert (numbers.total, numbers.by_layer[Layer.SILVER], numbers.rows, numbers.size_bytes) == (1, 1, 10, 100)
        for nothing in (AssetFilter(environments=(Environment.PROD,)), AssetFilter(tags=("none",))):
            page, numbers = asset_page(connection, nothing)
            assert (page, numbers.total) == ([], 0)


def test_results_of_rules_and_comparisons_are_kept_once(database: Database) -> None:
    rule = RuleOutcome(rule="not_null(id)", column="id", severity="error", failed=2, checked=10)
    cast = RuleOutcome(rule="cast", column="n", severity="error", failed=1)
    side = ReconciliationTerm(job_id="orders", layer=Layer.BRONZE, value="10")
    same = ReconciliationOutcome(
        rule="rows", check=Check.COUNT, left=side, right=side, difference="0", tolerance="0", passed=True
    )
    with database.transaction() as connection:
        run(connection, "exec_1")
        for _ in range(2):
            record_quality(connection, "exec_1", "orders", [rule, cast])
            record_reconciliation(connection, "exec_1", "orders", [same])
        assert [(row["rule"], row["failed"], row["checked"]) for row in quality_of(connection, "exec_1")] == [
            ("cast", 1, None),
            ("not_null(id)", 2, 10),
        ]
        assert [(row["rule"], row["passed"]) for row in reconciliations_of(connection, "exec_1")] == [("rows", True)]


def test_a_row_is_decided_on_until_it_was_replayed(database: Database) -> None:
    quarantine = QuarantineObject("wf_shop", "orders", KEY, "e1")
    with database.transaction() as connection:
        run(connection)
        review(connection, ANNA, quarantine, [1, 3], ReviewStatus.REJECTED, note="a test order")
        review(connection, ANNA, quarantine, [1, 1], ReviewStatus.APPROVED)
        secret = {2: {"email": "secret@example.com"}}
        review(connection, ANNA, quarantine, [2], ReviewStatus.FIXED, fixed_values=secret)
        for status, values in (
            (ReviewStatus.FIXED, None),
            (ReviewStatus.APPROVED, {3: {"email": "x"}}),
            (ReviewStatus.FIXED, {3: {"email": "x"}, 4: {"email": "x"}}),
        ):
            with pytest.raises(ConfigFault, match="values"):
                review(connection, ANNA, quarantine, [3], status, fixed_values=values)
        assert [row["row_number"] for row in rows_to_replay(connection, KEY)] == [1, 2]
        assert mark_replayed(connection, KEY, [1, 2, 3], "replay_1") == 2
        assert mark_replayed(connection, KEY, [1, 2, 3], "replay_2") == 0
        with pytest.raises(InUse, match=r"row 2 of .* replayed by replay_1"):
            review(connection, ANNA, quarantine, [3, 2], ReviewStatus.REJECTED)
        assert reviews_by_status(connection, "wf_shop", "orders") == {
            ReviewStatus.APPROVED: 1,
            ReviewStatus.FIXED: 1,
            ReviewStatus.REJECTED: 1,
        }
        assert reviews_of(connection, KEY)[2]["fixed_values"] == {"email": "secret@example.com"}
        lines = audit.entries(connection, entity_type="quarantine")
        assert "secret@example.com" not in str(lines)
        assert [(line["before"]["rows"], line["after"]["rows"]) for line in lines] == [
            ({}, [2]),
            ({"1": "rejected"}, [1]),
            ({}, [1, 3]),
        ]


def test_versions_of_a_contract_are_listed_newest_first(database: Database) -> None:
    with database.transaction() as connection:
        run(connection)
        for version in (1, 2, 2):
            note_contract(
                connection, "wf_shop", "orders", version, f"contracts/wf_shop/orders/v{version:06}.json", column_count=3
            )
        assert [row["version"] for row in contract_versions(connection, "wf_shop", "orders")] == [2, 1]
