"""How a contract comes into being, follows the job and its files, and is held against the files of a run."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from flowforge.medallion.header import silver_names
from flowforge.medallion.inference import UNDETERMINED, Inference
from flowforge.medallion.widening import wider
from flowforge.model.contract import Contract, ContractColumn, DataType, Origin, Type
from flowforge.model.destination import SchemaEvolution
from flowforge.model.errors import DataFault
from flowforge.model.job import Job
from flowforge.model.silver_config import TypeWidening

Infer = Callable[[Sequence[str]], Inference]
"""Infers the types of the columns of Bronze that are named."""
Misfits = Callable[[Sequence[ContractColumn]], Collection[str]]
"""Tells of some columns of a contract which have values that do not fit, by their names in Bronze."""


def check_drift(contract: Contract | None, columns: Sequence[str], *, file: str) -> None:
    """Hold a file's columns against the contract, by name, in any order, where the policy is ``strict``.

    Raises DataFault for a column too many or too few.
    """
    if contract is None:
        return
    check_same_columns(list(contract.sources), columns, file=file, reference=f"the contract v{contract.version:06}")


def check_same_columns(expected: Sequence[str], columns: Sequence[str], *, file: str, reference: str) -> None:
    """Raise DataFault where a file has a column that ``reference`` does not have, or lacks one."""
    surplus = [column for column in columns if column not in set(expected)]
    missing = [column for column in expected if column not in set(columns)]
    if surplus:
        raise DataFault(
            f"{file} has the column {surplus[0]!r}, which {reference} does not have; schemaEvolution is strict, so remove the "
            "column, store a new contract, or let bronzeConfig.schemaEvolution be add_new_columns or ignore_extra",
            file=file,
            column=surplus[0],
        )
    if missing:
        raise DataFault(
            f"{file} lacks the column {missing[0]!r} of {reference}; schemaEvolution is strict, so add the column, store a "
            "new contract, or let bronzeConfig.schemaEvolution be add_new_columns or ignore_extra",
            file=file,
            column=missing[0],
        )


@dataclass(frozen=True)
class RunColumns:
    """What a run brings: its columns of Bronze in order, their inference, and the types of the columns it looks up."""

    names: Sequence[str]
    infer: Infer
    misfits: Misfits = lambda _: ()
    looked_up: Mapping[str, DataType] | None = None


def contract_columns(job: Job, run: RunColumns, current: Contract | None) -> tuple[tuple[ContractColumn, ...], list[str]]:
    """The columns that the contract must have for this run, and notes on how they came about.

    A type that the job declares comes first, then the one in the current contract, unless that is undetermined or is to be
    widened; the rest is inferred. Columns keep their places, and new ones come behind.
    """
    sources, notes = _sources(job, run, current)
    by_name = {column.name: column for column in (*sources, *_new_columns(job, run))}
    kept = [column.name for column in current.columns] if current else []
    order = dict.fromkeys([*(name for name in kept if name in by_name), *by_name])
    return tuple(by_name[name] for name in order), notes


def _sources(job: Job, run: RunColumns, current: Contract | None) -> tuple[list[ContractColumn], list[str]]:
    """The columns that come from Bronze."""
    mappings = {mapping.source_column: mapping for mapping in job.transformation_config.column_mappings}
    known = current.sources if current else {}
    order, notes = _source_names(job, run, current)
    names = dict(zip(order, silver_names(job, order), strict=True))
    settled: dict[str, ContractColumn] = {}
    for source in order:
        declared = mappings[source].declared_type if source in mappings else None
        if declared is not None:
            settled[source] = ContractColumn(name=names[source], source=source, data_type=declared, declared=True)
        elif source in known and known[source].data_type.type is not Type.UNDETERMINED:
            settled[source] = known[source].model_copy(update={"name": names[source]})
    widened, more = _widened(job, run, [column for column in settled.values() if not column.declared])
    settled |= widened
    present = set(run.names)
    inferred = run.infer([source for source in order if source not in settled and source in present])
    columns = [
        settled.get(source)
        or ContractColumn(name=names[source], source=source, data_type=inferred.types.get(source, UNDETERMINED))
        for source in order
    ]
    return columns, [*notes, *more, *inferred.notes]


def _source_names(job: Job, run: RunColumns, current: Contract | None) -> tuple[list[str], list[str]]:
    """The columns of Bronze that Silver has, by the policy for those that the contract does not know."""
    if current is None:
        return list(run.names), []
    order = list(current.sources)
    new = [name for name in run.names if name not in current.sources]
    missing = [name for name in order if name not in set(run.names)]
    notes = [f"{name}: the files of this run do not have it, so it is null" for name in missing]
    if job.destination_config.bronze_config.schema_evolution is SchemaEvolution.ADD_NEW_COLUMNS:
        notes += [f"{name}: it is new, and comes behind the columns of the contract" for name in new]
        return [*order, *new], notes
    return order, notes + [f"{name}: the contract does not have it, so it is not in Silver" for name in new]


def _widened(job: Job, run: RunColumns, columns: Sequence[ContractColumn]) -> tuple[dict[str, ContractColumn], list[str]]:
    """The columns whose type grows for values of this run, where the job allows it."""
    if job.destination_config.silver_config.type_widening is not TypeWidening.ALLOW:
        return {}, []
    present = set(run.names)
    narrow = [column for column in columns if column.source in present and column.data_type.type is not Type.TEXT]
    misfits = set(run.misfits(narrow)) if narrow else set()
    growing = [column for column in narrow if column.source in misfits]
    inferred = run.infer([column.source for column in growing]) if growing else Inference({}, [])
    widened = {}
    notes = list(inferred.notes)
    for column in growing:
        data_type = wider(column.data_type, inferred.types[column.source])
        widened[column.source] = column.model_copy(update={"data_type": data_type})
        notes.append(f"{column.name}: its type grows from {column.data_type} to {data_type}, since values of this run do not fit")
    return widened, notes


def _new_columns(job: Job, run: RunColumns) -> list[ContractColumn]:
    """The columns that are looked up and derived."""
    looked_up = [
        ContractColumn(
            name=name,
            source=f"{lookup.source_table}.{column}",
            data_type=(run.looked_up or {}).get(name, UNDETERMINED),
            origin=Origin.LOOKUP,
        )
        for lookup in job.transformation_config.lookups
        for column, name in lookup.select_columns.items()
    ]
    derived = [
        ContractColumn(
            name=column.name, source=column.expression, data_type=column.declared_type, declared=True, origin=Origin.DERIVED
        )
        for column in job.transformation_config.derived_columns
    ]
    return [*looked_up, *derived]
