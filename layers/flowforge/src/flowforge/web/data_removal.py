"""The removal of a deleted workflow's data, in pieces that a request has time for."""

from flowforge.lake import keys
from flowforge.lake.lake import DELETE_BATCH, Lake
from flowforge.metadata.purge import OwnedData

OBJECTS_AT_ONCE = 10_000
"""Ten listings and ten removals: a few seconds of the half minute that a load balancer waits."""


def remove_data(lake: Lake, owned: OwnedData) -> tuple[int, bool]:
    """Remove at most 10,000 objects of a workflow and, once none is left, its tables in the catalog.

    How many objects, and whether nothing is left. The bucket keeps old versions for as long as its rules say.
    """
    removed = 0
    gold = [keys.gold_prefix(domain, dataset) for domain, dataset in owned.datasets]
    for prefix in (*gold, *keys.owned_prefixes(owned.workflow_id, owned.slug)):
        while found := lake.first_keys(prefix, DELETE_BATCH):
            if removed >= OBJECTS_AT_ONCE:
                return removed, False
            lake.delete(found)
            removed += len(found)
    lake.delete([keys.workflow_key(owned.workflow_id)])
    if lake.catalog is not None:
        for layer, name in owned.tables:
            lake.catalog.delete(layer, name)
    return removed, True
