"""``flowforge assets compact``, ``retention`` and ``repair``: what a lake needs from time to time."""

from datetime import date, datetime

from rich.console import Console
from rich.filesize import decimal

from flowforge.cli.endings import SUCCESS, say
from flowforge.cli.lake_access import LakeAccess
from flowforge.steps.catalog_registration import register_table
from flowforge.steps.compaction import compact, planned_compactions, remove_replaced
from flowforge.steps.known_tables import find_table, known_tables
from flowforge.steps.retention import expired, remove


def compact_asset(access: LakeAccess, name: str, *, dry_run: bool, now: datetime, console: Console) -> int:
    """Make one file of the small files of each day of an appended table, or only say so."""
    table = find_table(access.lake, name)
    planned = planned_compactions(access.lake, table)
    if not dry_run:
        left = remove_replaced(access.lake, table, now=now)
        if left:
            say(console, f"removed {len(left)} files that a rebuild or an earlier compaction had left")
    for compaction in planned:
        what = f"{compaction.day}: {len(compaction.replaced)} files, {decimal(compaction.size_bytes)}"
        if dry_run:
            say(console, f"{what}, would become one")
            continue
        done = compact(access.lake, table, compaction)
        say(console, f"{what}, are {done.key} now ({done.rows:,} rows)")
    if not planned:
        say(console, f"{table.layer}.{table.name} has nothing to compact")
    return SUCCESS


def apply_retention(access: LakeAccess, name: str | None, *, apply: bool, today: date, console: Console) -> int:
    """Say what is older than the tables keep; with ``apply`` remove it."""
    tables = [find_table(access.lake, name)] if name else known_tables(access.lake)
    found = [expiry for table in tables for expiry in expired(access.lake, table, today=today)]
    for expiry in found:
        if apply:
            remove(access.lake, expiry)
        verb = "removed" if apply else "would remove"
        kept = f", {len(expiry.kept)} stay, since the head names them" if expiry.kept else ""
        what = f"{len(expiry.objects)} objects, {decimal(expiry.size_bytes)}"
        say(console, f"{expiry.table.layer}.{expiry.table.name} {expiry.day}: {verb} {what}{kept}")
    if not found:
        say(console, "nothing is older than its table keeps")
    elif not apply:
        say(console, "nothing was removed; add --apply to remove it")
    return SUCCESS


def repair_catalog(access: LakeAccess, console: Console) -> int:
    """Bring the catalog to what the lake holds, for every table that has objects."""
    count = 0
    for table in known_tables(access.lake):
        if access.lake.first_key(table.prefix) is not None:
            register_table(access.lake, table)
            count += 1
    say(console, f"{count} tables are in the catalog as they are in the lake")
    return SUCCESS
