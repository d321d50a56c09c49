"""Options of Gold and of jobs of SQL: what they mean together, and what does not go together."""

from typing import Any

import pytest
from pydantic import ValidationError

from flowforge.model.errors import ConfigFault
from flowforge.model.gold import BuildStrategy, GoldConfig
from flowforge.model.job import Job
from flowforge.model.step import Step
from flowforge.model.workflow import Workflow, read_workflow

GROUPS: dict[str, Any] = {"aggregationEnabled": True, "aggregationGroupBy": ["country"]}
PERIODS: dict[str, Any] = {"aggregationEnabled": True, "aggregationTimeColumn": "day", "aggregationTimeGrain": "month"}
SQL: dict[str, Any] = {"sql": "SELECT * FROM orders", "tables": {"orders": "shop/orders"}}


def gold(**options: Any) -> GoldConfig:
    return GoldConfig.model_validate(options)


def job(**fields: Any) -> Job:
    return Job.model_validate({"id": "job_a", "name": "A", **fields})


def analytics(**fields: Any) -> dict[str, Any]:
    return {
        "id": "job_sql",
        "name": "Sql",
        "type": "gold-analytics",
        "order": 2,
        "destinationConfig": {"goldConfig": SQL},
        **fields,
    }


def workflow(*jobs: dict[str, Any]) -> Workflow:
    orders = {"id": "job_orders", "name": "Orders"}
    return read_workflow({"id": "wf_shop", "name": "Shop", "jobs": [orders, *jobs]}, origin="shop.yaml")


@pytest.mark.parametrize(
    ("word", "grain"),
    [("daily", "day"), ("weekly", "week"), ("monthly", "month"), ("quarterly", "quarter"), ("yearly", "year"), ("week", "week")],
)
def test_a_grain_has_the_words_of_todays_forms(word: str, grain: str) -> None:
    config = gold(**PERIODS | {"aggregationTimeGrain": word})
    assert config.aggregation_time_grain == grain
    assert config.group_columns == [f"day_{grain}"]


def test_refresh_strategy_is_another_name_of_build_strategy() -> None:
    assert gold(refreshStrategy="snapshot").build_strategy is BuildStrategy.SNAPSHOT
    assert gold(refreshStrategy="snapshot", buildStrategy="snapshot").build_strategy is BuildStrategy.SNAPSHOT
    with pytest.raises(ValidationError, match="refreshStrategy, its other name"):
        gold(refreshStrategy="snapshot", buildStrategy="full_rebuild")


