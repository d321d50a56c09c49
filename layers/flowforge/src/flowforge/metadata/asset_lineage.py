"""The graph of tables around one: everything that it was made of, and everything that was made of it."""

from dataclasses import dataclass

from sqlalchemy import CTE, Connection, RowMapping, Text, cast, func, select, true

from flowforge.metadata.schema import catalog_assets


@dataclass(frozen=True)
class AssetGraph:
    """Tables, and for each edge the id of the parent and of the child. A parent that was never published has no node."""

    nodes: list[RowMapping]
    edges: list[tuple[int, int]]


def asset_graph(connection: Connection, asset_id: int) -> AssetGraph:
    """The graph around a table of its environment, in one query; empty where there is no such table."""
    ids = select(_ancestors(asset_id).c.id).union(select(_descendants(asset_id).c.id))
    c = catalog_assets.c
    shown = (c.id, c.layer, c.table_name, c.environment, c.workflow_id, c.job_id, c.parent_tables, c.row_count, c.size_bytes)
    query = select(*shown).where(c.id.in_(ids)).order_by(c.layer, c.table_name, c.id)
    nodes = list(connection.execute(query).mappings())
    named = {f"{node['layer'].value}.{node['table_name']}": node["id"] for node in nodes}
    edges = [(named[name], node["id"]) for node in nodes for name in node["parent_tables"] if name in named]
    return AssetGraph(nodes, edges)


def _ancestors(asset_id: int) -> CTE:
    """The table and what it was made of. UNION leaves out what was found before, so a circle ends."""
    found = select(catalog_assets.c.id).where(catalog_assets.c.id == asset_id).cte("ancestors", recursive=True)
    child, parent = catalog_assets.alias("child"), catalog_assets.alias("parent")
    names = func.jsonb_array_elements_text(child.c.parent_tables).table_valued("value", name="parent_name")
    # By layer and name apart, which have an index.
    is_parent = (
        (parent.c.environment == child.c.environment)
        & (cast(parent.c.layer, Text) == func.split_part(names.c.value, ".", 1))
        & (parent.c.table_name == func.split_part(names.c.value, ".", 2))
    )
    more = select(parent.c.id).select_from(
        found.join(child, child.c.id == found.c.id).join(names, true()).join(parent, is_parent)
    )
    return found.union(more)


def _descendants(asset_id: int) -> CTE:
    found = select(catalog_assets.c.id).where(catalog_assets.c.id == asset_id).cte("descendants", recursive=True)
    parent, child = catalog_assets.alias("made_of"), catalog_assets.alias("made")
    name = cast(parent.c.layer, Text) + "." + parent.c.table_name
    is_child = (child.c.environment == parent.c.environment) & child.c.parent_tables.contains(func.to_jsonb(name))
    more = select(child.c.id).select_from(found.join(parent, parent.c.id == found.c.id).join(child, is_child))
    return found.union(more)
