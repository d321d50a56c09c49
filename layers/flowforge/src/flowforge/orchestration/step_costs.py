"""What a step takes of memory and processors, as `make bench` measures it: the one place from which tiers are chosen.

docs/benchmarks.md has the figures, under "What a step takes for a size of file" and "Keep-last of 40 million rows"; its lines
on the plan's estimates are missed when a step has come to need more than what stands here.
"""

from dataclasses import dataclass

from flowforge.model.step import Step


@dataclass(frozen=True)
class StepCost:
    """What a step needs: memory whatever the size, memory by row, and bytes of text that a processor takes in a second."""

    base_mib: int
    bytes_per_row: int
    bytes_per_processor_second: float


COSTS = {
    # It streams: as much for 5 GB as for 1 GB.
    Step.BRONZE_INGEST: StepCost(350, 0, 50e6),
    # Keys, hashes and positions: 30 bytes a row where no key comes again, 65 where every key comes twice.
    Step.SILVER_TRANSFORM: StepCost(750, 65, 25e6),
    # It streams as long as nothing is aggregated.
    Step.GOLD_PUBLISH: StepCost(650, 0, 100e6),
}
AGGREGATED_BYTES_PER_ROW = 100
"""An aggregation holds about this for a group, and a group is at least one row."""
COLUMN_MIB = 0.03
"""5,000 columns took 100 MB more than few."""
