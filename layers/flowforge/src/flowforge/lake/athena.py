"""Asking the lake with SQL: Athena's API, in the cloud and on the laptop.

A query runs in the workgroup of its stage, which says where results go, how they are encrypted, and how many bytes a query may
read (https://docs.aws.amazon.com/athena/latest/ug/workgroups.html).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.lake.service_errors import translate
from flowforge.model.errors import ConfigFault, RetryLater

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_athena import AthenaClient

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
PAGE_ROWS = 1000
"""The most that GetQueryResults gives at once."""
USD_PER_TERABYTE = 5.0
"""In most regions (https://aws.amazon.com/athena/pricing/); with a minimum of 10 MB for a query, counted in whole megabytes."""
MINIMUM_MEGABYTES = 10
MEGABYTE, TERABYTE = 10**6, 10**12

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class ResultColumn:
    """A column of an answer: its name and its type as Athena names it, such as ``bigint`` or ``varchar``."""

    name: str
    type: str


@dataclass(frozen=True)
class QueryCost:
    """What a query took. ``usd`` is what Athena asks for the bytes, by ``USD_PER_TERABYTE``."""

    scanned_bytes: int
    seconds: float

    @property
    def usd(self) -> float:
        """The price, nothing for a query that read nothing."""
        if not self.scanned_bytes:
            return 0.0
        megabytes = max(MINIMUM_MEGABYTES, -(-self.scanned_bytes // MEGABYTE))
        return megabytes * MEGABYTE / TERABYTE * USD_PER_TERABYTE


@dataclass(frozen=True)
class QueryAnswer:
    """A query that succeeded; ``rows`` are fetched page by page while they are iterated, once."""

    execution_id: str
    columns: Sequence[ResultColumn]
    rows: Iterator[Row]
    cost: QueryCost


class Athena:
    """The workgroup of a stage."""

    def __init__(self, client: "AthenaClient", stage: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self.workgroup = workgroup_name(stage)
        self._client = client
        self._pause = pause

    @classmethod
    def connect(cls, stage: str, session: "boto3.session.Session", *, endpoint_url: str | None = None) -> "Athena":
        """The workgroup in the session's account."""
        config = Config(retries={"mode": "standard", "max_attempts": 5})
        return cls(session.client("athena", endpoint_url=endpoint_url, config=config), stage)

    def query(self, sql: str, *, database: str) -> QueryAnswer:
        """Run one statement and wait for its end. Whatever interrupts the wait cancels the query.

        Raises ConfigFault, with what Athena says, for a statement that is wrong or was ended (by the limit of bytes, by
        somebody); RetryLater where Athena takes no more queries or says that the same one may pass later.
        """
        try:
            execution_id = self._client.start_query_execution(
                QueryString=sql, QueryExecutionContext={"Database": database}, WorkGroup=self.workgroup
            )["QueryExecutionId"]
            execution = self._wait(execution_id)
            statistics: Any = execution.get("Statistics", {})
            cost = QueryCost(statistics.get("DataScannedInBytes", 0), statistics.get("TotalExecutionTimeInMillis", 0) / 1000)
            pages = iter(
                self._client.get_paginator("get_query_results").paginate(
                    QueryExecutionId=execution_id, PaginationConfig={"PageSize": PAGE_ROWS}
                )
            )
            first = next(pages)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, "asking Athena", service="Athena") from error
        columns = [
            ResultColumn(column["Name"], column["Type"])
            for column in first["ResultSet"].get("ResultSetMetadata", {}).get("ColumnInfo", [])
        ]
        # The first page of a SELECT begins with the names of the columns; that of SHOW or DESCRIBE does not.
        with_header = execution.get("StatementType") == "DML"
        return QueryAnswer(execution_id, columns, _rows(first, pages, skip=1 if with_header else 0), cost)

    def _wait(self, execution_id: str) -> Any:
        pause = FIRST_PAUSE_SECONDS
        try:
            while True:
                execution = self._client.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
                status = execution.get("Status", {})
                state = status.get("State")
                if state == "SUCCEEDED":
                    return execution
                if state in ("FAILED", "CANCELLED"):
                    reason = status.get("StateChangeReason") or "Athena does not say why"
                    fault = RetryLater if status.get("AthenaError", {}).get("Retryable") else ConfigFault
                    raise fault(f"the query {'was cancelled' if state == 'CANCELLED' else 'failed'}: {reason}")
                self._pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        except (ConfigFault, RetryLater):
            raise
        except BaseException:
            self._client.stop_query_execution(QueryExecutionId=execution_id)
            raise


def workgroup_name(stage: str) -> str:
    """The workgroup of a stage."""
    return f"flowforge-{stage}"


def _rows(first: Any, pages: Iterator[Any], *, skip: int) -> Iterator[Row]:
    page = first
    while page is not None:
        for row in page["ResultSet"].get("Rows", [])[skip:]:
            yield tuple(value.get("VarCharValue") for value in row.get("Data", []))
        skip = 0
        try:
            page = next(pages, None)
        except (ClientError, BotoCoreError) as error:
            raise translate(error, "reading the answer of Athena", service="Athena") from error
