"""YAML that people write: read so that nothing in it is lost in silence, and written so that it reads as they would write it."""

import json
from collections.abc import Hashable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from flowforge.cli.untrusted import printable
from flowforge.model.errors import ConfigFault

WIDTH = 110


class _Loader(yaml.SafeLoader):
    """PyYAML's, which takes the last of two equal names without a word; here they are refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Make a mapping, whose names are distinct."""
        seen: set[tuple[str, str]] = set()
        for name, _ in node.value:
            if isinstance(name, yaml.ScalarNode) and name.tag != "tag:yaml.org,2002:merge":
                if (name.tag, name.value) in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{name.value!r} stands there twice", name.start_mark)
                seen.add((name.tag, name.value))
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """PyYAML's, with lists indented below their names and texts of several lines as blocks."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 -- always indented
        """Indent lists too."""
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def read_documents(text: str | bytes, origin: str) -> list[object]:
    """The documents of a text, without empty ones. Raises ConfigFault naming the line."""
    try:
        given = text if isinstance(text, str) else text.decode("utf-8-sig")
        documents = list(yaml.load_all(given, Loader=_Loader))
    except UnicodeDecodeError as error:
        raise ConfigFault(f"{origin}: the file is not UTF-8 (byte {error.start})", file=origin) from error
    except yaml.YAMLError as error:
        raise ConfigFault(f"{origin}: {_problem(error)}", file=origin) from error
    return [document for document in documents if document is not None]


def read_file(path: Path) -> list[object]:
    """The documents of a file."""
    return read_documents(path.read_bytes(), str(path))


def write_documents(documents: Iterable[object]) -> str:
    """The text of documents, one after the other. Characters that a terminal would obey are written as escapes."""

    def written(*, as_escapes: bool) -> str:
        return yaml.dump_all(
            documents_given, Dumper=_Dumper, sort_keys=False, allow_unicode=not as_escapes, width=WIDTH, explicit_start=many
        )

    documents_given = list(documents)
    many = len(documents_given) > 1
    text = written(as_escapes=False)
    return text if all(printable(line) == line for line in text.split("\n")) else written(as_escapes=True)


def as_json_values(value: Any, where: str = "") -> Any:
    """The value as JSON has it: dates are ISO texts. Raises ConfigFault for what JSON has no form for, such as bytes or NaN."""
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str | int) or isinstance(name, bool):
                raise ConfigFault(f"{where or 'the workflow'}: the name {name!r} is no text: write it in quotes")
        return {str(name): as_json_values(item, f"{where}.{name}".lstrip(".")) for name, item in value.items()}
    if isinstance(value, list):
        return [as_json_values(item, f"{where}[{number}]") for number, item in enumerate(value)]
    if isinstance(value, date):
        return value.isoformat()
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigFault(f"{where}: {value!r} is neither text nor number, true, false or null: write it in quotes") from error
    return value


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}{getattr(error, 'problem', None) or 'this is no YAML'}"
