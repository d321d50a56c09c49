"""The tables of all workflows that a lake knows, and the files of each."""

from collections.abc import Iterator, Sequence

from flowforge.lake import keys
from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.lake.lake_tables import LakeTable, tables_of
from flowforge.model.errors import ConfigFault
from flowforge.model.layer import Layer
from flowforge.model.workflow import Workflow, read_workflow


def known_workflows(lake: Lake) -> Iterator[Workflow]:
    """The workflows that were planned, by id, as they were planned last."""
    for item in lake.list_objects(keys.WORKFLOWS):
        stored = lake.read(item.key)
        if stored is not None:
            yield read_workflow(Workflow.model_validate_json(stored[0]).model_dump(by_alias=True), origin=item.key)


def known_tables(lake: Lake) -> list[LakeTable]:
    """Every table that a run of a known workflow writes, by layer and name; whether anything is in it is another matter."""
    order = list(Layer)
    found = [table for workflow in known_workflows(lake) for table in tables_of(workflow)]
    return sorted(found, key=lambda table: (order.index(table.layer), table.name))


def find_table(lake: Lake, name: str) -> LakeTable:
    """The table that a person means by ``silver.shop_orders``, or by ``shop_orders`` alone: the highest layer of that name.

    Raises ConfigFault, with the names that there are, for a name that none has.
    """
    layer, _, table_name = name.rpartition(".")
    tables = known_tables(lake)
    found = [table for table in tables if table.name == table_name and layer in ("", table.layer.value)]
    preferred = (Layer.GOLD, Layer.SILVER, Layer.BRONZE, Layer.QUARANTINE)
    if not found:
        names = ", ".join(f"{table.layer}.{table.name}" for table in tables)
        raise ConfigFault(f"there is no table {name}; there are: {names or 'none, since no workflow has run'}")
    return min(found, key=lambda table: preferred.index(table.layer))


def table_objects(lake: Lake, table: LakeTable) -> list[ObjectVersion]:
    """The objects that are the table now: the one that the head names, or all of a table that is their union."""
    objects = table.objects(lake)
    head = read_head(lake, table.head_key) if table.head_key else None
    return [item for item in objects if head is None or item.key == head.key]


def objects_by_day(table: LakeTable, objects: Sequence[ObjectVersion]) -> dict[str, list[ObjectVersion]]:
    """The objects of a dated table, by the day of their folder."""
    days: dict[str, list[ObjectVersion]] = {}
    for item in objects:
        day = table.day_of(item.key)
        if day is not None:
            days.setdefault(day.isoformat(), []).append(item)
    return days
