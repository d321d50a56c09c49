"""Where a step's rows come from, as it tells: the objects that were read, and the columns behind each column."""

from collections.abc import Mapping, Sequence

import polars as pl

from flowforge.lake.contracts import read_contract
from flowforge.lake.lake import ObjectVersion
from flowforge.medallion.athena_types import athena_type, readable_type
from flowforge.model.contract import Origin
from flowforge.model.expression import columns_of as columns_read
from flowforge.model.gold import ROW_COUNT, SNAPSHOT_DATE
from flowforge.model.job import JobType
from flowforge.model.lineage import ColumnOrigin, Parent
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import Step, StepResult
from flowforge.model.table_reference import resolve
from flowforge.steps.attempt import scan
from flowforge.steps.context import EXECUTION_ID_METADATA, StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.results import read_lineage, result_before
from flowforge.steps.silver_identity import parquet_metadata

Origins = Mapping[str, tuple[str, ...]]


def with_lineage(context: StepContext, result: StepResult) -> StepResult:
    """The result with its columns, and with its parents where the step has not named them."""
    lineage = result.lineage
    if not lineage.columns:
        layer = result.outputs[0]
        with engine_errors(f"{layer.key} could not be read"):
            schema = scan(context.lake, layer.key).collect_schema()
        lineage = lineage.model_copy(update={"columns": columns_of(schema, _ORIGINS[result.step](context, result, schema))})
    if not lineage.parents:
        lineage = lineage.model_copy(update={"parents": _published_before(context, result.step)})
    return result.model_copy(update={"lineage": lineage})


def columns_of(schema: pl.Schema, origins: Origins) -> tuple[ColumnOrigin, ...]:
    """The columns of a dataset in their order; one without origins is the product's own."""
    return tuple(
        ColumnOrigin(column=name, type=athena_type(readable_type(dtype)), origins=origins.get(name, ()))
        for name, dtype in schema.items()
    )


def silver_parents(objects: Sequence[ObjectVersion]) -> tuple[Parent, ...]:
    """What is told of the objects of Silver tables that Gold was made of."""
    return tuple(Parent(role="silver", key=item.key, etag=item.etag, size_bytes=item.size_bytes) for item in objects)


def landed_parents(context: StepContext, object_keys: Sequence[str]) -> tuple[Parent, ...]:
    """The landed files that the rows of stored Bronze, or of a quarantine, first came from, as the runs that read them told."""
    executions = (parquet_metadata(context.lake, key).get(EXECUTION_ID_METADATA) for key in object_keys)
    lineages = (
        read_lineage(context.lake, execution_id, context.job.id, Step.BRONZE_INGEST)
        for execution_id in dict.fromkeys(executions)
        if execution_id is not None
    )
    parents = (parent for lineage in lineages for parent in lineage.parents if parent.role == "landing")
    return tuple({(parent.key, parent.etag): parent for parent in parents}.values())


def _published_before(context: StepContext, step: Step) -> tuple[Parent, ...]:
    """The objects of the run that the step before has published."""
    before = {Step.SILVER_TRANSFORM: (Step.BRONZE_INGEST, "bronze"), Step.GOLD_PUBLISH: (Step.SILVER_TRANSFORM, "silver")}
    if step not in before:
        return ()
    earlier, role = before[step]
    result = result_before(context, earlier)
    return tuple(
        Parent(role=output.role, key=output.key, etag=output.etag, size_bytes=output.size_bytes)
        for output in (result.outputs if result else ())
        if output.role in ("bronze", "silver") and output.role == role
    )


def _bronze_origins(context: StepContext, result: StepResult, schema: pl.Schema) -> Origins:  # noqa: ARG001
    """Each column is that of the file."""
    return {name: (name,) for name in schema if name not in AUDIT_COLUMNS}


def _silver_origins(context: StepContext, result: StepResult, schema: pl.Schema) -> Origins:
    config = context.job.destination_config.silver_config
    columns = _transformed(context, result)
    made: dict[str, tuple[str, ...]] = {}
    if config.merge_strategy is MergeStrategy.SCD_TYPE_2:
        # A version holds from one time to the next: by a column of the source, or by when the rows arrived.
        effective = columns.get(config.effective_date_source or "", ("_ingested_at",))
        times = (config.scd_effective_date_column, config.scd_end_date_column, config.scd_current_flag_column)
        made = dict.fromkeys(times, effective)
    made |= dict.fromkeys(config.made_surrogate_key, _together(columns, config.primary_key or tuple(columns)))
    return {**made, **columns, **{name: (name,) for name in schema if name in AUDIT_COLUMNS}}


def _transformed(context: StepContext, result: StepResult) -> dict[str, tuple[str, ...]]:
    """The columns of Bronze, and of tables that are looked up, behind those that the job's transformation gives."""
    config, version = context.job.transformation_config, result.contract_version
    contract = read_contract(context.lake, context.plan.workflow_id, context.job.id, version) if version else None
    columns: dict[str, tuple[str, ...]] = {mapping.name: (mapping.source_column,) for mapping in config.column_mappings}
    columns |= {
        column.name: (column.source,) for column in (contract.columns if contract else ()) if column.origin is Origin.SOURCE
    }
    for lookup in config.lookups:
        table = "/".join(resolve(lookup.source_table, context.plan.workflow_slug))
        columns |= {name: (f"{table}.{column}",) for column, name in lookup.select_columns.items()}
    for derived in config.derived_columns:
        columns[derived.name] = _together(columns, columns_read(derived.parsed))
    return columns


def _together(columns: Origins, names: Sequence[str]) -> tuple[str, ...]:
    """What is behind several columns, each once."""
    return tuple(dict.fromkeys(origin for name in names for origin in columns.get(name, (name,))))


def _gold_origins(context: StepContext, result: StepResult, schema: pl.Schema) -> Origins:  # noqa: ARG001
    config = context.job.destination_config.gold_config
    if context.job.type is JobType.GOLD_ANALYTICS:
        # The statement's own step tells them; here it was published by a try that could not store what it knew.
        return {}
    if not config.aggregation_enabled:
        return {name: (name,) for name in schema if name not in (SNAPSHOT_DATE, ROW_COUNT)}
    period = {config.period_column: (config.aggregation_time_column,)} if config.aggregation_time_column else {}
    groups = {name: (name,) for name in config.aggregation_group_by}
    aggregates = {
        name: () if aggregate.column == "*" else (aggregate.column,) for name, aggregate in config.parsed_aggregates.items()
    }
    return {**{name: origins for name, origins in period.items() if name}, **groups, **aggregates}


_ORIGINS = {
    Step.BRONZE_INGEST: _bronze_origins,
    Step.SILVER_TRANSFORM: _silver_origins,
    Step.GOLD_PUBLISH: _gold_origins,
}
