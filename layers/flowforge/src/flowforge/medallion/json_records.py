"""Where the records of a JSON document stand: in lines, in an array, or in an array within an object."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flowforge.medallion.json_shape import exact_float
from flowforge.medallion.json_text import Decode, JsonText


@dataclass(frozen=True)
class Layout:
    """How a document holds its records.

    ``array``: the document is an array of them. ``path``: they are the elements of the array that these names of members lead to,
    in one object or in several that follow one another; ``only_member`` says that no other member may stand beside it. With
    neither, the document is one record, or several that follow one another, as JSON lines are.
    """

    array: bool = False
    path: tuple[str, ...] = ()
    only_member: bool = False


class OtherLayout(Exception):  # noqa: N818
    """The document is not of the layout that its beginning suggested."""


def layout_of(text: JsonText, *, record_path: str | None, lines: bool) -> Layout:
    """The layout that the beginning of a document suggests. An object is taken for an envelope where its first member is an

    array of objects; ``records`` raises OtherLayout where another member follows.
    """
    if record_path is not None:
        return Layout(path=tuple(record_path.split(".")))
    if text.peek() == "[":
        return Layout(array=True)
    if lines or text.peek() != "{":
        return Layout()
    text.take("{")
    if text.peek() != '"':
        return Layout()
    name, _ = text.value(json.JSONDecoder().raw_decode)
    text.take(":")
    if text.peek() != "[":
        return Layout()
    text.take("[")
    return Layout(path=(name,), only_member=True) if text.peek() == "{" else Layout()


def records(text: JsonText, layout: Layout, decode: Decode) -> Iterator[tuple[dict[str, Any], str]]:
    """Each record and its text, in order.

    Raises DataFault for what is no JSON, for a record that is no object, and for a path that leads to no array.
    """
    if layout.array:
        yield from _elements(text, decode)
        if text.peek():
            raise text.fault("behind the array that holds the records, the file goes on")
        return
    while text.peek():
        if layout.path:
            yield from _at_path(text, layout, layout.path, decode)
            if layout.only_member and text.peek():
                raise OtherLayout
        else:
            yield _record(text, decode)


def strict_decoder() -> Decode:
    """A decoder that gives up no digit and no member: floats by ``exact_float``, and an object with a name twice refused."""
    return json.JSONDecoder(
        object_pairs_hook=_distinct_members, parse_float=exact_float, parse_constant=_refuse_constant
    ).raw_decode


def _distinct_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!a} stands twice in one object, and only one of its values could be kept")
    return members


def _refuse_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON; write null where there is no number")


def _elements(text: JsonText, decode: Decode) -> Iterator[tuple[dict[str, Any], str]]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield _record(text, decode)
        if text.peek() == "]":
            text.take("]")
            return
        text.take(",")


def _record(text: JsonText, decode: Decode) -> tuple[dict[str, Any], str]:
    value, source = text.value(decode)
    if not isinstance(value, dict):
        raise text.fault(f"it is no object with named members: {source[:60]!a}")
    text.record += 1
    return value, source


def _at_path(text: JsonText, layout: Layout, path: tuple[str, ...], decode: Decode) -> Iterator[tuple[dict[str, Any], str]]:
    """The elements of the array at a path of the object that comes next; every member beside it is passed over."""
    shown = ".".join(layout.path)
    if text.peek() != "{":
        raise text.fault(f"recordPath {shown!r} leads through objects, and {text.peek()!r} stands there")
    text.take("{")
    seen: list[str] = []
    found = False
    while text.peek() != "}":
        if seen:
            text.take(",")
        name, _ = text.value(decode)
        if not isinstance(name, str):
            raise text.fault("the name of a member was expected")
        text.take(":")
        if layout.only_member and seen:
            raise OtherLayout
        seen.append(name)
        if name != path[0] or found:
            text.value(decode)
            continue
        found = True
        if len(path) > 1:
            yield from _at_path(text, layout, path[1:], decode)
        elif text.peek() == "[":
            yield from _elements(text, decode)
        else:
            raise text.fault(f"recordPath {shown!r} leads to no array")
    text.take("}")
    if not found:
        raise text.fault(f"recordPath {shown!r}: there is no member {path[0]!r}; there are {', '.join(seen[:20]) or 'none'}")
