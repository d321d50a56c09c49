"""What the options of Silver do in a rebuild and in a replay: one contract for all runs, limits by run, rows counted once."""

import json
from dataclasses import replace

import polars as pl
import pytest

from flowforge.lake.contracts import read_contract
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.replay import ReplayedRow
from flowforge.model.step import SilverCounts, Step
from lab import JOB_ID, WORKFLOW_ID, Lab, cloned
from s3_faults import Crash, crashing_at, noting

NOT_NULL = {"column": "a", "ruleType": "not_null"}
TWO_OF_FOUR_ARE_BAD = "id,a\n1,x\n2,\n3,\n4,y\n"


def types_of(lab: Lab) -> list[list[str]]:
    """The types of each version of the contract."""
    numbers = range(1, len(lab.keys_below("contracts/")) + 1)
    versions = [read_contract(lab.lake, WORKFLOW_ID, JOB_ID, number) for number in numbers]
    return [[str(column.data_type) for column in version.columns] for version in versions if version is not None]


def widening(lab: Lab) -> Lab:
    """Three runs of an appended table, whose second and third had values that did not fit."""
    lab.silver = {"mergeStrategy": "append"}
    for number, content in enumerate(("id,n\n1, 5 \n", "id,n\n2,2.5\n", "id,n\n3,x\n"), start=1):
        lab.ingest(content, name=f"{number}.csv").silver()
    lab.silver |= {"typeWidening": "allow"}
    return lab


def test_a_rebuild_gives_the_rows_of_all_runs_the_one_type_that_holds_them(lab: Lab) -> None:
    result = widening(lab).rebuild().silver()
    assert types_of(lab) == [["integer", "integer"], ["integer", "text"]]
    # As it stands in Bronze, which is read anew: no number has been made of it.
    assert lab.silver_table()["n"].to_list() == [" 5 ", "2.5", "x"]
    assert [note for note in result.notes if note.startswith("n: its type grows")] == [
        "n: its type grows from float to text, since values of this run do not fit",
        "n: its type grows from integer to float, since values of this run do not fit",
    ]
    assert isinstance(result.counts, SilverCounts)
    assert (result.counts.read, result.counts.quarantined) == (3, 0)


def test_a_rebuild_that_dies_after_it_has_stored_a_contract_ends_as_another_would_have(lab: Lab) -> None:
    rebuild = widening(lab).rebuild()
    rebuild.bronze()
    undisturbed = replace(rebuild, lab=replace(lab, lake=cloned(lab.lake, "undisturbed")))
    with noting(lab.lake) as sent:
        expected = undisturbed.step(Step.SILVER_TRANSFORM)
    stored = next(number for number, (_, key) in enumerate(sent, start=1) if key.startswith("contracts/"))
    with crashing_at(lab.lake, stored, answered=True), pytest.raises(Crash):
        rebuild.step(Step.SILVER_TRANSFORM)
    result = rebuild.step(Step.SILVER_TRANSFORM)
    assert (result.notes, result.counts, result.contract_version) == (expected.notes, expected.counts, expected.contract_version)
    assert lab.silver_table().equals(undisturbed.lab.silver_table())


