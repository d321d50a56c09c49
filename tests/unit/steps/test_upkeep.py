"""Compaction and retention: what they do to the lake and to the catalog, and what they leave alone."""

from collections.abc import Callable
from datetime import date

import pytest

from catalogs import rows_in_catalog
from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake
from flowforge.lake.small_files import TARGET_BYTES, small_file_debt
from flowforge.model.errors import CommitConflict, ConfigFault, DataFault
from flowforge.model.layer import Layer
from flowforge.model.step import Step
from flowforge.steps.compaction import compact, planned_compactions, remove_replaced
from flowforge.steps.known_tables import find_table, known_tables, table_objects
from flowforge.steps.retention import expired, remove
from lab import DAWN, Lab
from s3_faults import Crash, registered

FIRST, SECOND, THIRD = "id\n1\n2\n", "id\n3\n", "id\n4\n"


@pytest.fixture
def lab(catalogued: Lake) -> Lab:
    """A lab that appends."""
    return Lab(catalogued, silver={"mergeStrategy": "append"})


def only_first(act: Callable[[], object]) -> Callable[..., None]:
    """A handler that acts once, whatever its own act brings about."""
    waiting = [act]

    def once(**_: object) -> None:
        if waiting:
            waiting.pop()()

    return once


def ids(lab: Lab) -> list[int]:
    table = find_table(lab.lake, "silver.shop_orders")
    return sorted(value for item in table_objects(lab.lake, table) for value in lab.frame(item.key)["id"].to_list())


def test_files_of_finished_runs_become_one_and_the_rest_stays(lab: Lab) -> None:
    lab.gold = {"aggregationEnabled": True, "aggregates": {"total": "sum(id)", "n": "count(*)"}, "buildStrategy": "incremental"}
    lab.ingest(FIRST).gold()
    second = lab.ingest(SECOND)
    second.silver()
    unfinished = lab.ingest(THIRD)
    unfinished.silver()
    lab.lake.delete([keys.result_key(unfinished.execution_id, "job_orders", Step.SILVER_TRANSFORM)])
    table = find_table(lab.lake, "silver.shop_orders")
    (planned,) = planned_compactions(lab.lake, table)
    assert [unfinished.execution_id in item.key for item in planned.replaced] == [False, False]
    done = compact(lab.lake, table, planned)
    assert done.rows == 3
    assert ids(lab) == [1, 2, 3, 4]
    assert unfinished.step(Step.SILVER_TRANSFORM).counts.read == 1, "it finds its file where it left it"
    assert ids(lab) == [1, 2, 3, 4]
    # A run whose file became part of another publishes its Gold, with every row once.
    gold = second.step(Step.GOLD_PUBLISH)
    assert gold.notes == ("built in full: files of Silver that it was made of were replaced or removed",)
    assert lab.frame(gold.outputs[0].key).select("total", "n").rows() == [(10, 4)]
    assert rows_in_catalog(lab.lake)["silver.shop_orders"] == 4


def test_a_rebuild_takes_the_place_of_what_was_compacted_and_is_compacted_with_what_came_after(lab: Lab) -> None:
    lab.ingest(FIRST).silver()
    lab.ingest(SECOND).silver()
    table = find_table(lab.lake, "silver.shop_orders")
    compact(lab.lake, table, planned_compactions(lab.lake, table)[0])
    rebuild = lab.rebuild()
    assert rebuild.silver().counts.model_dump()["after"] == 3
    assert ids(lab) == [1, 2, 3]
    lab.ingest(THIRD).silver()
    compact(lab.lake, table, planned_compactions(lab.lake, table)[0])
    assert ids(lab) == lab.silver_table()["id"].sort().to_list() == [1, 2, 3, 4]
    rebuild.step(Step.GOLD_PUBLISH)
    assert rows_in_catalog(lab.lake)["gold.shop_orders_latest"] == 4


def test_a_rebuild_leaves_alone_what_was_compacted_with_rows_that_it_does_not_have(lab: Lab) -> None:
    lab.ingest(FIRST).silver()
    rebuild = lab.rebuild()
    lab.ingest(SECOND).silver()
    table = find_table(lab.lake, "silver.shop_orders")
    compact(lab.lake, table, planned_compactions(lab.lake, table)[0])
    with pytest.raises(DataFault, match=r"was compacted after the rebuild was planned.*start the rebuild again"):
        rebuild.silver()
    assert ids(lab) == [1, 2, 3]


def test_what_was_rebuilt_while_it_was_compacted_stays_as_the_rebuild_made_it(lab: Lab) -> None:
    lab.ingest(FIRST).silver()
    lab.ingest(SECOND).silver()
    table = find_table(lab.lake, "silver.shop_orders")
    (planned,) = planned_compactions(lab.lake, table)
    rebuild = lab.rebuild()
    rebuild.bronze()

    with (
        registered(lab.lake, "before-call.s3.CompleteMultipartUpload", only_first(lambda: rebuild.step(Step.SILVER_TRANSFORM))),
        pytest.raises(CommitConflict, match="was replaced while it was compacted"),
    ):
        compact(lab.lake, table, planned)
    assert ids(lab) == [1, 2, 3]


