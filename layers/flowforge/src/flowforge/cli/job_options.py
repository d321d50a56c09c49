"""The options that describe a job on the command line, and the workflow that follows from them."""

import re
from dataclasses import dataclass, fields

from flowforge.cli.checked_options import checked, one_of
from flowforge.cli.reading_options import source_config
from flowforge.cli.silver_options import column_mappings, columns, derived_columns, quality_rules, row_filters
from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.model.aggregate import Aggregate
from flowforge.model.destination import BronzeConfig, DestinationConfig, SchemaEvolution
from flowforge.model.errors import ConfigFault
from flowforge.model.gold import GoldConfig
from flowforge.model.job import Job
from flowforge.model.quality_rule import QualityRule, Severity
from flowforge.model.silver_config import ALIASES, MergeStrategy, SilverConfig, TypeWidening
from flowforge.model.slug import slugify
from flowforge.model.transformation import TransformationConfig
from flowforge.model.validation import ValidationConfig
from flowforge.model.workflow import Workflow

NAMED_AGGREGATE = re.compile(r"([^=()]+)=(.+)", re.DOTALL)
GOLD_OPTIONS = ("--group-by", "--aggregate", "--time-grain", "--time-zone", "--order-by", "--build")
EXISTING = "existing:"
SILVER_OPTIONS = (
    "--primary-key",
    "--strategy",
    "--conflict",
    "--conflict-column",
    "--surrogate-key",
    "--effective-date",
    "--track-deletes",
    "--widen",
)


@dataclass(frozen=True)
class JobOptions:
    """The options of a job as they were typed. Names of columns may be separated by commas."""

    primary_key: tuple[str, ...] = ()
    merge: bool = False
    strategy: str | None = None
    conflict: str | None = None
    conflict_column: str | None = None
    surrogate_key: str | None = None
    effective_date: str | None = None
    track_deletes: bool = False
    group_by: tuple[str, ...] = ()
    aggregate: tuple[str, ...] = ()
    time_grain: str | None = None
    time_zone: str | None = None
    order_by: tuple[str, ...] = ()
    build: str | None = None
    name: str | None = None
    delimiter: str | None = None
    null_value: tuple[str, ...] = ()
    format: str | None = None
    sheet: str | None = None
    all_sheets: bool = False
    header_row: int | None = None
    record_path: str | None = None
    schema_evolution: str | None = None
    encoding: str | None = None
    quote: str | None = None
    escape: str | None = None
    comment: str | None = None
    no_header: bool = False
    skip_rows: int = 0
    skip_footer_rows: int = 0
    on_malformed: str | None = None
    max_malformed: int | None = None
    type: tuple[str, ...] = ()
    not_null: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    warn: tuple[str, ...] = ()
    filter: tuple[str, ...] = ()
    transform: tuple[str, ...] = ()
    derive: tuple[str, ...] = ()
    max_error_rate: float | None = None
    widen: bool = False

    def given(self) -> list[str]:
        """List the options that were typed, as a person types them."""
        return [f"--{field.name.replace('_', '-')}" for field in fields(self) if getattr(self, field.name) != field.default]


def workflow_from_options(options: JobOptions, *, default_name: str) -> Workflow:
    """Build a workflow of one job. Its ids follow from the name, so that the next run finds the same tables.

    Raises UsageError naming the option that is wrong.
    """
    primary_key = columns("--primary-key", options.primary_key)
    strategy = _strategy(options)
    if strategy in (MergeStrategy.MERGE, MergeStrategy.SCD_TYPE_2) and not primary_key:
        typed = "--merge" if options.merge else f"--strategy {strategy.value}"
        raise UsageError(f"{typed} needs to know which rows are the same: add --primary-key COLUMN")
    name = options.name if options.name is not None else default_name
    try:
        slug = slugify(name)
    except ConfigFault as fault:
        raise UsageError(
            f"--name: no table name follows from {printable(name)!r}: state a name with letters a-z or digits"
        ) from fault
    job = checked(
        "--name",
        lambda: Job(
            id=f"job_{slug}",
            name=name,
            slug=slug,
            source_config=source_config(options),
            transformation_config=_transformation(options),
            validation_config=_validation(options),
            destination_config=DestinationConfig(
                bronze_config=BronzeConfig(schema_evolution=_schema_evolution(options)),
                silver_config=_silver_config(options, primary_key, strategy),
                gold_config=_gold_config(options),
            ),
        ),
    )
    return Workflow(id=f"wf_{slug}", name=name, slug=slug, jobs=(job,))


