"""Runs that write one history: in any order, again, with missing keys, dates of the source, and counted keys."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.step import SilverCounts, Step, StepResult
from lab import DAWN, Lab, Run

FILES = {
    1: "id,city\n1,Bonn\n2,Köln\n",
    2: "id,city\n1,Berlin\n2,Köln\n3,Kiel\n",
    3: "id,city\n1,Bonn\n3,Kiel\n",
    4: "id,city\n1,Bonn\n2,Köln\n",
}
COLUMNS = ("id", "city", "_effective_from", "_effective_to", "_is_current")


def hour(number: int) -> datetime:
    return DAWN.replace(hour=DAWN.hour + number)


def history(lab: Lab, **options: Any) -> Lab:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "scd_type_2", **options}
    return lab


def planned(lab: Lab, *hours: int) -> dict[int, Run]:
    return {number: lab.ingest(FILES[number], name=f"{number}.csv", hours=number) for number in hours}


def counts_of(result: StepResult) -> dict[str, int | None]:
    assert isinstance(result.counts, SilverCounts)
    return {
        name: value
        for name, value in result.counts.model_dump().items()
        if value and name in ("inserted", "updated", "unchanged", "stale", "deleted", "versions")
    }


def versions(lab: Lab) -> list[tuple[Any, ...]]:
    return lab.silver_table().select(COLUMNS).sort("id", "_effective_from").rows()


IN_ORDER = [
    (1, "Bonn", hour(1), hour(2), False),
    (1, "Berlin", hour(2), hour(3), False),
    (1, "Bonn", hour(3), None, True),
    (2, "Köln", hour(1), None, True),
    (3, "Kiel", hour(2), None, True),
]


@pytest.mark.parametrize("order", [(3, 1, 2), (1, 3, 2, 1)])
def test_runs_in_any_order_and_again_leave_the_same_versions(lab: Lab, order: tuple[int, ...]) -> None:
    runs = planned(history(lab), 1, 2, 3)
    for number in order:
        lab.lake.delete([key for key in lab.keys_below(f"runs/{runs[number].execution_id}/") if "silver_transform" in key])
        runs[number].silver()
    assert versions(lab) == IN_ORDER
    table = lab.silver_table().sort("id", "_effective_from")
    assert table["_source_file"].to_list() == ["1.csv", "2.csv", "3.csv", "1.csv", "2.csv"]
    assert table.columns[-4:] == ["_effective_from", "_effective_to", "_is_current", "_sk_id"]
    assert table["_sk_id"].n_unique() == table.height


def test_a_run_is_counted_by_what_it_did_to_the_history(lab: Lab) -> None:
    runs = planned(history(lab), 1, 2, 3)
    assert counts_of(runs[1].silver()) == {"inserted": 2, "versions": 2}
    assert counts_of(runs[3].silver()) == {"inserted": 1, "unchanged": 1, "versions": 1}
    # It comes late: Berlin lies between two times of Bonn, and Kiel was there an hour earlier.
    assert counts_of(runs[2].silver()) == {"updated": 2, "unchanged": 1, "versions": 2}


@pytest.mark.parametrize("order", [(1, 2, 3, 4), (4, 2, 1, 3)])
def test_a_key_that_a_full_snapshot_lacks_ends_and_can_come_back(lab: Lab, order: tuple[int, ...]) -> None:
    runs = planned(history(lab, scdTrackDeletes=True), 1, 2, 3, 4)
    results = {number: runs[number].silver() for number in order}
    assert versions(lab) == [
        (1, "Bonn", hour(1), hour(2), False),
        (1, "Berlin", hour(2), hour(3), False),
        (1, "Bonn", hour(3), None, True),
        (2, "Köln", hour(1), hour(3), False),
        (2, "Köln", hour(4), None, True),
        (3, "Kiel", hour(2), hour(4), False),
    ]
    if order == (1, 2, 3, 4):
        assert counts_of(results[3]) == {"updated": 1, "unchanged": 1, "deleted": 1, "versions": 1}


def test_dates_of_the_source_say_from_when_a_version_holds(lab: Lab) -> None:
    history(lab, scdEffectiveDateColumn="since", scdEndDateColumn="until", scdCurrentFlagColumn="now")
    lab.ingest("id,city,since\n1,Bonn,2026-01-05\n1,Berlin,2026-03-01\n2,Köln,2026-01-01\n2,Kiel,\n").silver()
    late = lab.ingest("id,city,since\n1,Kiel,2026-02-01\n2,Köln,2026-01-01\n1,Bremen,2026-03-01\n").silver()
    assert lab.silver_table().select("id", "city", "since", "until", "now").sort("id", "since").rows() == [
        (1, "Bonn", date(2026, 1, 5), date(2026, 2, 1), False),
        (1, "Kiel", date(2026, 2, 1), date(2026, 3, 1), False),
        (1, "Bremen", date(2026, 3, 1), None, True),
        (2, "Köln", date(2026, 1, 1), None, True),
    ]
    assert counts_of(late) == {"updated": 2, "unchanged": 1, "versions": 1}
    [quarantined] = lab.keys_below("quarantine/")
    assert lab.frame(quarantined)["_reason"].to_list() == ["since: the effective date is empty"]


def test_an_effective_date_that_is_no_date_is_refused(lab: Lab) -> None:
    history(lab, scdEffectiveDateColumn="city")
    with pytest.raises(ConfigFault, match="scdEffectiveDateColumn is city, which is text: declare it as a date"):
        planned(lab, 1)[1].silver()
    history(lab, scdEffectiveDateColumn="since")
    with pytest.raises(ConfigFault, match=r"silverConfig.scdEffectiveDateColumn names the column 'since'"):
        planned(lab, 1)[1].silver()


def test_a_version_keeps_the_number_that_it_was_given(lab: Lab) -> None:
    runs = planned(history(lab, surrogateKeyStrategy="auto_increment"), 1, 2, 3)
    seen: dict[tuple[Any, ...], int] = {}
    for number in (1, 3, 2):
        runs[number].silver()
        for *version, key in lab.silver_table().select("id", "_effective_from", "_sk_id").rows():
            assert seen.setdefault(tuple(version), key) == key
    table = lab.silver_table()
    assert table.schema["_sk_id"] == pl.Int64
    assert table["_sk_id"].n_unique() == table.height


def test_an_option_that_the_versions_depend_on_needs_a_rebuild(lab: Lab) -> None:
    planned(history(lab), 1)[1].silver()
    history(lab, scdTrackDeletes=True)
    with pytest.raises(ConfigFault, match="scdTrackDeletes is True, and the table was made with False") as caught:
        planned(lab, 2)[2].silver()
    assert caught.value.option == "silverConfig.scdTrackDeletes"


@pytest.mark.parametrize("order", [(1, 2, 3), (1, 3, 2)])
def test_update_changed_keeps_the_row_since_which_a_key_has_its_content(lab: Lab, order: tuple[int, ...]) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge", "updateStrategy": "update_changed"}
    runs = planned(lab, 1, 2, 3)
    for number in order:
        runs[number].silver()
    assert lab.silver_table().select("id", "city", "_source_file").sort("id").rows() == [
        (1, "Bonn", "3.csv"),
        (2, "Köln", "1.csv"),
        (3, "Kiel", "2.csv"),
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"conflictResolution": "target_wins"}, [(1, "a"), (2, "x")]),
        ({"conflictResolution": "most_recent", "conflictColumn": "seen"}, [(1, "d"), (2, "x")]),
    ],
)
def test_the_conflict_policy_decides_within_a_run_and_against_the_table(
    lab: Lab, options: dict[str, str], expected: list[tuple[int, str]]
) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge", **options}
    files = {
        1: "id,city,seen\n1,a,3\n1,b,\n2,x,5\n",
        2: "id,city,seen\n1,c,4\n2,y,\n1,d,9\n",
        3: "id,city,seen\n1,e,8\n2,z,4\n",
    }
    runs = {number: lab.ingest(files[number], name=f"{number}.csv", hours=number) for number in files}
    for number in (3, 1, 2):
        runs[number].silver()
    assert lab.silver_table().select("id", "city").sort("id").rows() == expected


def test_a_surrogate_key_that_two_keys_of_the_table_share_is_refused(lab: Lab) -> None:
    lab.silver = {
        "primaryKey": "id",
        "mergeStrategy": "merge",
        "surrogateKeyStrategy": "use_existing",
        "surrogateKeyColumn": "number",
    }
    lab.ingest("id,number\n1,10\n2,20\n").silver()
    before = lab.silver_table()
    with pytest.raises(DataFault, match="rows of different primary keys share 10 in number"):
        lab.ingest("id,number\n3,10\n").silver()
    assert lab.silver_table().equals(before)


def test_known_keys_of_a_merge_keep_their_numbers(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge", "surrogateKeyStrategy": "auto_increment"}
    lab.ingest("id,city\n7,a\n5,b\n").silver()
    lab.ingest("id,city\n9,c\n5,d\n8,e\n").silver()
    assert sorted(lab.silver_table().select("id", "city", "_sk_id").rows()) == [
        (5, "d", 2),
        (7, "a", 1),
        (8, "e", 4),
        (9, "c", 3),
    ]


def test_a_key_keeps_its_surrogate_key_when_its_column_gets_another_type(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    lab.ingest("id,city\n7,a\n8,b\n").silver()
    before = dict(lab.silver_table().select("city", "_sk_id").rows())
    for kind in ("float", "text"):
        lab.job = {"transformationConfig": {"columnMappings": [{"sourceColumn": "id", "dataType": kind}]}}
        if kind == "text":
            with pytest.raises(ConfigFault, match="id is part of the primary key and text now"):
                lab.ingest("id,city\n7,a\n").silver()
        else:
            lab.ingest("id,city\n7,a\n").silver()
            assert dict(lab.silver_table().select("city", "_sk_id").rows()) == before
    assert lab.silver_table()["_ingested_at"].max() == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_history_is_read_by_gold(lab: Lab) -> None:
    runs = planned(history(lab), 1, 2)
    runs[1].gold()
    runs[2].bronze()
    silver = runs[2].step(Step.SILVER_TRANSFORM)
    gold = runs[2].step(Step.GOLD_PUBLISH)
    assert gold.counts.read == silver.counts.after == 4  # type: ignore[union-attr]