def test_a_rebuild_knows_of_the_columns_that_later_runs_brought(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge"}
    lab.job = {"destinationConfig": {"bronzeConfig": {"schemaEvolution": "add_new_columns"}, "silverConfig": lab.silver}}
    for number, content in enumerate(("id,a\n1,x\n2,y\n", "b,id\n2.5,2\n"), start=1):
        lab.ingest(content, name=f"{number}.csv").silver()
    before = lab.silver_table()
    lab.rebuild().silver()
    assert lab.silver_table().sort("id").equals(before.sort("id"))
    assert lab.silver_table().sort("id").select("id", "a", "b").rows() == [(1, "x", None), (2, None, 2.5)]


def test_the_outcomes_of_rules_and_filters_are_those_of_all_runs_together(lab: Lab) -> None:
    warning = {**NOT_NULL, "severity": "warning"}
    lab.job = {
        "transformationConfig": {"filters": [{"column": "id", "operator": "greater_than", "value": 1}]},
        "validationConfig": {"dataQualityRules": [warning]},
    }
    lab.silver = {"mergeStrategy": "append"}
    for number in (1, 2):
        lab.ingest(TWO_OF_FOUR_ARE_BAD, name=f"{number}.csv").silver()
    result = lab.rebuild().silver()
    assert isinstance(result.counts, SilverCounts)
    assert (result.counts.read, result.counts.accepted, result.counts.filtered) == (8, 6, 2)
    assert [(rule.failed, rule.checked) for rule in result.rules] == [(4, 6)]
    assert result.notes == ("the rule not_null(a) is broken by 4 of 6 rows",)


def test_the_limits_hold_for_each_run_of_a_rebuild_by_itself(lab: Lab) -> None:
    lab.silver = {"mergeStrategy": "append"}
    for number, content in enumerate(("id,a\n1,\n2,x\n", "id,a\n3,\n4,x\n", TWO_OF_FOUR_ARE_BAD), start=1):
        lab.ingest(content, name=f"{number}.csv").silver()
    before = lab.silver_table()
    lab.job = {"validationConfig": {"dataQualityRules": [NOT_NULL], "maxErrors": 1}}
    with pytest.raises(DataFault, match=r"2 of 4 rows of run \S+ are bad .* so the rebuild changed nothing"):
        lab.rebuild().silver()
    assert lab.silver_table().equals(before)
    lab.job["validationConfig"]["maxErrors"] = 2
    result = lab.rebuild().silver()
    assert isinstance(result.counts, SilverCounts)
    assert (result.counts.quarantined, lab.silver_table()["id"].sort().to_list()) == (4, [1, 2, 4, 4])


def refused(lab: Lab) -> str:
    """A run that was refused as a whole between two that were not; the key of its quarantine."""
    lab.silver = {"mergeStrategy": "append"}
    lab.job = {"validationConfig": {"dataQualityRules": [NOT_NULL], "maxErrors": 1}}
    lab.ingest("id,a\n8,x\n", name="1.csv").silver()
    with pytest.raises(DataFault, match="so the run changed nothing"):
        lab.ingest(TWO_OF_FOUR_ARE_BAD, name="2.csv").silver()
    lab.ingest("id,a\n9,x\n", name="3.csv").silver()
    [quarantine] = lab.keys_below("quarantine/")
    return quarantine


def test_a_run_that_was_refused_stays_out_of_a_rebuild(lab: Lab) -> None:
    quarantine = refused(lab)
    [word] = [key for key in lab.keys_below("runs/") if key.endswith("refused.json")]
    stored = lab.lake.read(word)
    assert stored is not None
    rule = {"rule": "not_null(a)", "column": "a", "severity": "error", "failed": 2, "checked": 4}
    assert json.loads(stored[0]) == {"quarantineKey": quarantine, "quarantined": 2, "read": 4, "rules": [rule]}
    result = lab.rebuild().silver()
    assert lab.silver_table()["id"].to_list() == [8, 9]
    assert result.counts.read == 2


def test_rows_of_a_run_that_was_refused_are_not_replayed(lab: Lab) -> None:
    quarantine = refused(lab)
    with pytest.raises(ConfigFault, match="is of a run that was refused as a whole"):
        lab.replay(quarantine, ReplayedRow(number=1, values={"a": "mended"})).bronze()


def test_the_rows_of_a_replay_have_no_limit(lab: Lab) -> None:
    lab.silver = {"mergeStrategy": "append"}
    lab.job = {"validationConfig": {"dataQualityRules": [NOT_NULL], "maxErrorRate": 0.5}}
    lab.ingest(TWO_OF_FOUR_ARE_BAD).silver()
    [quarantine] = lab.keys_below("quarantine/")
    result = lab.replay(quarantine, ReplayedRow(number=1, values={"a": "mended"}), ReplayedRow(number=2)).silver()
    assert isinstance(result.counts, SilverCounts)
    assert (result.counts.inserted, result.counts.quarantined) == (1, 1)
    result = lab.replay(quarantine, ReplayedRow(number=2)).silver()
    assert result.counts.read == 1
    assert lab.silver_table()["id"].sort().to_list() == [1, 2, 4]


def test_a_key_that_became_a_float_keeps_its_surrogate_keys(lab: Lab) -> None:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge", "typeWidening": "allow"}
    lab.ingest("id,n\n1,5\n2,6\n").silver()
    first = dict(lab.silver_table().select("id", "_sk_id").rows())
    lab.ingest("id,n\n2.5,7\n1,8\n").silver()
    second = lab.silver_table()
    assert second.schema["id"] == pl.Float64
    assert {key: made for key, made in second.select("id", "_sk_id").rows() if key in first} == first
