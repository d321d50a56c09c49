"""The options that describe a job on the command line, and the workflow that follows from them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import TypeVar

from pydantic import ValidationError

from flowforge.cli.text_options import file_config
from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.model.aggregate import Aggregate
from flowforge.model.contract import DataType
from flowforge.model.destination import DestinationConfig, GoldConfig, MergeStrategy, SilverConfig
from flowforge.model.errors import ConfigFault
from flowforge.model.job import Job
from flowforge.model.slug import slugify
from flowforge.model.source import SourceConfig
from flowforge.model.transformation import ColumnMapping, TransformationConfig
from flowforge.model.validation import QualityRule, ValidationConfig
from flowforge.model.workflow import Workflow, describe_problem

Built = TypeVar("Built")
NAMED_AGGREGATE = re.compile(r"([^=()]+)=(.+)", re.DOTALL)


@dataclass(frozen=True)
class JobOptions:
    """The options of a job as they were typed. Names of columns may be separated by commas."""

    primary_key: tuple[str, ...] = ()
    merge: bool = False
    strategy: str | None = None
    group_by: tuple[str, ...] = ()
    aggregate: tuple[str, ...] = ()
    name: str | None = None
    delimiter: str | None = None
    null_value: tuple[str, ...] = ()
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

    def given(self) -> list[str]:
        """List the options that were typed, as a person types them."""
        return [f"--{field.name.replace('_', '-')}" for field in fields(self) if getattr(self, field.name) != field.default]


def workflow_from_options(options: JobOptions, *, default_name: str) -> Workflow:
    """Build a workflow of one job. Its ids follow from the name, so that the next run finds the same tables.

    Raises UsageError naming the option that is wrong.
    """
    primary_key = columns("--primary-key", options.primary_key)
    strategy = _strategy(options)
    if strategy is MergeStrategy.MERGE and not primary_key:
        typed = "--merge" if options.merge else "--strategy merge"
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
            source_config=SourceConfig(file_config=file_config(options)),
            transformation_config=TransformationConfig(column_mappings=_column_mappings(options.type)),
            validation_config=_rules(options),
            destination_config=DestinationConfig(
                silver_config=checked("--primary-key", lambda: SilverConfig(primary_key=primary_key, merge_strategy=strategy)),
                gold_config=_gold_config(options),
            ),
        ),
    )
    return Workflow(id=f"wf_{slug}", name=name, slug=slug, jobs=(job,))


def columns(option: str, values: Iterable[str]) -> tuple[str, ...]:
    """Split names of columns, given one by one or separated by commas."""
    names = [name.strip() for value in values for name in value.split(",")]
    if "" in names:
        raise UsageError(f"{option}: the name of a column is missing in {printable(','.join(values))!r}")
    return tuple(names)


def checked(option: str, build: Callable[[], Built]) -> Built:
    """Build a part of the workflow; what its model refuses becomes wrong usage of the option."""
    try:
        return build()
    except ValidationError as error:
        reasons = [describe_problem((), problem["msg"]) for problem in error.errors()]
        raise UsageError(f"{option}: {printable('; '.join(reasons))}") from error
    except ValueError as error:
        raise UsageError(f"{option}: {printable(str(error))}") from error


def _column_mappings(types: tuple[str, ...]) -> tuple[ColumnMapping, ...]:
    declared: dict[str, str] = {}
    for text in types:
        column, _, data_type = text.rpartition("=")
        if not column or not data_type:
            raise UsageError(f"--type: {printable(text)!r} is not of the form COLUMN=TYPE, such as ordered_on=date")
        if column in declared:
            raise UsageError(f"--type: the column {printable(column)!r} has two types")
        checked("--type", lambda text=data_type: DataType.parse(text))  # type: ignore[misc]
        declared[column] = data_type
    return checked(
        "--type",
        lambda: tuple(ColumnMapping(source_column=column, data_type=data_type) for column, data_type in declared.items()),
    )


def _rules(options: JobOptions) -> ValidationConfig:
    rules = [QualityRule(column=column, rule_type="not_null") for column in columns("--not-null", options.not_null)]
    rules += [QualityRule(column=column, rule_type="unique") for column in columns("--unique", options.unique)]
    return checked("--not-null, --unique", lambda: ValidationConfig(data_quality_rules=tuple(rules)))


def _strategy(options: JobOptions) -> MergeStrategy:
    stated = options.strategy or (MergeStrategy.MERGE if options.merge else MergeStrategy.VERSIONED).value
    known = [strategy.value for strategy in MergeStrategy]
    if stated not in known:
        raise UsageError(f"--strategy: {printable(stated)!r} is none of {', '.join(known)}")
    if options.merge and stated != MergeStrategy.MERGE:
        raise UsageError(f"--merge is short for --strategy merge, and --strategy is {stated}: leave one of them out")
    return MergeStrategy(stated)


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
    return checked(
        "--group-by, --aggregate",
        lambda: GoldConfig(
            aggregation_enabled=bool(group_by or aggregates), aggregation_group_by=group_by, aggregates=aggregates
        ),
    )
