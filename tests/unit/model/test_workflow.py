import json
import re
from typing import Any

import pytest
import yaml

from flowforge.model.errors import ConfigFault
from flowforge.model.workflow import MAX_JOBS, Workflow, read_workflow

ORDERS: dict[str, Any] = {"id": "job_orders", "name": "Orders"}


def definition(*jobs: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "wf_shop", "name": "Shop", "jobs": list(jobs or (ORDERS,)), **fields}


def fault(wrong: object) -> ConfigFault:
    with pytest.raises(ConfigFault) as caught:
        read_workflow(wrong, origin="shop.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"colour": "red"}, "jobs[0].colour"),
        ({"sourceConfig": {"type": "postgres"}}, "jobs[0].sourceConfig.type"),
        ({"destinationConfig": {"bronzeConfig": {"schemaEvolution": "guess"}}}, "bronzeConfig.schemaEvolution"),
        ({"destinationConfig": {"silverConfig": {"mergeStrategy": "scd_type_6"}}}, "silverConfig.mergeStrategy"),
        ({"sourceConfig": {"fileConfig": {"encoding": "utf-7"}}}, "jobs[0].sourceConfig.fileConfig.encoding"),
        ({"sourceConfig": {"fileConfig": {"hasHeader": "perhaps"}}}, "jobs[0].sourceConfig.fileConfig.hasHeader"),
        ({"sourceConfig": {"fileConfig": {"skipRows": -2}}}, "jobs[0].sourceConfig.fileConfig.skipRows"),
        ({"destinationConfig": {"goldConfig": {"sqlQuery": "select 1"}}}, "goldConfig.sqlQuery"),
        ({"validationConfig": {"dataQualityRules": [{"column": "a", "ruleType": "regex"}]}}, "dataQualityRules[0].ruleType"),
        (
            {"transformationConfig": {"columnMappings": [{"sourceColumn": "a", "transformations": [{"type": "upper"}]}]}},
            "columnMappings[0].transformations[0].type",
        ),
        ({"order": 0}, "jobs[0].order"),
    ],
)
def test_an_option_that_is_unknown_or_not_implemented_is_refused_by_its_name(options: dict[str, Any], field: str) -> None:
    error = fault(definition(ORDERS | options))
    assert str(error).startswith("shop.yaml: ")
    assert field in str(error)
    assert error.option
    assert error.option.endswith(field)


def test_an_unknown_option_is_called_unknown() -> None:
    assert "jobs[0].colour: unknown here, or not supported by this version" in str(fault(definition(ORDERS | {"colour": "red"})))


def test_a_wrong_job_is_reported_once_and_without_noise() -> None:
    message = str(fault(definition(ORDERS | {"colour": "red"})))
    assert "at least 1 item" not in message
    assert ";" not in message


def test_every_wrong_field_is_reported() -> None:
    message = str(fault(definition(ORDERS | {"colour": "red", "order": -1}, schemaVersion="x")))
    assert all(field in message for field in ("jobs[0].colour", "jobs[0].order", "schemaVersion"))


def test_a_workflow_without_jobs_is_refused() -> None:
    assert "jobs: " in str(fault(definition() | {"jobs": []}))
    assert "jobs: " in str(fault({"id": "wf_shop", "name": "Shop"}))


@pytest.mark.parametrize("wrong", [None, [], "text", 3])
def test_what_is_no_mapping_is_no_workflow(wrong: object) -> None:
    assert str(fault(wrong)).startswith("shop.yaml: ")


def test_a_workflow_has_at_most_as_many_jobs_as_its_history_holds() -> None:
    jobs = [{"id": f"job_{number}", "name": f"Job {number}"} for number in range(MAX_JOBS + 1)]
    assert len(read_workflow(definition(*jobs[:-1]), origin="x").jobs) == MAX_JOBS
    assert "200" in str(fault(definition(*jobs)))


