"""What a run reads of other Silver tables: looked at once, and kept, so that every try of the run reads the same.

Otherwise a table that changes between two tries could accept a row whose first try had sent it to quarantine already.
"""

from dataclasses import dataclass

import polars as pl

from flowforge.lake import keys
from flowforge.medallion.lookups import References, require_unique_keys
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.lookup import Lookup
from flowforge.model.quality_rule import QualityRule, ReferentialParameters
from flowforge.model.table_reference import resolve
from flowforge.steps.attempt import Attempt, scan
from flowforge.steps.context import StepContext
from flowforge.steps.table_reader import StageTable, stage_table


@dataclass(frozen=True)
class _Wanted:
    """Columns of another table, and what wants them."""

    option: str
    table: str
    columns: tuple[str, ...]
    lookup: Lookup | None = None


def table_references(context: StepContext, attempt: Attempt) -> References:
    """Read, or read again, what the job's lookups and referential rules need.

    Raises ConfigFault where a table or a column is not there, DataFault where a lookup's key repeats, CommitConflict where a
    table changes while it is read.
    """
    lookups = context.job.transformation_config.lookups
    rules = [rule for rule in context.job.validation_config.data_quality_rules if rule.rule_type == "referential"]
    wanted = [*(_of_lookup(lookup) for lookup in lookups), *(_of_rule(rule) for rule in rules)]
    frames = [_kept(context, attempt, item, number) for number, item in enumerate(wanted, start=1)]
    return References(
        lookups=dict(zip((lookup.name for lookup in lookups), frames, strict=False)),
        values=dict(zip((rule.label for rule in rules), frames[len(lookups) :], strict=True)),
    )


def _of_lookup(lookup: Lookup) -> _Wanted:
    columns = tuple(dict.fromkeys([*lookup.join_keys.values(), *lookup.select_columns]))
    return _Wanted(f"lookups[{lookup.name}]", lookup.source_table, columns, lookup)


def _of_rule(rule: QualityRule) -> _Wanted:
    parameters = ReferentialParameters.model_validate(rule.parameters)
    return _Wanted(f"dataQualityRules[{rule.label}]", parameters.table, (parameters.column,))


def _kept(context: StepContext, attempt: Attempt, wanted: _Wanted, number: int) -> pl.LazyFrame:
    """The columns as this run keeps them; the first try puts them there."""
    key = keys.reference_key(context.plan.execution_id, context.job.id, number)
    if context.lake.head(key) is None:
        _keep(context, attempt, wanted, key)
    return scan(context.lake, key)


def _keep(context: StepContext, attempt: Attempt, wanted: _Wanted, key: str) -> None:
    try:
        table = stage_table(context.lake, "/".join(resolve(wanted.table, context.plan.workflow_slug)))
    except DataFault as fault:
        raise ConfigFault(f"{wanted.option}: {fault}", option=wanted.option) from fault
    with table.stable():
        frame = _columns_of(table, wanted)
        if wanted.lookup is None:
            frame = frame.drop_nulls()
        written = attempt.write(frame, attempt.new_name("reference"), metadata=context.metadata("reference"))
        if wanted.lookup is not None:
            require_unique_keys(scan(context.lake, written.version.key), wanted.lookup, rows=written.rows)
    attempt.publish(written, key)


def _columns_of(table: StageTable, wanted: _Wanted) -> pl.LazyFrame:
    """The columns of the rows that hold now: in a history one version of each key has the others behind it."""
    frame = table.frame()
    there = frame.collect_schema().names()
    missing = [name for name in wanted.columns if name not in there]
    if missing:
        raise ConfigFault(
            f"{wanted.option} reads the column {missing[0]!r} of {wanted.table}, which has {', '.join(there)}",
            column=missing[0],
            option=wanted.option,
        )
    flag = table.current_flag
    return (frame if flag is None else frame.filter(flag)).select(wanted.columns)
