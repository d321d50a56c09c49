from typing import Any

import pytest
from pydantic import ValidationError

from flowforge.model.aggregate import Aggregate
from flowforge.model.job import Job


def job(**options: Any) -> Job:
    return Job.model_validate({"id": "job_a", "name": "Orders", **options})


def mapped(**mapping: Any) -> Job:
    return job(transformationConfig={"columnMappings": [{"sourceColumn": "amount", **mapping}]})


def silver(**options: Any) -> Job:
    return job(destinationConfig={"silverConfig": options})


def gold(**options: Any) -> Job:
    return job(destinationConfig={"goldConfig": options})


def test_the_slug_and_the_dataset_follow_from_the_name() -> None:
    assert job(name="Daily Orders").slug == "daily-orders"
    assert job(name="Daily Orders").dataset == "daily-orders"
    assert job(name="Daily Orders", slug="d-o").dataset == "d-o"
    assert gold(dataset="sales").dataset == "sales"


@pytest.mark.parametrize("slug", ["", "A", "a_b", "-a", "a-", "a--b", "a/b", "a\n", "x" * 64])
def test_a_stated_slug_has_the_form_of_a_slug(slug: str) -> None:
    with pytest.raises(ValidationError, match="slug"):
        job(slug=slug)


@pytest.mark.parametrize("job_id", ["", "a/b", "a b", "../x", "a\n", "x" * 81])
def test_an_id_is_safe_in_a_key(job_id: str) -> None:
    with pytest.raises(ValidationError, match="id"):
        job(id=job_id)


@pytest.mark.parametrize("delimiter", ["", "," * 9, '"', "\n", "\r", "\0"])
def test_a_delimiter_is_a_few_characters_without_a_quote_or_a_line_end(delimiter: str) -> None:
    with pytest.raises(ValidationError, match="delimiter"):
        job(sourceConfig={"fileConfig": {"delimiter": delimiter}})


@pytest.mark.parametrize(
    ("text", "function", "column"),
    [
        ("sum(amount)", "sum", "amount"),
        (" SUM ( amount ) ", "sum", "amount"),
        ("avg(net amount)", "avg", "net amount"),
        ("count(*)", "count", "*"),
        ("count(id)", "count", "id"),
        ("min(Größe)", "min", "Größe"),
        ("max(a-b)", "max", "a-b"),
        ("median(amount)", "median", "amount"),
        ("count(DISTINCT customer id)", "count_distinct", "customer id"),
        ("count_distinct(customer)", "count_distinct", "customer"),
        ("first(day)", "first", "day"),
    ],
)
def test_an_aggregate_is_a_function_of_a_column(text: str, function: str, column: str) -> None:
    parsed = Aggregate.parse(text)
    assert (parsed.function, parsed.column) == (function, column)


@pytest.mark.parametrize(
    "text", ["", "sum", "sum()", "sum(a", "variance(a)", "sum(a)+1", "sum(max(a))", "sum(a) sum(b)", "( a )"]
)
def test_what_is_no_aggregate_is_refused_with_the_form_to_write(text: str) -> None:
    with pytest.raises(ValueError, match=r"write FUNCTION\(column\)"):
        Aggregate.parse(text)


@pytest.mark.parametrize("function", ["sum", "min", "max", "avg"])
def test_only_count_takes_a_star(function: str) -> None:
    with pytest.raises(ValueError, match=r"only count takes \*"):
        Aggregate.parse(f"{function}(*)")


def test_an_aggregate_has_a_name_of_its_own() -> None:
    assert Aggregate.parse("sum(amount)").default_name == "sum_amount"
    assert Aggregate.parse("count(*)").default_name == "count"


@pytest.mark.parametrize(
    "options",
    [
        {"aggregationEnabled": True},
        {"aggregationGroupBy": ["a"]},
        {"aggregates": {"n": "count(*)"}},
        {"aggregationEnabled": True, "aggregationGroupBy": ["a", "a"]},
        {"aggregationEnabled": True, "aggregationGroupBy": ["a"], "aggregates": {"a": "count(*)"}},
        {"aggregationEnabled": True, "aggregates": {"_row_count": "count(*)"}},
        {"aggregationEnabled": True, "aggregates": {"n": "variance(a)"}},
        {"domain": "Sales Team"},
    ],
)
def test_half_an_aggregation_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=r"aggregat|domain"):
        gold(**options)


def test_a_whole_aggregation_keeps_its_order() -> None:
    made = gold(aggregationEnabled=True, aggregationGroupBy=["b", "a"], aggregates={"z": "sum(x)", "y": "count(*)"})
    config = made.destination_config.gold_config
    assert config.aggregation_group_by == ("b", "a")
    assert list(config.parsed_aggregates) == ["z", "y"]


def test_a_primary_key_is_one_column_or_several() -> None:
    assert silver(primaryKey="a").destination_config.silver_config.primary_key == ("a",)
    assert silver(primaryKey=["a", "b"]).destination_config.silver_config.primary_key == ("a", "b")
    with pytest.raises(ValidationError, match="primaryKey names a column twice: a, a"):
        silver(primaryKey=["a", "a"])


def test_a_merge_needs_a_key() -> None:
    with pytest.raises(ValidationError, match="mergeStrategy 'merge' needs a primaryKey"):
        silver(mergeStrategy="merge")


@pytest.mark.parametrize("name", ["_ingested_at", "_run_id", "_position", "_row_count", "_reason", "a b", "1a", ""])
def test_a_surrogate_key_column_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(ValidationError, match="surrogateKeyColumn"):
        silver(surrogateKeyColumn=name)


def test_a_target_column_does_not_take_a_name_of_the_products() -> None:
    with pytest.raises(ValidationError, match="belong to the product"):
        mapped(targetColumn="_row_number")


@pytest.mark.parametrize("name", ["*", "^a.*$"])
def test_a_target_column_is_no_pattern(name: str) -> None:
    with pytest.raises(ValidationError, match="patterns to the engine"):
        mapped(targetColumn=name)


def test_a_column_is_mapped_once() -> None:
    twice = [{"sourceColumn": "a"}, {"sourceColumn": "a", "targetColumn": "b"}]
    with pytest.raises(ValidationError, match="columnMappings: sourceColumn a stands there more than once"):
        job(transformationConfig={"columnMappings": twice})
    same = [{"sourceColumn": "a", "targetColumn": "c"}, {"sourceColumn": "b", "targetColumn": "c"}]
    with pytest.raises(ValidationError, match="columnMappings: targetColumn c stands there more than once"):
        job(transformationConfig={"columnMappings": same})


def test_a_form_needs_a_type() -> None:
    with pytest.raises(ValidationError, match="column 'amount': format and thousandsSeparator need a dataType"):
        mapped(thousandsSeparator=",")


def test_a_rules_label_is_its_name_or_made_of_its_type_and_column() -> None:
    rules = [{"column": "a", "ruleType": "not_null"}, {"name": "one of each", "column": "a", "ruleType": "unique"}]
    made = job(validationConfig={"dataQualityRules": rules})
    assert [rule.label for rule in made.validation_config.data_quality_rules] == ["not_null(a)", "one of each"]
    with pytest.raises(ValidationError, match=r"dataQualityRules: not_null\(a\) stands there more than once"):
        job(validationConfig={"dataQualityRules": [rules[0], rules[0]]})
