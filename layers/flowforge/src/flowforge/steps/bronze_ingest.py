"""bronze_ingest: each source becomes one Parquet object, as it is, under the run's key.

A rebuild reads no file but the Bronze that is stored, a replay the rows of a quarantine.
"""

from collections.abc import Mapping

import polars as pl

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract
from flowforge.medallion.bronze_source import Audit
from flowforge.medallion.common_columns import CommonColumns, aligned, common_columns, inexact, require_exact
from flowforge.medallion.header import check_header
from flowforge.medallion.schema_contract import check_drift
from flowforge.model.destination import SchemaEvolution
from flowforge.model.errors import DataFault
from flowforge.model.step import BronzeCounts, PublishedObject, StepResult
from flowforge.steps.attempt import Attempt, Written, require_equations
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors
from flowforge.steps.quarantine_replay import replayed_bronze
from flowforge.steps.rebuild import stored_bronze
from flowforge.steps.source_files import RunSource, examine_files, require_planned


def bronze_ingest(context: StepContext, attempt: Attempt) -> StepResult:
    """Check every source, convert every source, and only then publish them all.

    Raises DataFault for a file that changed since the plan, is empty, malformed or of other columns than the contract;
    ConfigFault where the job names a column that a file does not have; NextTier where a workbook is too large for this machine.
    """
    if context.planned.rebuild is not None:
        return stored_bronze(context)
    if context.planned.replay is not None:
        return replayed_bronze(context, attempt, context.planned.replay)
    sources = examine_files(context)
    common = _settle_columns(context, sources)
    written = [_convert(context, attempt, source, common.types, number) for number, source in enumerate(sources, start=1)]
    for planned in context.planned.sources:
        require_planned(context, planned)
    counts = BronzeCounts(read=sum(source.reader.records for source in sources), written=sum(item.rows for item in written))
    require_equations(counts.broken_equations(), "bronze_ingest")
    outputs = [
        PublishedObject(
            role="bronze",
            key=keys.bronze_key(*context.slugs, context.planned_at, context.run_id, number),
            etag="",
            rows=item.rows,
            size_bytes=item.version.size_bytes,
        )
        for number, item in enumerate(written, start=1)
    ]
    result = context.result(
        counts,
        outputs,
        read_bytes=sum(planned.size_bytes for planned in context.planned.sources),
        notes=[*(note for source in sources for note in source.notes), *common.notes],
    )
    attempt.prepare(result)
    published = [
        output.model_copy(update={"etag": attempt.publish(item, output.key).version.etag})
        for output, item in zip(outputs, written, strict=True)
    ]
    return result.model_copy(update={"outputs": tuple(published)})


def _settle_columns(context: StepContext, sources: list[RunSource]) -> CommonColumns:
    """The columns of every Bronze object of the run, held against the job, the contract and each other."""
    contract = latest_contract(context.lake, context.plan.workflow_id, context.job.id, start=context.planned.contract_version)
    evolution = context.job.destination_config.bronze_config.schema_evolution
    strict = evolution is SchemaEvolution.STRICT
    for source in sources:
        columns = list(source.reader.types)
        if columns and strict:
            check_header(context.job, columns, file=source.reader.name)
            check_drift(contract, columns, file=source.reader.name)
    common = common_columns([source.reader for source in sources], evolution)
    known = list(contract.sources) if contract is not None else []
    if common.types:
        if not strict:
            names = ", ".join(source.reader.name for source in sources)
            # A column of the contract that no file has is null in Silver, and there nevertheless.
            columns = list(dict.fromkeys([*common.types, *known]))
            check_header(context.job, columns, file=names if len(sources) == 1 else f"the run of {names}")
        return common
    if contract is None:
        name = sources[0].reader.name
        raise DataFault(
            f"{name} has no records, so nothing says which columns there are; deliver a file with one first", file=name
        )
    return CommonColumns({column: pl.String() for column in known}, common.notes)


def _convert(
    context: StepContext, attempt: Attempt, source: RunSource, common: Mapping[str, pl.DataType], number: int
) -> Written:
    reader = source.reader
    try:
        with engine_errors(f"{reader.name} could not be read"):
            frame = reader.frame(Audit(context.run_id, context.planned_at))
            require_exact(frame, inexact(reader.types, common), file=reader.name)
            written = attempt.write(
                aligned(frame, reader.types, common),
                f"bronze_v{number:03}.parquet",
                metadata=context.metadata("bronze"),
            )
    except DataFault as fault:
        require_planned(context, source.planned)
        raise reader.explain(fault) from fault
    counts = BronzeCounts(read=reader.records, written=written.rows)
    if counts.broken_equations():
        require_planned(context, source.planned)
        require_equations(counts.broken_equations(), reader.name)
    return written
