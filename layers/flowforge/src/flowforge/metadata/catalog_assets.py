"""Published tables: what runs tell of them, and what people wrote, each without touching the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, case, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert

from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.refusals import Changed, NotThere
from flowforge.metadata.schema import catalog_assets
from flowforge.model.environment import Environment
from flowforge.model.layer import Layer

ENTITY = "asset"
EDITED = ("description", "owner", "tags")
KEY = ["layer", "table_name", "environment"]


@dataclass(frozen=True)
class PublishedTable:
    """What a run tells of a table: ``columns`` as name, type and origins, ``parents`` as ``layer.table``.

    ``as_found``: columns, rows and bytes are those of the lake, looked at under ``lock``, so they hold whichever run tells them;
    otherwise they are the run's own.
    """

    layer: Layer
    table_name: str
    environment: Environment
    workflow_id: str
    job_id: str
    location: str
    columns: Sequence[dict[str, Any]]
    parents: Sequence[str]
    row_count: int | None
    size_bytes: int | None
    contract_version: int | None
    run_id: str
    execution_id: str
    planned_at: datetime
    as_found: bool = False


def lock(connection: Connection, layer: Layer, table_name: str, environment: Environment) -> None:
    """Hold a table's row until the transaction ends; one that is not there yet is made, and has no run."""
    named = {"layer": layer, "table_name": table_name, "environment": environment}
    connection.execute(insert(catalog_assets).values(named).on_conflict_do_nothing())
    mine = and_(*(catalog_assets.c[name] == value for name, value in named.items()))
    connection.execute(select(catalog_assets.c.id).where(mine).with_for_update())


def publish(connection: Connection, table: PublishedTable) -> None:
    """Take note of what a run published: one planned before the run that is noted is not the last, and none changes an edit."""
    values: dict[str, Any] = {
        **{name: value for name, value in vars(table).items() if name not in ("columns", "parents", "as_found")},
        "columns": list(table.columns),
        "parent_tables": list(table.parents),
    }
    statement = insert(catalog_assets).values(values)
    new, old = statement.excluded, catalog_assets.c
    is_last = or_(old.planned_at.is_(None), old.planned_at <= new.planned_at)
    told: dict[str, Any] = {name: case((is_last, new[name]), else_=old[name]) for name in values if name not in KEY}
    if table.as_found:
        told |= {"columns": new.columns} | {name: func.coalesce(new[name], old[name]) for name in ("row_count", "size_bytes")}
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=KEY,
            set_={**told, "refreshed_at": func.now()},
            where=true() if table.as_found else is_last,
        )
    )


def edit(
    connection: Connection,
    actor: Actor,
    asset_id: int,
    *,
    version: int,
    description: str | None = None,
    owner: str | None = None,
    tags: Sequence[str] | None = None,
) -> RowMapping:
    """Change what people wrote, where it is given. Raises NotThere, and Changed for another version."""
    before = (
        connection.execute(select(catalog_assets).where(catalog_assets.c.id == asset_id).with_for_update()).mappings().first()
    )
    if before is None:
        raise NotThere(f"there is no asset {asset_id}", option="assetId")
    if before["version"] != version:
        raise Changed(f"the asset {asset_id} is at version {before['version']}, not {version}: read it again, and change that")
    given = {"description": description, "owner": owner, "tags": None if tags is None else list(tags)}
    changed = {name: value for name, value in given.items() if value is not None}
    moved = {**changed, "version": catalog_assets.c.version + 1, "edited_at": func.now(), "edited_by": actor.name}
    statement = update(catalog_assets).where(catalog_assets.c.id == asset_id).values(moved).returning(catalog_assets)
    after = connection.execute(statement).mappings().one()
    audit.write(
        connection,
        actor,
        "edit",
        (ENTITY, str(asset_id)),
        before={name: before[name] for name in EDITED},
        after={name: after[name] for name in EDITED},
    )
    return after


def asset(connection: Connection, asset_id: int) -> RowMapping | None:
    """One table; None where there is none."""
    return connection.execute(select(catalog_assets).where(catalog_assets.c.id == asset_id)).mappings().first()
