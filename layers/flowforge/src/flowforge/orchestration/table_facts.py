"""What the lake says of a table now: which columns, how many rows and bytes. Looked up, never remembered from a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowforge.lake.catalog import RECORD_COUNT, SIZE_BYTES, CatalogTable
from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake
from flowforge.lake.lake_tables import LakeTable
from flowforge.model.lineage import ColumnOrigin
from flowforge.model.step import StepResult


@dataclass(frozen=True)
class TableFacts:
    """``columns`` as name and type of Athena, in order; None where there is nobody to ask."""

    columns: tuple[tuple[str, str], ...] | None
    row_count: int | None
    size_bytes: int | None


def table_facts(lake: Lake, table: LakeTable, result: StepResult) -> TableFacts:
    """A table as it is at this moment: of one that a head names, that run's rows; otherwise all that the catalog counts.

    Without a catalog the rows of a union are unknown; those of one object are the run's where the object is the run's.
    Raises FlowForgeError where the lake or the catalog cannot be read.
    """
    entry = lake.catalog.table(table.layer, table.name) if lake.catalog else None
    columns = tuple(entry.columns) if entry else None
    if table.head_key is not None:
        head = read_head(lake, table.head_key)
        shown = lake.head(head.key) if head else None
        return TableFacts(columns, head.rows if head else None, shown.size_bytes if shown else None)
    if entry is not None:
        return TableFacts(columns, _number(entry, RECORD_COUNT), _number(entry, SIZE_BYTES))
    if table.dated:
        return TableFacts(None, None, None)
    there = {item.etag: item.size_bytes for item in table.objects(lake)}
    own = [output for output in result.outputs if output.etag in there]
    return TableFacts(None, own[0].rows if own else None, sum(there.values()))


def described_columns(facts: TableFacts, told: tuple[ColumnOrigin, ...]) -> list[dict[str, Any]]:
    """Name, type and origins of each column: those of the catalog, or of the step's lineage where there is no catalog.

    The catalog's names are in lower case, as Athena's are.
    """
    origins: Mapping[str, tuple[str, ...]] = {column.column.lower(): column.origins for column in told}
    columns = facts.columns or tuple((column.column, column.type) for column in told)
    return [{"name": name, "type": kind, "origins": list(origins.get(name.lower(), ()))} for name, kind in columns]


def _number(entry: CatalogTable, parameter: str) -> int | None:
    said = entry.parameters.get(parameter, "")
    return int(said) if said.isdecimal() else None
