"""What a step takes of memory and processors, as `make bench` measures it: the one place from which tiers are chosen.

docs/benchmarks.md has the figures, under "What a step takes for a size of file" and "Keep-last of 40 million rows"; its lines
on the plan's estimates are missed when a step has come to need more than what stands here.
"""

from dataclasses import dataclass

from flowforge.model.source_format import SourceFormat
from flowforge.model.step import Step


@dataclass(frozen=True)
class StepCost:
    """What a step needs: memory whatever the size, memory by row, and bytes of text that a processor takes in a second."""

    base_mib: int
    bytes_per_row: int
    bytes_per_processor_second: float


COSTS = {
    # 347 MB for a gigabyte of CSV and 360 MB for five; 12 to 14 processor seconds for a gigabyte.
    Step.BRONZE_INGEST: StepCost(350, 0, 70e6),
    # 650 MB for 2 million rows and 700 MB for 8 million whose keys differ, 1,300 MB for 42 million of which a twentieth comes
    # again, 1,039 MB for 16 million that all come twice: 65 bytes a row at the most. 19 processor seconds for a gigabyte.
    Step.SILVER_TRANSFORM: StepCost(600, 65, 45e6),
    # 300 MB for a copy of whatever size; 8 processor seconds for a gigabyte.
    Step.GOLD_PUBLISH: StepCost(300, 0, 120e6),
}
COPIED_BYTES_PER_PROCESSOR_SECOND = 60e6
"""Text that is unpacked, decoded or written anew record by record went at 66 to 115 MB a second."""
AGGREGATED_BYTES_PER_ROW = 100
"""An aggregation holds about this for a group, and a group is at least one row."""
HELD_BYTES_PER_VALUE = 170
"""median, count_distinct, first and last hold the values of all groups until the end: from 1 to 4 million rows they took 36, 65
and 167 bytes a row more."""
SORTED_BYTES_PER_ROW = 330
"""A sort of 8.1 million rows of 17 columns took 2,648 MB."""
BRONZE_BYTES_PER_SECOND = {
    SourceFormat.CSV: COSTS[Step.BRONZE_INGEST].bytes_per_processor_second,
    # 28 MB of records of six members: decoded twice, once by Python for the types and once for the rows.
    SourceFormat.JSON: 7e6,
    # 31 MB of XML, 800,000 cells: 4.5 s.
    SourceFormat.EXCEL: 7e6,
    # Its values are decoded and encoded again. Not measured apart from the time when a gigabyte of CSV took 18 s, as it stays.
    SourceFormat.PARQUET: 55e6,
}
"""Bytes of text that a processor takes in a second."""
HELD_PER_BYTE = {SourceFormat.EXCEL: 30}
"""A workbook is held whole: its bytes, three for each byte of XML, 32 for each cell (medallion/excel.py)."""
COLUMN_MIB = 0.03
"""5,000 columns took 100 MB more than few."""