def test_a_compaction_that_dies_before_it_removes_shows_no_row_twice_and_is_finished_later(lab: Lab) -> None:
    lab.ingest(FIRST).silver()
    lab.ingest(SECOND).silver()
    table = find_table(lab.lake, "silver.shop_orders")
    (planned,) = planned_compactions(lab.lake, table)

    def die(**_: object) -> None:
        raise Crash

    with registered(lab.lake, "before-call.s3.DeleteObjects", die), pytest.raises(Crash):
        compact(lab.lake, table, planned)
    assert (len(table.objects(lab.lake)), len(table.replaced(lab.lake))) == (1, 2)
    assert ids(lab) == [1, 2, 3]
    result = lab.ingest(THIRD).silver()
    assert result.counts.model_dump()["before"] == 3, "the next run does not count a row twice"
    assert len(remove_replaced(lab.lake, table, now=DAWN)) == 2
    assert ids(lab) == [1, 2, 3, 4]
    assert rows_in_catalog(lab.lake)["silver.shop_orders"] == 4


def test_only_a_table_that_is_appended_to_is_compacted(lab: Lab) -> None:
    lab.silver = {"mergeStrategy": "versioned"}
    lab.ingest(FIRST).silver()
    for name in ("silver.shop_orders", "bronze.shop_orders", "gold.shop_orders"):
        with pytest.raises(ConfigFault, match="is not appended to"):
            planned_compactions(lab.lake, find_table(lab.lake, name))


def test_debt_is_the_number_of_files_that_would_go() -> None:
    assert small_file_debt([]) == 0
    assert small_file_debt([10]) == 0
    assert small_file_debt([10] * 5) == 4
    assert small_file_debt([TARGET_BYTES]) == 0
    assert small_file_debt([60 << 20] * 10) == 7, "600 MB need three files of 256 MB"


def test_old_days_leave_the_lake_and_the_catalog_but_not_what_the_head_names(lab: Lab) -> None:
    lab.silver = {"mergeStrategy": "versioned", "retentionDays": 10}
    lab.job["destinationConfig"] = {"bronzeConfig": {"retentionDays": 10}, "silverConfig": lab.silver, "goldConfig": {}}
    # Planned on 23 November, twice on the 25th; Gold keeps everything.
    lab.ingest(FIRST, hours=1).gold()
    lab.ingest(SECOND, hours=49).gold()
    lab.ingest(THIRD, hours=50).gold()
    found = {
        (expiry.table.layer, expiry.day): (len(expiry.objects), len(expiry.kept))
        for table in known_tables(lab.lake)
        for expiry in expired(lab.lake, table, today=date(2026, 12, 6))
    }
    first, second = date(2026, 11, 23), date(2026, 11, 25)
    assert found == {
        (Layer.BRONZE, first): (1, 0),
        (Layer.BRONZE, second): (2, 0),
        (Layer.SILVER, first): (1, 0),
        (Layer.SILVER, second): (1, 1),
    }
    assert len(lab.keys_below("bronze/")) == 3, "looking removes nothing"
    for table in known_tables(lab.lake):
        for expiry in list(expired(lab.lake, table, today=date(2026, 12, 6))):
            remove(lab.lake, expiry)
    head = read_head(lab.lake, keys.silver_head_key("shop", "orders"))
    assert head is not None
    assert lab.keys_below("silver/shop/orders/2") == [head.key]
    assert lab.keys_below("bronze/") == []
    assert len(lab.keys_below("gold/analytics/orders/2")) == 3
    assert lab.lake.catalog is not None
    assert sorted(lab.lake.catalog.partitions(Layer.SILVER, "shop_orders")) == ["2026-11-25"]
    assert lab.lake.catalog.partitions(Layer.BRONZE, "shop_orders") == {}
    rows = rows_in_catalog(lab.lake)
    assert (rows["bronze.shop_orders"], rows["silver.shop_orders"], rows["silver.shop_orders_latest"]) == (0, 1, 1)


def test_what_is_not_older_than_a_table_keeps_stays(lab: Lab) -> None:
    lab.job["destinationConfig"] = {"bronzeConfig": {"retentionDays": 1}, "silverConfig": lab.silver}
    lab.ingest(FIRST).bronze()
    bronze = find_table(lab.lake, "bronze.shop_orders")
    assert list(expired(lab.lake, bronze, today=date(2026, 11, 24))) == []
    assert len(list(expired(lab.lake, bronze, today=date(2026, 11, 25)))) == 1


def test_a_name_that_no_table_has_is_answered_with_those_that_there_are(lab: Lab) -> None:
    lab.ingest(FIRST)
    with pytest.raises(ConfigFault, match=r"no table nothing; there are: bronze\.shop_orders, silver\.shop_orders"):
        find_table(lab.lake, "nothing")
    assert find_table(lab.lake, "shop_orders").layer is Layer.GOLD