def test_a_materialized_view_is_a_table_that_every_run_renews() -> None:
    assert gold(materializationType="materialized_view") == gold(materializationType="table") == gold()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (PERIODS | {"aggregationTimeColumn": None}, "go together"),
        (PERIODS | {"aggregationTimeZone": "Europe/Nowhere"}, "no time zone"),
        (PERIODS | {"aggregationTimeGrain": "hourly"}, "aggregationTimeGrain"),
        (PERIODS | {"aggregationGroupBy": ["day_month"]}, "the column of the periods"),
        (PERIODS | {"aggregates": {"day_month": "count(*)"}}, "also a column that Gold groups by"),
        (GROUPS | {"aggregationTimeZone": "Europe/Berlin"}, "goes with aggregationTimeGrain"),
        (GROUPS | {"orderBy": ["city"]}, "the aggregation has no column city"),
        (GROUPS | {"orderBy": ["country", "country desc"]}, "more than once"),
        (GROUPS | {"partitionKeys": ["city"]}, "partitionKeys: the aggregation has no column city"),
        (GROUPS | {"aggregationOrderBy": ["day"]}, r"goes with first\(\) or last\(\)"),
        ({"buildStrategy": "incremental"}, "needs an aggregation"),
        ({"sql": "SELECT 1"}, "sql and tables go together"),
        ({"tables": {"orders": "shop/orders"}}, "sql and tables go together"),
        (GROUPS | SQL, "groups by itself"),
        (SQL | {"tables": {"Orders": "shop/orders"}}, "pattern"),
        (SQL | {"tables": {"orders": "orders"}}, "pattern"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        gold(**options)


def test_rows_are_clustered_first_and_ordered_then() -> None:
    config = gold(**GROUPS, aggregates={"n": "count(*)"}, partitionKeys=["country"], orderBy=["n desc", "country desc"])
    assert config.row_order == [("country", False), ("n", True)]


@pytest.mark.parametrize("strategy", ["versioned", "merge", "replace"])
def test_increments_need_rows_that_only_come_on_top(strategy: str) -> None:
    silver = {"mergeStrategy": strategy, "primaryKey": "id"}
    incremental = GROUPS | {"buildStrategy": "incremental"}
    with pytest.raises(ValidationError, match=r"needs silverConfig.mergeStrategy 'append'"):
        job(destinationConfig={"silverConfig": silver, "goldConfig": incremental})
    assert job(destinationConfig={"silverConfig": {"mergeStrategy": "append"}, "goldConfig": incremental})


@pytest.mark.parametrize(
    ("destination", "steps"),
    [
        ({}, tuple(Step)),
        ({"goldConfig": {"enabled": False}}, (Step.BRONZE_INGEST, Step.SILVER_TRANSFORM)),
        ({"goldConfig": {"enabled": False}, "silverConfig": {"enabled": False}}, (Step.BRONZE_INGEST,)),
    ],
)
def test_a_job_ends_with_the_last_layer_that_is_enabled(destination: dict[str, Any], steps: tuple[Step, ...]) -> None:
    assert job(destinationConfig=destination).steps == steps


def test_gold_cannot_do_without_silver() -> None:
    with pytest.raises(ValidationError, match="Gold is made of Silver"):
        job(destinationConfig={"silverConfig": {"enabled": False}})


def test_a_job_of_sql_has_gold_alone() -> None:
    assert workflow(analytics()).jobs[1].steps == (Step.GOLD_PUBLISH,)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"sourceConfig": {"fileConfig": {"delimiter": ";"}}}, "leave sourceConfig out"),
        ({"transformationConfig": {"columnMappings": [{"sourceColumn": "a", "dataType": "text"}]}}, "transformationConfig"),
        ({"validationConfig": {"dataQualityRules": [{"column": "a", "ruleType": "unique"}]}}, "dataQualityRules"),
        ({"destinationConfig": {"goldConfig": SQL, "silverConfig": {"primaryKey": "id"}}}, "silverConfig"),
        ({"destinationConfig": {}}, "state destinationConfig.goldConfig.sql"),
        ({"type": "file-based"}, "only a job of type gold-analytics"),
        ({"order": 1}, "job_orders has to run before; give it a lower order than 1"),
        ({"destinationConfig": {"goldConfig": SQL | {"tables": {"orders": "shop/products"}}}}, "no silver of shop/products"),
        (
            {"destinationConfig": {"goldConfig": SQL | {"sql": "SELECT * FROM products"}}},
            "goldConfig.sql: 'products' is no declared",
        ),
    ],
)
def test_what_a_job_of_sql_cannot_have_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigFault, match=told):
        workflow(analytics(**fields))


def test_a_table_of_another_workflow_needs_no_order() -> None:
    fields = {"order": 1, "destinationConfig": {"goldConfig": SQL | {"tables": {"orders": "store/orders"}}}}
    assert workflow(analytics(**fields))


def test_no_file_arrives_for_a_job_of_sql() -> None:
    definition = workflow(analytics()).model_dump(mode="json", by_alias=True)
    with pytest.raises(ConfigFault, match="no file arrives for job_sql"):
        read_workflow(definition | {"triggers": [{"type": "arrival", "jobId": "job_sql"}]}, origin="shop.yaml")