def _schema_evolution(options: JobOptions) -> SchemaEvolution:
    return one_of("--schema-evolution", options.schema_evolution or SchemaEvolution.STRICT.value, SchemaEvolution)


def _transformation(options: JobOptions) -> TransformationConfig:
    mapped = "--type, --transform" if options.transform else "--type"
    mappings = checked(mapped, lambda: column_mappings(options.type, options.transform))
    derived = checked("--derive", lambda: derived_columns(options.derive))
    filters = checked("--filter", lambda: row_filters(options.filter))
    return checked(
        "--transform, --derive, --filter",
        lambda: TransformationConfig(column_mappings=mappings, derived_columns=derived, filters=filters),
    )


def _validation(options: JobOptions) -> ValidationConfig:
    rules = [QualityRule(column=column, rule_type="not_null") for column in columns("--not-null", options.not_null)]
    rules += [QualityRule(column=column, rule_type="unique") for column in columns("--unique", options.unique)]
    rules += checked("--rule", lambda: quality_rules(options.rule, Severity.ERROR))
    rules += checked("--warn", lambda: quality_rules(options.warn, Severity.WARNING))
    of_rules = "--not-null, --unique, --rule, --warn" if options.rule or options.warn else "--not-null, --unique"
    return checked(
        of_rules,
        lambda: ValidationConfig(data_quality_rules=tuple(rules), max_error_rate=options.max_error_rate),
    )


def _strategy(options: JobOptions) -> MergeStrategy:
    stated = (
        ALIASES.get(options.strategy or "", options.strategy)
        or (MergeStrategy.MERGE if options.merge else MergeStrategy.VERSIONED).value
    )
    strategy = one_of("--strategy", stated, MergeStrategy)
    if options.merge and stated != MergeStrategy.MERGE:
        raise UsageError(f"--merge is short for --strategy merge, and --strategy is {stated}: leave one of them out")
    return strategy


def _silver_config(options: JobOptions, primary_key: tuple[str, ...], strategy: MergeStrategy) -> SilverConfig:
    stated: dict[str, object] = {"primaryKey": primary_key, "mergeStrategy": strategy.value}
    given = {
        "conflictResolution": options.conflict,
        "conflictColumn": options.conflict_column,
        "scdEffectiveDateColumn": options.effective_date,
        "scdTrackDeletes": options.track_deletes or None,
        "typeWidening": TypeWidening.ALLOW.value if options.widen else None,
    }
    stated |= {name: value for name, value in given.items() if value is not None}
    if options.surrogate_key is not None:
        kind, _, column = options.surrogate_key.partition(EXISTING)
        stated |= (
            {"surrogateKeyStrategy": "use_existing", "surrogateKeyColumn": column}
            if not kind and column
            else {"surrogateKeyStrategy": options.surrogate_key}
        )
    typed = [option for option in options.given() if option in SILVER_OPTIONS]
    return checked(", ".join(typed) or "--primary-key", lambda: SilverConfig.model_validate(stated))


def _gold_config(options: JobOptions) -> GoldConfig:
    group_by = columns("--group-by", options.group_by)
    aggregates: dict[str, str] = {}
    for text in options.aggregate:
        named = NAMED_AGGREGATE.fullmatch(text)
        expression = named[2] if named else text
        parsed = checked("--aggregate", lambda expression=expression: Aggregate.parse(expression))  # type: ignore[misc]
        name = named[1].strip() if named else parsed.default_name
        if name in aggregates:
            raise UsageError(f"--aggregate: the name {printable(name)!r} is taken twice; give one another, such as total={text}")
        aggregates[name] = expression.strip()
    time_column, grain = _time_grain(options)
    given: dict[str, object] = {
        "aggregationEnabled": bool(group_by or aggregates or grain),
        "aggregationGroupBy": group_by,
        "aggregates": aggregates,
        "aggregationTimeColumn": time_column,
        "aggregationTimeGrain": grain,
        "aggregationTimeZone": options.time_zone,
        "orderBy": columns("--order-by", options.order_by),
        "buildStrategy": options.build,
    }
    typed = [name for name in GOLD_OPTIONS if name in options.given()]
    return checked(
        ", ".join(typed),
        lambda: GoldConfig.model_validate({name: value for name, value in given.items() if value is not None}),
    )


def _time_grain(options: JobOptions) -> tuple[str | None, str | None]:
    """Column and grain."""
    if options.time_grain is None:
        return None, None
    column, _, grain = options.time_grain.rpartition("=")
    if not column or not grain:
        raise UsageError(
            f"--time-grain: {printable(options.time_grain)!r} is not of the form COLUMN=GRAIN, such as ordered_on=month"
        )
    return column, grain
