"""Gold as it is written before anybody sees it: from the Silver of its job, or by SQL over Silver tables of the stage."""

import os
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, date
from pathlib import Path

import polars as pl

from flowforge.medallion.gold import finished, gold_frame, represented_rows, require_in_range
from flowforge.model.contract import Contract, Type
from flowforge.model.gold import BuildStrategy, GoldConfig
from flowforge.model.lineage import Lineage
from flowforge.model.reconciliation import ReconciliationOutcome
from flowforge.model.step import GoldCounts, GoldSqlCounts, Step
from flowforge.steps.attempt import Attempt, Written, require_equations, scan
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.gold_increments import GrownGold, grown_gold
from flowforge.steps.lineage import columns_of, silver_parents
from flowforge.steps.reconciliation import OwnLayers, reconcile
from flowforge.steps.results import require_result
from flowforge.steps.scratch import scratch_folder
from flowforge.steps.silver_reader import SilverRows, silver_rows
from flowforge.steps.stable_read import stable_object, stable_read
from flowforge.steps.table_reader import StageTable, stage_table

LAMBDA_MEMORY_VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
"""MiB of the function (Lambda Developer Guide, "Defined runtime environment variables")."""
MEMORY_SHARE_OF_SQL = 0.6
"""The rest is for Python, polars and what the allocators keep."""


@dataclass(frozen=True)
class GoldWork:
    """A written Gold with its counts, and what it was made of. ``table_version`` grows with every state of its sources."""

    written: Written
    counts: GoldCounts | GoldSqlCounts
    read_bytes: int
    reconciliation: tuple[ReconciliationOutcome, ...]
    contract: Contract | None = None
    table_version: int | None = None
    notes: tuple[str, ...] = ()
    lineage: Lineage = field(default_factory=Lineage)


def gold_of_silver(context: StepContext, attempt: Attempt) -> GoldWork:
    """Copy or aggregate the job's Silver table as it is now.

    Raises CommitConflict where the table changed meanwhile, DataFault where rows are unaccounted for or layers disagree.
    """
    config = context.job.destination_config.gold_config
    table = silver_rows(context, require_result(context, Step.SILVER_TRANSFORM))
    with engine_errors(f"{context.job.name}: Silver could not be published"), stable_read(table.name, table.unchanged):
        source = table.frame()
        read = source.select(pl.len()).collect().item()
        made = _made(context, table, source)
        metadata = context.metadata("gold", table.contract) | made.metadata
        with stable_object(context.lake, made.base) if made.base else nullcontext():
            written = attempt.write(made.groups, "gold.parquet", metadata=metadata)
        gold = scan(context.lake, written.version.key)
        if config.aggregation_enabled:
            require_in_range(gold, source, config)
        represented = represented_rows(gold, config).collect().item()
        counts = GoldCounts(read=read, written=written.rows, represented=int(represented))
        require_equations(counts.broken_equations(), "gold_publish")
        outcomes = reconcile(context, OwnLayers(silver=table.frame, gold=lambda: scan(context.lake, written.version.key)))
    return GoldWork(
        written=written,
        counts=counts,
        read_bytes=table.size_bytes,
        reconciliation=outcomes,
        contract=table.contract,
        table_version=table.version,
        notes=(made.note,) if made.note else (),
        lineage=Lineage(parents=silver_parents(table.objects)),
    )


def _made(context: StepContext, table: SilverRows, source: pl.LazyFrame) -> GrownGold:
    """The rows of Gold in their order, with what is kept of their making."""
    config = context.job.destination_config.gold_config
    undetermined = undetermined_columns(source, table.contract)
    if config.build_strategy is BuildStrategy.INCREMENTAL:
        grown = grown_gold(context, table, source, undetermined)
        return replace(grown, groups=finished(grown.groups, config))
    return GrownGold(gold_frame(source, config, undetermined=undetermined, snapshot_date=_snapshot_date(context)), {}, "")


def undetermined_columns(source: pl.LazyFrame, contract: Contract | None) -> list[str]:
    """The columns of Silver in which no value was ever seen."""
    if contract is None:
        return [name for name, dtype in source.collect_schema().items() if dtype == pl.String]
    return [column.name for column in contract.columns if column.data_type.type is Type.UNDETERMINED]


def gold_of_tables(context: StepContext, attempt: Attempt) -> GoldWork:
    """Run the job's SQL over copies of its tables, all of one moment.

    Raises CommitConflict where a table changed until the result was there, DataFault where one is not there yet.
    """
    # Only this kind of job needs the second engine, which would make every start slower.
    from flowforge.medallion.gold_sql import Workspace, run_query

    config = context.job.destination_config.gold_config
    tables = {alias: stage_table(context.lake, reference) for alias, reference in config.tables.items()}
    size_bytes = sum(table.found.size_bytes for table in tables.values())
    what = f"{context.job.name}: the statement's tables or its result could not be copied"
    with scratch_folder(size_bytes) as folder, engine_errors(what), ExitStack() as stable:
        for table in tables.values():
            stable.enter_context(table.stable())
        read = sum(table.frame().select(pl.len()).collect().item() for table in tables.values())
        copies = {alias: _copied(table, folder / f"{alias}.parquet") for alias, table in tables.items()}
        workspace = Workspace(folder, _memory_mib())
        snapshot_date = _snapshot_date(context)
        counted = run_query(config.sql or "", copies, config.row_order, workspace, snapshot=snapshot_date is not None)
        result = finished(pl.scan_parquet(workspace.result), config.model_copy(update=_ORDERED), snapshot_date=snapshot_date)
        written = attempt.write(result, "gold.parquet", metadata=context.metadata("gold"))
        counts = GoldSqlCounts(read=read, loaded=counted.loaded, selected=counted.selected, written=written.rows)
        require_equations(counts.broken_equations(), "gold_publish")
        outcomes = reconcile(context, OwnLayers(silver=None, gold=lambda: scan(context.lake, written.version.key)))
        lineage = _lineage(config, tables, scan(context.lake, written.version.key).collect_schema())
    return GoldWork(
        written=written,
        counts=counts,
        read_bytes=size_bytes,
        reconciliation=outcomes,
        table_version=sum(table.found.version for table in tables.values()),
        lineage=lineage,
    )


def _lineage(config: GoldConfig, tables: Mapping[str, StageTable], schema: pl.Schema) -> Lineage:
    """The objects of every table, and the columns of the tables behind each column of the statement's result."""
    from flowforge.model.gold_query import query_origins

    named = {alias: list(table.frame().collect_schema()) for alias, table in tables.items()}
    objects = [item for table in tables.values() for item in table.found.objects]
    return Lineage(parents=silver_parents(objects), columns=columns_of(schema, query_origins(config, named)))


_ORDERED: Mapping[str, object] = {"order_by": (), "partition_keys": ()}
"""The statement's engine has put the rows in order."""


def _copied(table: StageTable, path: Path) -> Path:
    """The rows of a table in one local file, quickly read and quickly gone."""
    table.frame().sink_parquet(path, compression="lz4", maintain_order=True, engine="streaming")
    return path


def _memory_mib() -> int | None:
    """The memory that the statement's engine may take; None outside Lambda, where it finds the machine's own bound."""
    stated = os.environ.get(LAMBDA_MEMORY_VARIABLE, "")
    return int(int(stated) * MEMORY_SHARE_OF_SQL) if stated.isdigit() else None


def _snapshot_date(context: StepContext) -> date | None:
    snapshot = context.job.destination_config.gold_config.build_strategy is BuildStrategy.SNAPSHOT
    return context.planned_at.astimezone(UTC).date() if snapshot else None
