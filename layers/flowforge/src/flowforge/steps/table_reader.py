"""A Silver table of the stage, read by its slugs: for lookups, for SQL over several tables, and for comparing them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import polars as pl

from flowforge.lake.contracts import latest_contract
from flowforge.lake.lake import Lake
from flowforge.lake.silver_tables import TableObjects, silver_table_objects
from flowforge.model.errors import DataFault
from flowforge.model.names import AUDIT_COLUMNS
from flowforge.steps.attempt import scan
from flowforge.steps.context import CONTRACT_VERSION_METADATA, JOB_ID_METADATA, WORKFLOW_ID_METADATA
from flowforge.steps.silver_identity import current_flag_of, parquet_metadata
from flowforge.steps.silver_reader import frame_of_files
from flowforge.steps.stable_read import stable_read


@dataclass(frozen=True)
class StageTable:
    """A table as one look found it. ``reference`` is ``workflow/job`` by slugs."""

    lake: Lake
    reference: str
    found: TableObjects

    def frame(self) -> pl.LazyFrame:
        """Its rows; those of several files in the types of the table's newest contract."""
        newest = self.found.objects[-1].key
        if len(self.found.objects) == 1:
            return scan(self.lake, newest)
        metadata = parquet_metadata(self.lake, newest)
        workflow_id, job_id = metadata[WORKFLOW_ID_METADATA], metadata[JOB_ID_METADATA]
        version = metadata.get(CONTRACT_VERSION_METADATA)
        contract = latest_contract(self.lake, workflow_id, job_id, start=int(version) if version else None)
        if contract is None:
            return frame_of_files(self.lake, self.found.objects, None, ())
        named = {*AUDIT_COLUMNS, *(column.name for column in contract.columns)}
        added = [name for name in scan(self.lake, newest).collect_schema() if name not in named]
        return frame_of_files(self.lake, self.found.objects, contract.columns, added)

    @property
    def current_flag(self) -> str | None:
        """The column that is true of the versions that hold now, where the table is a history."""
        return current_flag_of(parquet_metadata(self.lake, self.found.objects[-1].key))

    def unchanged(self) -> bool:
        """Whether another look finds the same."""
        return self.found.is_same(silver_table_objects(self.lake, *self.reference.split("/")))

    @contextmanager
    def stable(self) -> Iterator[None]:
        """Raise CommitConflict where the table is another one after the block."""
        with stable_read(self.found.name, self.unchanged):
            yield


def stage_table(lake: Lake, reference: str) -> StageTable:
    """The table that ``workflow/job`` names. Raises DataFault where none was published yet."""
    found = silver_table_objects(lake, *reference.split("/"))
    if found is None:
        raise DataFault(f"the Silver table {reference} is not there: run its job first, and state slugs as workflow/job")
    return StageTable(lake, reference, found)
