"""bronze_ingest: each source becomes one Parquet object, as it is, under the run's key.

A rebuild reads no file but the Bronze that is stored, a replay the rows of a quarantine.
"""

from typing import Literal

import polars as pl

from flowforge.lake import keys
from flowforge.lake.contracts import latest_contract
from flowforge.medallion.bronze_source import BronzeSource
from flowforge.medallion.common_columns import CommonColumns, common_columns
from flowforge.medallion.header import check_header
from flowforge.medallion.schema_contract import check_drift
from flowforge.model.contract import Contract
from flowforge.model.destination import SchemaEvolution
from flowforge.model.errors import DataFault
from flowforge.model.lineage import Lineage
from flowforge.model.step import BronzeCounts, PublishedObject, StepResult
from flowforge.steps.attempt import Attempt, Written, require_equations
from flowforge.steps.bronze_conversion import BronzeConversion
from flowforge.steps.context import StepContext
from flowforge.steps.quarantine_replay import replayed_bronze
from flowforge.steps.rebuild import stored_bronze
from flowforge.steps.scratch import scratch_folder
from flowforge.steps.source_files import examined_sources, parents_of, require_planned


def bronze_ingest(context: StepContext, attempt: Attempt) -> StepResult:
    """Check every source, convert every source, and only then publish them all.

    Raises DataFault for a file that changed since the plan, is empty, malformed or of other columns than the contract;
    ConfigFault where the job names a column that a file does not have; NextTier where a workbook is too large for this machine,
    or a copy of a file for its disk.
    """
    if context.planned.rebuild is not None:
        return stored_bronze(context)
    if context.planned.replay is not None:
        return replayed_bronze(context, attempt, context.planned.replay)
    contract = latest_contract(context.lake, context.plan.workflow_id, context.job.id, start=context.planned.contract_version)
    is_strict = context.job.destination_config.bronze_config.schema_evolution is SchemaEvolution.STRICT
    is_settled_alone = is_strict or len(context.planned.sources) == 1
    with scratch_folder() as scratch:
        conversion = BronzeConversion(context, attempt, scratch)
        for source in examined_sources(context, scratch):
            _require_columns(context, contract, source.reader)
            # The columns of several files may have to be settled first, where they need not be the same.
            conversion.take(source if is_settled_alone else source.proven())
        common = _settle_columns(context, contract, [source.reader for source in conversion.sources])
        written = conversion.written(common.types)
        malformed = conversion.malformed()
        parents = parents_of(conversion.sources)
    for planned in context.planned.sources:
        require_planned(context, planned)
    counts = BronzeCounts(
        read=sum(source.reader.records for source in conversion.sources),
        written=sum(item.rows for item in written),
        malformed=malformed.rows if malformed else 0,
    )
    require_equations(counts.broken_equations(), "bronze_ingest")
    found = [
        (_output("bronze", keys.bronze_key(*context.slugs, context.planned_at, context.run_id, number), item), item)
        for number, item in enumerate(written, start=1)
    ]
    if malformed is not None:
        key = keys.malformed_key(*context.slugs, context.planned_at, context.run_id)
        found.append((_output("quarantine", key, malformed), malformed))
    result = context.result(
        counts,
        [output for output, _ in found],
        read_bytes=sum(planned.size_bytes for planned in context.planned.sources),
        notes=[*(note for source in conversion.sources for note in source.notes), *common.notes],
        lineage=Lineage(parents=parents),
    )
    attempt.prepare(result)
    # What is set aside comes first: a row that is missing in a table can then be found.
    published = [
        output.model_copy(update={"etag": attempt.publish(item, output.key).version.etag}) for output, item in reversed(found)
    ]
    return result.model_copy(update={"outputs": tuple(reversed(published))})


def _require_columns(context: StepContext, contract: Contract | None, reader: BronzeSource) -> None:
    """Hold a source's columns against the job and the contract, where the policy is strict and it tells any."""
    columns = list(reader.types)
    if columns and context.job.destination_config.bronze_config.schema_evolution is SchemaEvolution.STRICT:
        check_header(context.job, columns, file=reader.name)
        check_drift(contract, columns, file=reader.name)


def _settle_columns(context: StepContext, contract: Contract | None, readers: list[BronzeSource]) -> CommonColumns:
    """The columns of every Bronze object of the run, held against each other and, by lenient policies, against the job."""
    evolution = context.job.destination_config.bronze_config.schema_evolution
    common = common_columns(readers, evolution)
    known = list(contract.sources) if contract is not None else []
    if common.types:
        if evolution is not SchemaEvolution.STRICT:
            names = ", ".join(reader.name for reader in readers)
            # A column of the contract that no file has is null in Silver, and there nevertheless.
            columns = list(dict.fromkeys([*common.types, *known]))
            check_header(context.job, columns, file=names if len(readers) == 1 else f"the run of {names}")
        return common
    if contract is None:
        name = readers[0].name
        raise DataFault(
            f"{name} has no records, so nothing says which columns there are; deliver a file with one first", file=name
        )
    return CommonColumns({column: pl.String() for column in known}, common.notes)


def _output(role: Literal["bronze", "quarantine"], key: str, written: Written) -> PublishedObject:
    return PublishedObject(role=role, key=key, etag="", rows=written.rows, size_bytes=written.version.size_bytes)
