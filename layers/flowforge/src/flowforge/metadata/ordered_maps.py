"""The order of the entries of maps, which JSONB does not keep.

https://www.postgresql.org/docs/current/datatype-json.html. The columns of a table follow from the order in which a person
wrote aggregates and lookups, so that order is stored beside the maps, and put back when they are read.
"""

from collections.abc import Iterator
from typing import Any

ORDERED = frozenset({"aggregates", "joinKeys", "selectColumns"})
"""The fields of a job whose value is such a map."""
ORDER = "$order"
"""Under this key a configuration has, by place, the names of its maps' entries in their order. No field is named like it."""


def with_order(document: dict[str, Any]) -> dict[str, Any]:
    """A configuration as it is stored."""
    order = {place: list(entries) for place, entries in _maps(document)}
    return {**document, ORDER: order} if order else document


def in_order(stored: dict[str, Any]) -> dict[str, Any]:
    """A configuration as it was before it was stored."""
    document = {name: value for name, value in stored.items() if name != ORDER}
    order = stored.get(ORDER, {})
    for place, entries in _maps(document):
        there = dict(entries)
        entries.clear()
        # Entries that were changed by hand have no place of their own.
        entries.update({name: there.pop(name) for name in order.get(place, ()) if name in there} | there)
    return document


def _maps(value: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The maps with more than one entry, and where they are."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _maps(item, f"{place}/{number}")
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in ORDERED and isinstance(item, dict):
                if len(item) > 1:
                    yield f"{place}/{name}", item
            else:
                yield from _maps(item, f"{place}/{name}")
