"""How a contract comes into being, follows the job, and is held against the files of a run."""

from collections.abc import Callable, Sequence

from flowforge.medallion.header import silver_names
from flowforge.medallion.inference import UNDETERMINED, Inference
from flowforge.model.contract import Contract, ContractColumn, Type
from flowforge.model.errors import DataFault
from flowforge.model.job import Job

Infer = Callable[[Sequence[str]], Inference]
"""Infers the types of the columns of Bronze that are named."""


def check_drift(contract: Contract | None, columns: Sequence[str], *, file: str) -> None:
    """Hold a file's columns against the contract, by name, in any order. Raises DataFault for a column too many or too few."""
    if contract is None:
        return
    expected = [column.source for column in contract.columns]
    check_same_columns(expected, columns, file=file, reference=f"the contract v{contract.version:06}")


def check_same_columns(expected: Sequence[str], columns: Sequence[str], *, file: str, reference: str) -> None:
    """Raise DataFault where a file has a column that ``reference`` does not have, or lacks one."""
    surplus = [column for column in columns if column not in set(expected)]
    missing = [column for column in expected if column not in set(columns)]
    if surplus:
        raise DataFault(
            f"{file} has the column {surplus[0]!r}, which {reference} does not have; schemaEvolution is strict, so remove the "
            "column or store a new contract",
            file=file,
            column=surplus[0],
        )
    if missing:
        raise DataFault(
            f"{file} lacks the column {missing[0]!r} of {reference}; schemaEvolution is strict, so add the column or store a "
            "new contract",
            file=file,
            column=missing[0],
        )


def contract_columns(
    job: Job, columns: Sequence[str], current: Contract | None, infer: Infer
) -> tuple[tuple[ContractColumn, ...], list[str]]:
    """The columns that the contract must have for this run, and notes of the inference.

    A type that the job declares comes first, then the one in the current contract, unless that is undetermined; the rest
    is inferred.
    """
    mappings = {mapping.source_column: mapping for mapping in job.transformation_config.column_mappings}
    known = {column.source: column for column in current.columns} if current else {}
    order = [column.source for column in current.columns] if current else list(columns)
    names = dict(zip(order, silver_names(job, order), strict=True))
    settled: dict[str, ContractColumn] = {}
    for source in order:
        declared = mappings[source].declared_type if source in mappings else None
        if declared is not None:
            settled[source] = ContractColumn(name=names[source], source=source, data_type=declared, declared=True)
        elif source in known and known[source].data_type.type is not Type.UNDETERMINED:
            settled[source] = known[source].model_copy(update={"name": names[source]})
    inferred = infer([source for source in order if source not in settled])
    return tuple(
        settled.get(source)
        or ContractColumn(name=names[source], source=source, data_type=inferred.types.get(source, UNDETERMINED))
        for source in order
    ), inferred.notes
