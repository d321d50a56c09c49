"""Options of a job become a workflow; a wrong one is named."""

import pytest

from flowforge.cli.job_options import JobOptions, workflow_from_options
from flowforge.cli.usage import UsageError
from flowforge.model.job import Job
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.source import FileConfig
from flowforge.model.text_options import OnMalformedRow


def job_of(options: JobOptions) -> Job:
    return workflow_from_options(options, default_name="orders").jobs[0]


def test_ids_and_slugs_follow_from_the_name_so_that_the_next_run_finds_the_same_tables() -> None:
    workflow = workflow_from_options(JobOptions(name="Web Orders_2026"), default_name="orders")
    assert (workflow.id, workflow.slug, workflow.name) == ("wf_web-orders-2026", "web-orders-2026", "Web Orders_2026")
    assert (workflow.jobs[0].id, workflow.jobs[0].slug) == ("job_web-orders-2026", "web-orders-2026")


def test_the_default_name_is_taken_where_none_is_given() -> None:
    assert workflow_from_options(JobOptions(), default_name="orders").name == "orders"


def test_without_options_a_job_is_versioned_and_copied_to_gold() -> None:
    destination = job_of(JobOptions()).destination_config
    assert destination.silver_config.merge_strategy is MergeStrategy.VERSIONED
    assert destination.silver_config.primary_key == ()
    assert not destination.gold_config.aggregation_enabled


def test_key_columns_are_given_one_by_one_or_with_commas() -> None:
    silver = job_of(JobOptions(primary_key=("year, month", "day"), merge=True)).destination_config.silver_config
    assert silver.primary_key == ("year", "month", "day")
    assert silver.merge_strategy is MergeStrategy.MERGE


@pytest.mark.parametrize("strategy", ["versioned", "replace", "append"])
def test_a_strategy_is_stated_by_its_name(strategy: str) -> None:
    assert job_of(JobOptions(strategy=strategy)).destination_config.silver_config.merge_strategy.value == strategy


def test_options_of_silver_tables_become_those_of_the_job() -> None:
    history = JobOptions(primary_key=("id",), strategy="scd_type_2", effective_date="day", surrogate_key="auto_increment")
    silver = job_of(history).destination_config.silver_config
    assert (silver.row_key, silver.surrogate_key_strategy.value) == (("id", "day"), "auto_increment")
    merging = JobOptions(
        primary_key=("id",), merge=True, conflict="most_recent", conflict_column="at", surrogate_key="existing:number"
    )
    silver = job_of(merging).destination_config.silver_config
    assert (silver.conflict_resolution.value, silver.conflict_column) == ("most_recent", "at")
    assert silver.existing_surrogate_key == "number"
    assert job_of(JobOptions(strategy="full_refresh")).destination_config.silver_config.merge_strategy is MergeStrategy.REPLACE


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (JobOptions(strategy="scd_type_2"), "--strategy scd_type_2 needs to know which rows are the same"),
        (JobOptions(conflict="newest"), "--conflict: Input should be"),
        (JobOptions(track_deletes=True), "--track-deletes: scdTrackDeletes: options of a history need"),
        (JobOptions(surrogate_key="existing:"), "--surrogate-key: Input should be"),
    ],
)
def test_a_wrong_option_of_silver_tables_is_named(options: JobOptions, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        workflow_from_options(options, default_name="orders")


def test_aggregates_are_named_after_their_function_or_as_the_person_says() -> None:
    options = JobOptions(group_by=("country",), aggregate=("sum(amount)", "total=sum(amount)", "count(*)"))
    gold = job_of(options).destination_config.gold_config
    assert gold.aggregation_enabled
    assert gold.aggregation_group_by == ("country",)
    assert gold.aggregates == {"sum_amount": "sum(amount)", "total": "sum(amount)", "count": "count(*)"}


def test_a_column_with_an_equals_sign_can_be_aggregated() -> None:
    gold = job_of(JobOptions(aggregate=("sum(a=b)",))).destination_config.gold_config
    assert gold.aggregates == {"sum_a=b": "sum(a=b)"}


def test_types_are_declared_by_column() -> None:
    mappings = job_of(JobOptions(type=("ordered_on=date", "a=b=decimal(12,2)"))).transformation_config.column_mappings
    assert [(mapping.source_column, str(mapping.declared_type)) for mapping in mappings] == [
        ("ordered_on", "date"),
        ("a=b", "decimal(12,2)"),
    ]


def test_rules_send_rows_to_quarantine() -> None:
    rules = job_of(JobOptions(not_null=("a,b",), unique=("c",))).validation_config.data_quality_rules
    assert [(rule.label, rule.severity) for rule in rules] == [
        ("not_null(a)", "error"),
        ("not_null(b)", "error"),
        ("unique(c)", "error"),
    ]


@pytest.mark.parametrize(("typed", "meant"), [(";", ";"), ("\\t", "\t"), ("tab", "\t"), ("\t", "\t")])
def test_a_delimiter_can_be_a_tab(typed: str, meant: str) -> None:
    assert job_of(JobOptions(delimiter=typed)).source_config.file_config.delimiter == meant


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (JobOptions(sheet="January"), {"sheet_name": "January"}),
        (JobOptions(sheet="2"), {"sheet_index": 1}),
        (JobOptions(sheet="2026"), {"sheet_name": "2026"}),
        (JobOptions(all_sheets=True, header_row=3), {"sheets": "all", "header_row": 3}),
        (JobOptions(record_path="data.items"), {"record_path": "data.items"}),
    ],
)
def test_options_of_reading_become_fields_of_the_files(options: JobOptions, expected: dict[str, object]) -> None:
    assert job_of(options).source_config.file_config == FileConfig.model_validate(expected)


