"""What became of the rows that a run's Silver read, before they meet the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowforge.model.contract import Contract, ContractColumn
from flowforge.model.step import RuleOutcome, SilverCounts
from flowforge.steps.arrival import Arrival
from flowforge.steps.attempt import Written

PROVENANCE = ("_run_id", "_source_file", "_row_number")
"""The place in a source that a row comes from: what makes it the same row when it comes again."""


@dataclass(frozen=True)
class RunRows:
    """What became of the rows read, counted from written footers; how the accepted ones are to be read and kept."""

    read: int
    accepted: Written
    duplicates: int
    quarantined: Written | None
    columns: Sequence[ContractColumn]
    key: Sequence[str]
    metadata: Mapping[str, str]
    arrival: Arrival
    filtered: int = 0

    def counts(
        self,
        *,
        inserted: int,
        updated: int = 0,
        unchanged: int = 0,
        stale: int = 0,
        deleted: int = 0,
        versions: int | None = None,
        before: int = 0,
        after: int,
    ) -> SilverCounts:
        """The counts of the step, given what the accepted rows did to the table."""
        return SilverCounts(
            read=self.read,
            accepted=self.accepted.rows,
            duplicates=self.duplicates,
            quarantined=self.quarantined.rows if self.quarantined else 0,
            filtered=self.filtered,
            inserted=inserted,
            updated=updated,
            unchanged=unchanged,
            stale=stale,
            deleted=deleted,
            versions=versions,
            before=before,
            after=after,
        )


@dataclass(frozen=True)
class SilverWork:
    """What silver_transform has made of Bronze before it looks at the table."""

    rows: RunRows
    contract: Contract | None
    rules: Sequence[RuleOutcome]
    notes: Sequence[str]
    read_bytes: int = 0
