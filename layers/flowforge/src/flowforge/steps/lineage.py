"""Where a step's rows come from, as its result tells it: the objects that were read, and the columns behind each column."""

from collections.abc import Mapping
from typing import Literal

from flowforge.lake.contracts import read_contract
from flowforge.medallion.athena_types import athena_type, readable_type
from flowforge.model.lineage import ColumnOrigin, Parent
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.model.step import Step, StepResult
from flowforge.steps.attempt import scan
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.results import read_result

Origins = Mapping[str, tuple[str, ...]]
_READ_BY: Mapping[Step, tuple[Step, Literal["bronze", "silver"]]] = {
    Step.SILVER_TRANSFORM: (Step.BRONZE_INGEST, "bronze"),
    Step.GOLD_PUBLISH: (Step.SILVER_TRANSFORM, "silver"),
}


def with_lineage(context: StepContext, result: StepResult) -> StepResult:
    """The result with its parents and its columns; Bronze names its source files itself."""
    layer = result.outputs[0]
    with engine_errors(f"{layer.key} could not be read"):
        schema = scan(context.lake, layer.key).collect_schema()
    origins = _ORIGINS[result.step](context, result)
    columns = tuple(
        ColumnOrigin(column=name, type=athena_type(readable_type(dtype)), origins=_of_column(name, result.step, origins))
        for name, dtype in schema.items()
    )
    return result.model_copy(update={"parents": result.parents or _parents(context, result.step), "columns": columns})


def _of_column(name: str, step: Step, origins: Origins | None) -> tuple[str, ...]:
    if name in AUDIT_COLUMNS:
        return () if step is Step.BRONZE_INGEST else (name,)
    return (name,) if origins is None else origins.get(name, ())


def _parents(context: StepContext, step: Step) -> tuple[Parent, ...]:
    """The objects of the run that the step before has published."""
    if step not in _READ_BY:
        return ()
    before, role = _READ_BY[step]
    result = read_result(context.lake, context.plan.execution_id, context.job.id, before)
    return tuple(
        Parent(role=role, key=output.key, etag=output.etag, size_bytes=output.size_bytes)
        for output in (result.outputs if result else ())
        if output.role == role
    )


def _bronze_origins(context: StepContext, result: StepResult) -> Origins | None:  # noqa: ARG001
    """Each column is that of the file."""
    return None


def _silver_origins(context: StepContext, result: StepResult) -> Origins:
    config = context.job.destination_config.silver_config
    mapped = {mapping.name: (mapping.source_column,) for mapping in context.job.transformation_config.column_mappings}
    version = result.contract_version
    contract = read_contract(context.lake, context.plan.workflow_id, context.job.id, version) if version else None
    columns = {column.name: (column.source,) for column in contract.columns} if contract else {}
    key = config.primary_key or tuple(columns)
    return mapped | columns | {config.surrogate_key_column: key}


def _gold_origins(context: StepContext, result: StepResult) -> Origins | None:  # noqa: ARG001
    config = context.job.destination_config.gold_config
    if not config.aggregation_enabled:
        return None
    groups = {name: (name,) for name in config.aggregation_group_by}
    aggregates = config.parsed_aggregates.items()
    return groups | {name: () if aggregate.column == "*" else (aggregate.column,) for name, aggregate in aggregates}


_ORIGINS = {
    Step.BRONZE_INGEST: _bronze_origins,
    Step.SILVER_TRANSFORM: _silver_origins,
    Step.GOLD_PUBLISH: _gold_origins,
}