def test_format_and_schema_evolution_are_those_of_the_job() -> None:
    job = job_of(JobOptions(format="excel", schema_evolution="ignore_extra"))
    assert (job.source_config.type, job.destination_config.bronze_config.schema_evolution) == ("excel", "ignore_extra")


def test_the_options_of_text_become_the_jobs_file_config() -> None:
    options = JobOptions(
        encoding="Latin-1",
        quote="none",
        escape="\\",
        comment="#",
        no_header=True,
        skip_rows=2,
        skip_footer_rows=1,
        on_malformed="quarantine",
        max_malformed=7,
    )
    assert job_of(options).source_config.file_config == FileConfig(
        encoding="iso8859-1",
        quote_character="",
        escape_character="\\",
        comment_prefix="#",
        has_header=False,
        skip_rows=2,
        skip_footer_rows=1,
        on_malformed_row=OnMalformedRow.QUARANTINE,
        max_malformed_rows=7,
    )


def test_null_values_are_taken_as_they_are() -> None:
    assert job_of(JobOptions(null_value=("NA", " "))).source_config.file_config.null_values == ("NA", " ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (JobOptions(merge=True), "--merge needs to know which rows are the same: add --primary-key COLUMN"),
        (JobOptions(strategy="merge"), "--strategy merge needs to know which rows are the same: add --primary-key COLUMN"),
        (JobOptions(strategy="upsert"), "--strategy: 'upsert' is none of versioned, merge, replace, append"),
        (JobOptions(merge=True, strategy="append"), "--merge is short for --strategy merge, and --strategy is append"),
        (JobOptions(primary_key=("a,,b",)), "--primary-key: the name of a column is missing in 'a,,b'"),
        (JobOptions(primary_key=("a", "a")), "--primary-key: primaryKey names a column twice: a, a"),
        (JobOptions(aggregate=("total(amount)",)), "--aggregate: 'total(amount)' is no aggregate"),
        (JobOptions(aggregate=("sum(*)",)), "--aggregate: 'sum(*)': only count takes *"),
        (JobOptions(aggregate=("x=sum(a)", "x=sum(b)")), "--aggregate: the name 'x' is taken twice"),
        (JobOptions(group_by=("a",), aggregate=("a=count(*)",)), "--group-by, --aggregate: aggregates: a is also"),
        (JobOptions(type=("ordered_on",)), "--type: 'ordered_on' is not of the form COLUMN=TYPE"),
        (JobOptions(type=("a=day",)), "--type: 'day' is no data type"),
        (JobOptions(type=("a=date", "a=text")), "--type: the column 'a' has two types"),
        (JobOptions(type=("_a=date",)), "--type: column '_a': names that start with '_'"),
        (JobOptions(format="avro"), "--format: 'avro' is none of auto, csv, json, excel, parquet"),
        (JobOptions(sheet="0"), "--sheet: sheets are numbered from 1"),
        (JobOptions(sheet="A", all_sheets=True), "--sheet chooses one sheet, and --all-sheets every one"),
        (JobOptions(format="csv", sheet="A"), "--format: sheetName: belongs to workbooks"),
        (JobOptions(format="json", delimiter=";"), "--format: delimiter: belongs to delimited text"),
        (JobOptions(header_row=2, no_header=True), "--no-header, --header-row: headerRow names the row of the header"),
        (JobOptions(record_path="a..b"), "--record-path: String should match pattern"),
        (JobOptions(schema_evolution="lax"), "--schema-evolution: 'lax' is none of strict, add_new_columns, ignore_extra"),
        (JobOptions(delimiter=""), "--delimiter: "),
        (JobOptions(delimiter='"'), "--delimiter: the delimiter '\"' must not hold the quote character"),
        (JobOptions(delimiter="a\nb"), "--delimiter: 'a\\nb' holds a line end"),
        (JobOptions(encoding="klingon"), "--encoding: the encoding 'klingon' is unknown"),
        (JobOptions(encoding="utf-7"), "--encoding: the encoding 'utf-7' is none that files are stored in"),
        (JobOptions(skip_footer_rows=10_000), "--skip-footer-rows: "),
        (JobOptions(on_malformed="ignore"), "--on-malformed: "),
        (JobOptions(max_malformed=3), "--max-malformed: maxMalformedRows counts what goes to quarantine"),
        (JobOptions(quote="'", comment="'x"), "--quote, --comment: the comment prefix"),
        (JobOptions(unique=("a", "a")), "--not-null, --unique: dataQualityRules: unique(a)"),
        (JobOptions(name="заказы"), "--name: no table name follows from 'заказы'"),
        (JobOptions(name="x" * 64), "--name: "),
    ],
)
def test_a_wrong_option_is_named(options: JobOptions, message: str) -> None:
    with pytest.raises(UsageError) as error:
        job_of(options)
    assert str(error.value).startswith(message)


