"""The contract of a step of Silver: what its rows need, given what is stored."""

from collections.abc import Mapping, Sequence

from flowforge.lake.contracts import latest_contract, read_contract
from flowforge.medallion.duplicates import POSITION
from flowforge.medallion.inference import Inference, infer_types
from flowforge.medallion.lookups import References
from flowforge.medallion.schema_contract import RunColumns, contract_columns
from flowforge.medallion.staging import read_columns
from flowforge.medallion.typed_casts import TEXT, carried_type
from flowforge.medallion.widening import misfitting
from flowforge.model.contract import Contract, ContractColumn, DataType
from flowforge.model.job import Job
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.steps.bronze_reader import RunBronze
from flowforge.steps.context import StepContext


class NeededContract:
    """What the contract must be for the rows of a run, or, in a rebuild, of several: then one for all of them."""

    def __init__(self, context: StepContext, bronze: Sequence[RunBronze], references: References) -> None:
        self._context = context
        self.notes: list[str] = []
        looked_up = _types_looked_up(context.job, references)
        self._runs = [_columns_of(context.job, run, looked_up) for run in bronze]

    def present(self) -> Contract | None:
        """The newest contract that is stored, from the one that the plan names on."""
        context = self._context
        return latest_contract(context.lake, context.plan.workflow_id, context.job.id, start=context.planned.contract_version)

    def columns(self, current: Contract | None) -> tuple[ContractColumn, ...]:
        """The columns that the rows need where ``current`` holds; ``notes`` says how they came about.

        Of several runs each has its turn, in their order, as if it had come by itself.
        """
        present, notes = self._before(current), []
        columns: tuple[ContractColumn, ...] = ()
        for run in self._runs:
            columns, more = contract_columns(self._context.job, run, present)
            notes += more
            version = present.version if present is not None else 1
            present = Contract(version=version, run_id=self._context.run_id, columns=columns)
        self.notes = sorted(set(notes))
        return columns

    def _before(self, current: Contract | None) -> Contract | None:
        """The contract that this step found at first: an earlier try of it that stored one could not tell what it noted."""
        context = self._context
        if current is None or current.run_id != context.run_id:
            return current
        if current.version == 1:
            return None
        return read_contract(context.lake, context.plan.workflow_id, context.job.id, current.version - 1)


def _columns_of(job: Job, bronze: RunBronze, looked_up: Mapping[str, DataType]) -> RunColumns:
    frame = read_columns(bronze.frame, job.transformation_config.column_mappings)
    names = [name for name in bronze.frame.collect_schema().names() if name not in (*AUDIT_COLUMNS, POSITION)]

    def infer(wanted: Sequence[str]) -> Inference:
        return infer_types(frame, wanted) if bronze.count else Inference({}, [])

    def misfits(columns: Sequence[ContractColumn]) -> set[str]:
        return misfitting(frame, columns) if bronze.count else set()

    return RunColumns(names, infer, misfits, looked_up)


def _types_looked_up(job: Job, references: References) -> dict[str, DataType]:
    return {
        name: carried_type(table.collect_schema()[column]) or TEXT
        for lookup in job.transformation_config.lookups
        for table in [references.lookups[lookup.name]]
        for column, name in lookup.select_columns.items()
    }
