"""What the options of Silver do to a run: drift, widening, lookups, referential rules, filters, and the gate."""

from typing import Any

import polars as pl
import pytest

from flowforge.lake import keys
from flowforge.lake.contracts import read_contract
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.step import SilverCounts, Step, StepResult
from flowforge.steps.silver_identity import parquet_metadata
from lab import JOB_ID, WORKFLOW_ID, Lab, Run


def counts_of(result: StepResult) -> SilverCounts:
    assert isinstance(result.counts, SilverCounts)
    return result.counts


def evolving(lab: Lab, policy: str, **silver: Any) -> Lab:
    lab.silver = {"primaryKey": "id", "mergeStrategy": "merge", **silver}
    lab.job = {"destinationConfig": {"bronzeConfig": {"schemaEvolution": policy}, "silverConfig": lab.silver}}
    return lab


def types_of(lab: Lab, version: int) -> dict[str, str]:
    contract = read_contract(lab.lake, WORKFLOW_ID, JOB_ID, version)
    assert contract is not None
    return {column.name: str(column.data_type) for column in contract.columns}


def test_a_new_column_comes_behind_the_others_and_a_missing_one_is_null(lab: Lab) -> None:
    evolving(lab, "add_new_columns")
    lab.ingest("id,a\n1,x\n2,y\n").silver()
    result = lab.ingest("b,id\n2.5,2\n7,3\n").silver()
    assert types_of(lab, 2) == {"id": "integer", "a": "text", "b": "float"}
    table = lab.silver_table()
    assert table.columns[:3] == ["id", "a", "b"]
    assert table.select("id", "a", "b").rows() == [(1, "x", None), (2, None, 2.5), (3, None, 7.0)]
    assert result.notes == (
        "a: the files of this run do not have it, so it is null",
        "b: it is new, and comes behind the columns of the contract",
    )


def test_files_of_one_run_may_differ_where_columns_may_come_and_go(lab: Lab) -> None:
    evolving(lab, "add_new_columns")
    result = lab.plan(lab.land("one.csv", "id,a\n1,x\n"), lab.land("two.csv", "id,b\n1,y\n2,z\n")).silver()
    assert counts_of(result).read == 3
    assert lab.silver_table().select("id", "a", "b", "_source_file").rows() == [
        (1, None, "y", "two.csv"),
        (2, None, "z", "two.csv"),
    ]


def test_an_extra_column_is_left_out_and_reported(lab: Lab) -> None:
    evolving(lab, "ignore_extra")
    lab.ingest("id,a\n1,x\n").silver()
    result = lab.ingest("id,b,a\nno,5,y\n2,6,z\n").silver()
    assert lab.silver_table().select("id", "a").rows() == [(1, "x"), (2, "z")]
    assert "b" not in lab.silver_table().columns
    assert result.contract_version == 1
    assert "b: the contract does not have it, so it is not in Silver" in result.notes
    quarantined = result.output("quarantine")
    assert quarantined is not None
    assert lab.frame(quarantined.key).select("id", "a", "b").rows() == [("no", "y", "5")]


def test_a_type_grows_where_that_is_allowed_and_old_rows_with_it(lab: Lab) -> None:
    evolving(lab, "strict", typeWidening="allow")
    lab.ingest("id,n,day\n1,5,2026-01-31\n").silver()
    result = lab.ingest("id,n,day\n2,2.5,2026-02-01 10:30:00\n3,7,2026-02-02\n").silver()
    assert types_of(lab, 2) == {"id": "integer", "n": "float", "day": "timestamp"}
    assert lab.silver_table().select("n", pl.col("day").dt.to_string("%F %T")).rows() == [
        (5.0, "2026-01-31 00:00:00"),
        (2.5, "2026-02-01 10:30:00"),
        (7.0, "2026-02-02 00:00:00"),
    ]
    assert "n: its type grows from integer to float, since values of this run do not fit" in result.notes
    assert lab.ingest("id,n,day\n4,x,2026-02-03\n").silver().contract_version == 3
    assert lab.silver_table()["n"].to_list() == ["5.0", "2.5", "7.0", "x"]


def test_a_type_does_not_grow_by_itself_and_the_run_says_what_would_help(lab: Lab) -> None:
    evolving(lab, "strict")
    lab.ingest("id,n\n1,5\n").silver()
    result = lab.ingest("id,n\n2,2.5\n3,7\n").silver()
    assert (counts_of(result).quarantined, result.contract_version) == (1, 1)
    assert result.notes == (
        "n: 1 values are no integer; their rows are in quarantine, and silverConfig.typeWidening 'allow' would give the column a "
        "type that holds them",
    )


