"""The view ``{table}_latest`` as Glue holds a view of Athena's: a JSON document, in Base64, in a comment.

https://docs.aws.amazon.com/athena/latest/ug/views.html; the form is Trino's (``ViewReaderUtil``), which Athena reads.
"""

import base64
import json
import re
from collections.abc import Sequence
from datetime import date
from typing import Any

_PRESTO = {"string": "varchar", "int": "integer", "float": "real", "binary": "varbinary", "timestamp": "timestamp(3)"}
_NESTED = re.compile(r"(array|map|struct)<(.*)>", re.DOTALL)
Columns = Sequence[tuple[str, str]]


def view_input(
    name: str, *, database: str, table: str, columns: Columns, partition: tuple[str, date], uri: str
) -> dict[str, Any]:
    """The TableInput of a view of one object of a table: that of the partition's day, under ``uri``."""
    key, day = partition
    shown = [*columns, (key, "date")]
    listed = ", ".join(quoted(column) for column, _ in shown)
    where = f"{quoted(key)} = DATE '{day.isoformat()}' AND \"$path\" = '{uri.replace(chr(39), chr(39) * 2)}'"
    document = {
        "originalSql": f"SELECT {listed} FROM {quoted(database)}.{quoted(table)} WHERE {where}",  # noqa: S608 -- quoted
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column, "type": presto_type(hive)} for column, hive in shown],
    }
    encoded = base64.b64encode(json.dumps(document).encode()).decode()
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": column, "Type": hive} for column, hive in shown],
            "Location": "",
            "SerdeInfo": {},
        },
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
    }


def view_sql(text: str) -> str | None:
    """The SELECT in a view's ViewOriginalText, or None for a text of another form."""
    found = re.fullmatch(r"/\* Presto View: (\S+) \*/", text)
    return str(json.loads(base64.b64decode(found[1]))["originalSql"]) if found else None


def quoted(name: str) -> str:
    """A name as SQL takes it, whatever it is."""
    return '"' + name.replace('"', '""') + '"'


def presto_type(hive: str) -> str:
    """A type as Presto's SQL writes it, from the text that Glue holds: ``array<int>`` is ``array(integer)``."""
    nested = _NESTED.fullmatch(hive)
    if nested is None:
        return _PRESTO.get(hive, hive)
    kind, inner = nested[1], _parts(nested[2])
    if kind == "struct":
        fields = [part.partition(":") for part in inner]
        return f"row({', '.join(f'{quoted(name)} {presto_type(dtype)}' for name, _, dtype in fields)})"
    return f"{kind}({', '.join(presto_type(part) for part in inner)})"


def _parts(text: str) -> list[str]:
    """Split at the commas that stand in no brackets of their own."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "<(") - (character in ">)")
        if character == "," and not depth:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]
