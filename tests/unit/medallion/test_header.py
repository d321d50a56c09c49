from typing import Any

import pytest

from flowforge.medallion.header import check_header, silver_names
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.job import Job

COLUMNS = ("id", "amount", "country")


def job(*, mappings: list[dict[str, Any]] | None = None, rules: list[dict[str, Any]] | None = None, **destination: Any) -> Job:
    return Job.model_validate(
        {
            "id": "job_orders",
            "name": "Orders",
            "transformationConfig": {"columnMappings": mappings or []},
            "validationConfig": {"dataQualityRules": rules or []},
            "destinationConfig": destination,
        }
    )


RENAMED = [{"sourceColumn": "amount", "targetColumn": "price"}]


@pytest.mark.parametrize(
    ("configured", "option", "column"),
    [
        (job(mappings=[{"sourceColumn": "Amount"}]), "columnMappings.sourceColumn", "Amount"),
        (job(silverConfig={"primaryKey": "order_id"}), "silverConfig.primaryKey", "order_id"),
        (job(mappings=RENAMED, silverConfig={"primaryKey": "amount"}), "silverConfig.primaryKey", "amount"),
        (job(rules=[{"column": "x", "ruleType": "unique"}]), "dataQualityRules[unique(x)].column", "x"),
        (job(goldConfig={"aggregationEnabled": True, "aggregationGroupBy": ["x"]}), "goldConfig.aggregationGroupBy", "x"),
        (job(goldConfig={"aggregationEnabled": True, "aggregates": {"n": "sum(x)"}}), "goldConfig.aggregates.n", "x"),
        (job(silverConfig={"surrogateKeyColumn": "country"}), "silverConfig.surrogateKeyColumn", "country"),
        (job(mappings=[{"sourceColumn": "amount", "targetColumn": "id"}]), "columnMappings", "id"),
    ],
)
def test_a_column_that_does_not_fit_is_named_with_the_field_and_the_file(configured: Job, option: str, column: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        check_header(configured, COLUMNS, file="orders.csv")
    assert (caught.value.option, caught.value.column, caught.value.file) == (option, column, "orders.csv")
    assert all(part in str(caught.value) for part in (option.partition("[")[0], repr(column), "orders.csv"))


@pytest.mark.parametrize("name", ["_row_number", "_x", "*", "^a$"])
def test_a_files_column_does_not_take_a_name_that_is_kept(name: str) -> None:
    with pytest.raises(DataFault, match="rename it") as caught:
        check_header(job(), ("id", name), file="orders.csv")
    assert caught.value.column == name


def test_columns_that_are_there_under_their_names_in_silver_pass() -> None:
    configured = job(
        mappings=RENAMED,
        rules=[{"column": "price", "ruleType": "not_null"}],
        silverConfig={"primaryKey": "id"},
        goldConfig={
            "aggregationEnabled": True,
            "aggregationGroupBy": ["country"],
            "aggregates": {"n": "sum(price)", "k": "count(*)"},
        },
    )
    check_header(configured, COLUMNS, file="orders.csv")
    assert silver_names(configured, COLUMNS) == ["id", "price", "country"]


def test_two_columns_may_swap_their_names() -> None:
    swapped = [{"sourceColumn": "id", "targetColumn": "amount"}, {"sourceColumn": "amount", "targetColumn": "id"}]
    check_header(job(mappings=swapped), COLUMNS, file="orders.csv")
