"""The databases that a connection can lead to."""

from enum import StrEnum


class ConnectionType(StrEnum):
    """A kind of database server."""

    POSTGRESQL = "postgresql"
    MYSQL = "mysql"
    SQL_SERVER = "sql-server"
    ORACLE = "oracle"