def test_given_options_are_listed_as_they_are_typed() -> None:
    assert JobOptions(primary_key=("a",), merge=True, not_null=("b",)).given() == [
        "--primary-key",
        "--merge",
        "--not-null",
    ]


def test_gold_has_periods_an_order_and_a_way_to_be_built() -> None:
    options = JobOptions(
        strategy="append",
        time_grain="ordered on=monthly",
        time_zone="Europe/Berlin",
        aggregate=("count(*)",),
        order_by=("count desc", "ordered on_month"),
        build="incremental",
    )
    gold = job_of(options).destination_config.gold_config
    assert gold.group_columns == ["ordered on_month"]
    assert gold.aggregation_time_zone == "Europe/Berlin"
    assert gold.row_order == [("count", True), ("ordered on_month", False)]
    assert gold.build_strategy == "incremental"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (JobOptions(time_grain="month"), "--time-grain: 'month' is not of the form COLUMN=GRAIN"),
        (JobOptions(time_grain="day=hour"), "--time-grain: "),
        (JobOptions(time_zone="Europe/Berlin"), "--time-zone: "),
        (JobOptions(group_by=("a",), order_by=("b",)), "--group-by, --order-by: orderBy: the aggregation has no column b"),
        (JobOptions(build="now"), "--build: "),
        (JobOptions(build="incremental", group_by=("a",)), "needs silverConfig.mergeStrategy 'append'"),
    ],
)
def test_a_wrong_option_of_gold_is_named(options: JobOptions, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        job_of(options)
    assert told in str(caught.value)