def test_two_names_that_slug_alike_are_refused() -> None:
    assert "the slug a-b belongs to more than one job" in str(
        fault(definition({"id": "one", "name": "a b"}, {"id": "two", "name": "A_B"}))
    )


def test_two_jobs_of_one_id_are_refused() -> None:
    assert "the id one belongs to more than one job" in str(
        fault(definition({"id": "one", "name": "a"}, {"id": "one", "name": "b"}))
    )


def test_a_gold_dataset_has_one_owner() -> None:
    def job(name: str, **gold: str) -> dict[str, Any]:
        return {"id": name, "name": name, "destinationConfig": {"goldConfig": gold}}

    assert "Gold dataset analytics/sales belongs to more than one job" in str(
        fault(definition(job("a", dataset="sales"), job("b", dataset="sales")))
    )
    assert "Gold dataset analytics/a belongs" in str(fault(definition(job("a"), job("b", dataset="a"))))
    assert read_workflow(definition(job("a", dataset="sales"), job("b", dataset="sales", domain="eu")), origin="x").jobs


def test_a_name_without_a_slug_asks_for_one_by_the_fields_name() -> None:
    assert "'slug'" in str(fault(definition(name="注文")))
    assert read_workflow(definition(name="注文", slug="orders"), origin="x").slug == "orders"


def test_a_workflow_survives_yaml_and_json() -> None:
    job = ORDERS | {
        "transformationConfig": {
            "columnMappings": [{"sourceColumn": "Betrag", "targetColumn": "amount", "dataType": "decimal(18,2)"}]
        },
        "destinationConfig": {
            "silverConfig": {"primaryKey": ["id", "line"], "mergeStrategy": "merge"},
            "goldConfig": {"aggregationEnabled": True, "aggregationGroupBy": ["a"], "aggregates": {"n": "count(*)"}},
        },
    }
    workflow = read_workflow(definition(job, description="Größen"), origin="x")
    assert Workflow.model_validate_json(workflow.to_json()) == workflow
    assert read_workflow(yaml.safe_load(yaml.safe_dump(json.loads(workflow.to_json()))), origin="x") == workflow


def test_the_stored_names_are_camel_case() -> None:
    stored = json.loads(read_workflow(definition(), origin="x").to_json())
    assert stored["jobs"][0]["destinationConfig"]["silverConfig"]["mergeStrategy"] == "versioned"


def test_an_unknown_job_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigFault, match="has no job x; it has job_orders"):
        read_workflow(definition(), origin="x").job("x")


@pytest.mark.parametrize(
    ("triggers", "message"),
    [
        ([{"type": "arrival", "jobId": "job_x"}], "the workflow has no job job_x"),
        ([{"type": "arrival"}, {"type": "arrival"}], "more than once"),
        ([{"type": "arrival"}, {"type": "arrival", "jobId": "job_orders"}], "more than once"),
        ([{"type": "schedule"}], r"triggers\[0\].type"),
        ([{"type": "arrival", "pattern": "*"}], r"triggers\[0\].pattern: unknown here"),
    ],
)
def test_triggers_name_each_job_once_and_only_arrival(triggers: list[dict[str, str]], message: str) -> None:
    assert re.search(message, str(fault(definition(triggers=triggers))))


def test_a_workflow_starts_on_the_arrival_of_the_jobs_that_it_names() -> None:
    other = {"id": "job_other", "name": "Other"}
    told = definition(ORDERS, other, triggers=[{"type": "arrival", "jobId": "job_other"}])
    one, every = read_workflow(told, origin="t"), read_workflow({**told, "triggers": [{"type": "arrival"}]}, origin="t")
    assert [one.starts_on_arrival(job.id) for job in one.jobs] == [False, True]
    assert [every.starts_on_arrival(job.id) for job in every.jobs] == [True, True]
    assert not read_workflow(definition(), origin="t").starts_on_arrival("job_orders")