COUNTRIES = {"id": "job_countries", "name": "Countries", "destinationConfig": {"silverConfig": {"primaryKey": "code"}}}


def with_countries(lab: Lab, countries: str, **config: Any) -> Run:
    """A run of the orders after one of the countries, which the orders may look into."""
    lab.others = [COUNTRIES]
    lab.job = {"order": 2, **config}
    code = lab.land("countries.csv", countries, job_id="job_countries")
    run = lab.plan(lab.land("orders.csv", "id,country\n1,de\n2,xx\n3,\n"), others={"job_countries": (code,)})
    for step in (Step.BRONZE_INGEST, Step.SILVER_TRANSFORM):
        run.step(step, job_id="job_countries")
    return run


LOOKUP = {
    "name": "countries",
    "sourceTable": "countries",
    "joinKeys": {"country": "code"},
    "selectColumns": {"name": "country_name", "people": "people"},
}


def test_a_lookup_brings_columns_and_null_where_nothing_matches(lab: Lab) -> None:
    run = with_countries(
        lab,
        "code,name,people\nde,Germany,84\nfr,France,68\n",
        transformationConfig={
            "lookups": [LOOKUP],
            "derivedColumns": [{"name": "crowded", "expression": "people > 70", "dataType": "boolean"}],
        },
    )
    result = run.silver()
    assert lab.silver_table().select("id", "country_name", "people", "crowded").rows() == [
        (1, "Germany", 84, True),
        (2, None, None, None),
        (3, None, None, None),
    ]
    assert types_of(lab, 1) == {
        "id": "integer",
        "country": "text",
        "country_name": "text",
        "people": "integer",
        "crowded": "boolean",
    }
    assert counts_of(result).accepted == 3


def test_a_try_reads_the_looked_up_table_as_the_first_try_did(lab: Lab) -> None:
    run = with_countries(lab, "code,name,people\nde,Germany,84\n", transformationConfig={"lookups": [LOOKUP]})
    run.bronze()
    key = keys.reference_key(run.execution_id, JOB_ID, 1)
    run.step(Step.SILVER_TRANSFORM)
    assert lab.frame(key).rows() == [("de", "Germany", 84)]


def test_a_key_that_repeats_in_the_looked_up_table_is_named(lab: Lab) -> None:
    run = with_countries(
        lab,
        "code,name,people\nde,Germany,84\nfr,Germany,68\n",
        transformationConfig={"lookups": [{**LOOKUP, "joinKeys": {"country": "name"}, "selectColumns": ["code"]}]},
    )
    run.bronze()
    with pytest.raises(DataFault, match="countries holds the key name=Germany more than once"):
        run.step(Step.SILVER_TRANSFORM)


def test_a_lookup_into_a_history_reads_the_versions_that_hold_now(lab: Lab) -> None:
    history = {"primaryKey": "code", "mergeStrategy": "scd_type_2", "scdCurrentFlagColumn": "_is_valid"}
    lab.others = [{**COUNTRIES, "destinationConfig": {"silverConfig": history}}]
    lab.job = {"order": 2, "transformationConfig": {"lookups": [LOOKUP]}}
    for people in (84, 85):
        code = lab.land(f"{people}.csv", f"code,name,people\nde,Germany,{people}\n", job_id="job_countries")
        run = lab.plan(lab.land("orders.csv", "id,country\n1,de\n"), others={"job_countries": (code,)})
        for step in (Step.BRONZE_INGEST, Step.SILVER_TRANSFORM):
            run.step(step, job_id="job_countries")
    run.silver()
    assert lab.silver_table().select("country_name", "people").rows() == [("Germany", 85)]


def test_a_file_without_records_takes_the_columns_of_the_contract_that_sources_have(lab: Lab) -> None:
    lab.job = {"transformationConfig": {"derivedColumns": [{"name": "twice", "expression": "id * 2", "dataType": "integer"}]}}
    lab.ingest('[{"id": 1}]', name="one.json").silver()
    result = lab.ingest("[]", name="none.json").silver()
    assert (result.counts.read, lab.silver_table().columns[:2]) == (0, ["id", "twice"])


def test_bronze_is_reconciled_in_the_types_of_the_contract_without_what_was_looked_up_and_derived(lab: Lab) -> None:
    rule = {"name": "amounts", "check": "sum", "sourceLayer": "bronze", "targetLayer": "silver", "reconciliationColumn": "id"}
    run = with_countries(
        lab,
        "code,name,people\nde,Germany,84\n",
        transformationConfig={
            "lookups": [LOOKUP],
            "derivedColumns": [{"name": "double", "expression": "people * 2", "dataType": "integer"}],
        },
        validationConfig={"reconciliationRules": [rule]},
    )
    result = run.gold()
    assert [(item.left.value, item.right.value, item.passed) for item in result.reconciliation] == [("6", "6", True)]


