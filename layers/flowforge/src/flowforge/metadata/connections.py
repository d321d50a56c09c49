"""Connections to databases of others: where they are, and under which name their secret is kept."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from flowforge.metadata import audit
from flowforge.metadata.audit import Actor
from flowforge.metadata.database import constraint_of
from flowforge.metadata.identifiers import new_id
from flowforge.metadata.refusals import Changed, NameTaken, NotThere
from flowforge.metadata.schema import connections
from flowforge.metadata.schema.connections import TestStatus
from flowforge.model.base import Document
from flowforge.model.connection_type import ConnectionType

ENTITY = "connection"


class ConnectionDocument(Document):
    """What a person states of a connection. User and password are in the secret, as JSON with ``username`` and ``password``."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    description: str = ""
    type: ConnectionType
    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535)]
    database: Annotated[str, Field(min_length=1, max_length=255)]
    secret_arn: Annotated[str, Field(pattern=r"^arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:.+$", max_length=2048)]
    ssl_enabled: bool = True
    connection_timeout_seconds: Annotated[int, Field(ge=1, le=300)] = 30


def create_connection(connection: Connection, actor: Actor, document: ConnectionDocument) -> str:
    """Keep a connection; the answer is its id. Raises NameTaken."""
    made = new_id("conn")
    _write(connection, document, insert(connections).values(**document.model_dump(), id=made, created_by=actor.name))
    audit.write(connection, actor, "create", (ENTITY, made), after=_shown(document))
    return made


def update_connection(
    connection: Connection, actor: Actor, connection_id: str, document: ConnectionDocument, *, version: int
) -> None:
    """Replace what is stated of a connection; its last test is forgotten. Raises NotThere, Changed or NameTaken."""
    before = _locked(connection, connection_id)
    if before["version"] != version:
        raise Changed(f"the connection {before['name']} is at version {before['version']}, not {version}: read it again")
    untested = {"last_tested_at": None, "last_test_status": None, "last_test_message": ""}
    moved = {**document.model_dump(), **untested, "version": connections.c.version + 1, "updated_at": func.now()}
    _write(connection, document, update(connections).where(connections.c.id == connection_id).values(moved))
    audit.write(connection, actor, "update", (ENTITY, connection_id), before=_shown(_document(before)), after=_shown(document))


def delete_connection(connection: Connection, actor: Actor, connection_id: str) -> None:
    """Forget a connection; its secret stays with whoever owns it. Raises NotThere."""
    before = _locked(connection, connection_id)
    connection.execute(delete(connections).where(connections.c.id == connection_id))
    audit.write(connection, actor, "delete", (ENTITY, connection_id), before=_shown(_document(before)))


def record_test(connection: Connection, connection_id: str, *, passed: bool, message: str) -> None:
    """Take note of how a test went. Raises NotThere."""
    _locked(connection, connection_id)
    status = TestStatus.SUCCESS if passed else TestStatus.FAILED
    tested = {"last_tested_at": func.now(), "last_test_status": status, "last_test_message": message}
    connection.execute(update(connections).where(connections.c.id == connection_id).values(tested))


def find_connection(connection: Connection, connection_id: str) -> RowMapping | None:
    """One connection; None where there is none."""
    return connection.execute(select(connections).where(connections.c.id == connection_id)).mappings().first()


def all_connections(connection: Connection) -> list[RowMapping]:
    """All of them, by name."""
    return list(connection.execute(select(connections).order_by(connections.c.name)).mappings())


def _locked(connection: Connection, connection_id: str) -> RowMapping:
    row = connection.execute(select(connections).where(connections.c.id == connection_id).with_for_update()).mappings().first()
    if row is None:
        raise NotThere(f"there is no connection {connection_id}", option="connectionId")
    return row


def _write(connection: Connection, document: ConnectionDocument, statement: Any) -> None:
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except IntegrityError as error:
        if constraint_of(error) != "connections_name_key":
            raise
        raise NameTaken(f"there is a connection {document.name} already: choose another name", option="name") from error


def _document(row: RowMapping) -> ConnectionDocument:
    return ConnectionDocument.model_validate({name: row[name] for name in ConnectionDocument.model_fields})


def _shown(document: ConnectionDocument) -> dict[str, Any]:
    return document.model_dump(mode="json", by_alias=True)
