"""After each publish the catalog says what the lake holds.

Nothing that a run remembers goes into the catalog: under the version of the catalog's table, the lake is looked at, and what is
there is written. So a run that comes late writes what the later run left, a repetition writes nothing, and one that
died in the middle is completed by its repetition.
"""

from collections.abc import Mapping
from datetime import UTC, date
from typing import Any

from flowforge.lake.catalog import Catalog, CatalogTable
from flowforge.lake.heads import read_head
from flowforge.lake.lake import Lake
from flowforge.lake.lake_tables import LakeTable, job_tables
from flowforge.lake.latest_view import view_input
from flowforge.model.errors import CommitConflict, ConfigFault
from flowforge.model.layer import Layer
from flowforge.model.step import StepResult
from flowforge.steps.catalog_entry import (
    OWNER,
    PREFIX,
    Entry,
    dated_entry,
    list_files,
    partition_input,
    partition_key,
    single_entry,
    table_input,
)
from flowforge.steps.context import StepContext
from flowforge.steps.engine_errors import engine_errors

TRIES = 10


def register(context: StepContext, result: StepResult) -> None:
    """Bring the catalog to what the step has published.

    Raises ConfigFault where a table's name is another's, CommitConflict where others keep changing it, RetryLater where Glue
    takes no more requests.
    """
    if context.lake.catalog is None:
        return
    # A rebuild replaces files of many days, and what a rebuild read as Bronze was published by others.
    day = context.planned_at.astimezone(UTC).date() if context.planned.rebuild is None else None
    for table in job_tables(context.plan.workflow_id, context.plan.workflow_slug, context.job):
        if any(output.role == table.layer and table.has_place_for(output.key) for output in result.outputs):
            register_table(context.lake, table, day=day, description=context.job.description)


def register_table(lake: Lake, table: LakeTable, *, day: date | None = None, description: str = "") -> None:
    """Bring the catalog to what the lake holds of a table; of a dated one, to what the folder of a day holds, or all folders.

    A table that the catalog does not know, or not as a whole, is looked at as a whole.
    """
    if lake.catalog is None:
        raise ConfigFault("the lake belongs to no stage, so it has no catalog")
    with engine_errors(f"{table.prefix} could not be read"):
        for _ in range(TRIES):
            if _register_once(lake, lake.catalog, table, day, description):
                break
        else:
            raise CommitConflict(f"the table {table.name} of {table.layer} was changed by others {TRIES} times in a row")
        if table.head_key is not None:
            _register_view(lake, lake.catalog, table)


def _register_once(lake: Lake, catalog: Catalog, table: LakeTable, day: date | None, description: str) -> bool:
    """Whether the catalog now says what the lake held when the table's version was read."""
    present = catalog.table(table.layer, table.name)
    if present is None or _moved(present, table):
        _begin(lake, catalog, table, present, description)
        return False
    _require_owner(catalog, present, table)
    if not table.dated:
        return _write(catalog, present, single_entry(lake, table, present))
    entry, partitions = dated_entry(lake, catalog, table, present, day)
    for item in partitions:
        list_files(lake, table, item)
    changed = [item for item in partitions if item.changed]
    known = {item.value for item in partitions if item.known}
    if changed and not catalog.put_partitions(
        table.layer, table.name, [partition_input(lake, table, item) for item in changed], present=known
    ):
        return False
    return _write(catalog, present, entry)


def _write(catalog: Catalog, present: CatalogTable, entry: Entry) -> bool:
    wanted = entry.applied_to(present)
    return wanted == present.input or catalog.update(present.layer, wanted, version_id=present.version_id)


def _begin(lake: Lake, catalog: Catalog, table: LakeTable, present: CatalogTable | None, description: str) -> None:
    """Create the table without rows; what people said of one that lay elsewhere is kept."""
    kept: Mapping[str, Any] = {"Description": description} if description else {}
    if present is not None:
        _require_owner(catalog, present, table)
        kept = {field: present.input[field] for field in ("Description", "Owner") if field in present.input}
        catalog.delete(table.layer, table.name)
    catalog.create(table.layer, {**kept, **table_input(lake, table)})


def _moved(present: CatalogTable, table: LakeTable) -> bool:
    """Whether the table of this job has another form than the catalog knows: a changed strategy, another dataset."""
    return present.parameters.get(OWNER) == table.owner and present.parameters.get(PREFIX) != table.prefix


def _require_owner(catalog: Catalog, present: CatalogTable, table: LakeTable) -> None:
    """Raise ConfigFault where the name belongs to another job, or to somebody who is no job."""
    owner = present.parameters.get(OWNER)
    if owner != table.owner:
        whose = f"the job {owner}" if owner else "somebody else"
        option = f"{'silver' if table.layer is Layer.QUARANTINE else table.layer}Config.tableName"
        raise ConfigFault(
            f"the table {catalog.database(table.layer)}.{table.name} belongs to {whose}: state another name in {option}",
            option=option,
        )


def _register_view(lake: Lake, catalog: Catalog, table: LakeTable) -> None:
    """Let the view show the run that the head names."""
    for _ in range(TRIES):
        view = catalog.table(table.layer, table.view_name)
        shown = catalog.table(table.layer, table.name)
        head = read_head(lake, table.head_key) if table.head_key else None
        if head is None or shown is None:
            return
        day = table.day_of(head.key)
        if day is None:
            raise ConfigFault(f"{table.head_key} names {head.key}, which lies in no folder of a day", file=head.key)
        wanted = view_input(
            table.view_name,
            database=catalog.database(table.layer),
            table=table.name,
            columns=shown.columns,
            partition=(partition_key(shown), day),
            uri=lake.uri(head.key),
        )
        parameters = {OWNER: table.owner, PREFIX: table.prefix, "recordCount": str(head.rows), "flowforge.run_id": head.run_id}
        wanted["Parameters"] |= parameters
        if view is None:
            if catalog.create(table.layer, wanted):
                return
            continue
        _require_owner(catalog, view, table)
        kept = {**view.input, **wanted, "Parameters": {**view.parameters, **wanted["Parameters"]}}
        if _same_view(kept, view.input) or catalog.update(table.layer, kept, version_id=view.version_id):
            return
    raise CommitConflict(f"the view {table.view_name} of {table.layer} was changed by others {TRIES} times in a row")


def _same_view(wanted: Mapping[str, Any], present: Mapping[str, Any]) -> bool:
    """Whether a view says the same already; services fill in fields that nobody stated."""
    return all(wanted[field] == present.get(field) for field in ("ViewOriginalText", "Parameters"))