def test_a_referential_rule_sends_unknown_values_to_quarantine(lab: Lab) -> None:
    rule = {"column": "country", "ruleType": "referential", "parameters": {"table": "countries", "column": "code"}}
    run = with_countries(lab, "code,name\nde,Germany\n", validationConfig={"dataQualityRules": [rule]})
    result = run.silver()
    assert lab.silver_table()["id"].to_list() == [1, 3]
    quarantined = result.output("quarantine")
    assert quarantined is not None
    assert lab.frame(quarantined.key).select("id", "_failed_rules").rows() == [("2", ["referential(country)"])]
    assert [(outcome.failed, outcome.checked) for outcome in result.rules] == [(1, 2)]


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"table": "shop/nowhere-else", "column": "code"}, "the workflow has no silver of shop/nowhere-else"),
        (
            {"table": "elsewhere/countries", "column": "code"},
            "the Silver table elsewhere/countries is not there: run",
        ),
        ({"table": "countries", "column": "kode"}, "the column 'kode' of countries, which has code, name"),
    ],
)
def test_a_table_or_column_that_is_not_there_is_named(lab: Lab, parameters: dict[str, str], problem: str) -> None:
    rule = {"column": "country", "ruleType": "referential", "parameters": parameters}
    with pytest.raises(ConfigFault, match=problem):
        with_countries(lab, "code,name\nde,Germany\n", validationConfig={"dataQualityRules": [rule]}).silver()


def test_filtered_rows_are_counted_and_held_to_no_rule(lab: Lab) -> None:
    lab.job = {
        "transformationConfig": {"filters": [{"column": "n", "operator": "greater_than", "value": 1}]},
        "validationConfig": {"dataQualityRules": [{"column": "a", "ruleType": "not_null"}]},
    }
    result = lab.ingest("n,a\n1,x\n2,y\n,z\n3,\n0,\n").silver()
    assert lab.silver_table()["a"].to_list() == ["y"]
    counts = counts_of(result)
    assert (counts.read, counts.accepted, counts.filtered, counts.quarantined) == (5, 1, 3, 1)


GATED = "id,a\n1,x\n2,\n3,\n4,y\n"


def test_a_run_with_too_many_bad_rows_leaves_its_quarantine_and_nothing_else(lab: Lab) -> None:
    rules = [{"column": "a", "ruleType": "not_null"}]
    lab.job = {"validationConfig": {"dataQualityRules": rules, "maxErrorRate": 0.25}}
    run = lab.ingest(GATED)
    run.bronze()
    for _ in range(2):
        with pytest.raises(
            DataFault, match=r"2 of 4 rows are bad \(50.00%\), and maxErrorRate 0.25 allows fewer.*not_null\(a\): 2"
        ):
            run.step(Step.SILVER_TRANSFORM)
        (quarantine,) = lab.keys_below("quarantine/")
        assert lab.frame(quarantine)["id"].to_list() == ["2", "3"]
        assert parquet_metadata(lab.lake, quarantine)["flowforge.run_refused"] == "true"
        assert (lab.keys_below("silver/"), lab.keys_below("contracts/")) == ([], [])


@pytest.mark.parametrize("limits", [{"maxErrors": 2}, {"maxErrorRate": 0.5}, {"maxErrors": 2, "maxErrorRate": 1}])
def test_as_many_bad_rows_as_are_allowed_pass(lab: Lab, limits: dict[str, float]) -> None:
    lab.job = {"validationConfig": {"dataQualityRules": [{"column": "a", "ruleType": "not_null"}], **limits}}
    assert counts_of(lab.ingest(GATED).silver()).quarantined == 2


def test_a_warning_is_a_note_of_the_run(lab: Lab) -> None:
    rule = {"column": "a", "ruleType": "not_null", "severity": "warning"}
    lab.job = {"validationConfig": {"dataQualityRules": [rule], "maxErrors": 0}}
    result = lab.ingest(GATED).silver()
    assert result.notes == ("the rule not_null(a) is broken by 2 of 4 rows",)
    assert counts_of(result).accepted == 4


def test_a_filter_that_does_not_fit_its_column_is_a_fault_of_the_job(lab: Lab) -> None:
    lab.job = {"transformationConfig": {"filters": [{"column": "id", "operator": "contains", "value": "x"}]}}
    with pytest.raises(ConfigFault, match="filter on 'id': contains takes a text, and this is a number"):
        lab.ingest(GATED).silver()
