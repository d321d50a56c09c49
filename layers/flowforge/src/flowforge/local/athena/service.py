"""The executions of Athena on the laptop: started, looked at, paged through, stopped. They end with the stack."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import duckdb

from flowforge.local.athena.engine import Answer, Engine
from flowforge.local.athena.errors import QueryError

PARALLEL_QUERIES = 2
PAGE_ROWS = 1000


class RequestError(Exception):
    """A request that the service refuses, as InvalidRequestException."""


@dataclass
class _Execution:
    id: str
    sql: str
    database: str
    workgroup: str
    submitted: float
    state: str = "QUEUED"
    reason: str = ""
    completed: float | None = None
    answer: Answer | None = None
    connection: duckdb.DuckDBPyConnection = field(default_factory=lambda: duckdb.connect(":memory:"))


class AthenaService:
    """Operations by name; each takes and gives what boto3's client does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._executions: dict[str, _Execution] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(PARALLEL_QUERIES, thread_name_prefix="athena")
        self.operations: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "StartQueryExecution": self._start,
            "GetQueryExecution": self._get,
            "GetQueryResults": self._results,
            "StopQueryExecution": self._stop,
            "ListQueryExecutions": self._list,
        }

    def close(self) -> None:
        """End what runs."""
        for execution in list(self._executions.values()):
            self._cancel(execution)
        self._pool.shutdown()

    def _start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        database = request.get("QueryExecutionContext", {}).get("Database", "default")
        workgroup = request.get("WorkGroup", "primary")
        execution = _Execution(str(uuid.uuid4()), request["QueryString"], database, workgroup, time.time())
        self._executions[execution.id] = execution
        self._pool.submit(self._run, execution)
        return {"QueryExecutionId": execution.id}

    def _run(self, execution: _Execution) -> None:
        with self._lock:
            if execution.state != "QUEUED":
                return
            execution.state = "RUNNING"
        answer, state, reason = None, "SUCCEEDED", ""
        try:
            answer = self._engine.run(execution.sql, execution.database, execution.connection)
        except QueryError as error:
            state, reason = "FAILED", str(error)
        except Exception as error:  # noqa: BLE001 -- whatever it is, whoever asked must see it
            state, reason = "FAILED", f"INTERNAL_ERROR: {type(error).__name__}: {error}"
        with self._lock:
            if execution.state == "RUNNING":
                execution.state, execution.reason, execution.answer = state, reason, answer
                execution.completed = time.time()
        execution.connection.close()

    def _get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        execution = self._find(request)
        with self._lock:
            status = {"State": execution.state, "SubmissionDateTime": execution.submitted}
            if execution.completed is not None:
                status["CompletionDateTime"] = execution.completed
            if execution.reason:
                status["StateChangeReason"] = execution.reason
            took = int(((execution.completed or time.time()) - execution.submitted) * 1000)
            scanned = execution.answer.scanned_bytes if execution.answer else 0
        return {
            "QueryExecution": {
                "QueryExecutionId": execution.id,
                "Query": execution.sql,
                "StatementType": "DML",
                "QueryExecutionContext": {"Database": execution.database, "Catalog": "awsdatacatalog"},
                "WorkGroup": execution.workgroup,
                "Status": status,
                "Statistics": {
                    "DataScannedInBytes": scanned,
                    "TotalExecutionTimeInMillis": took,
                    "EngineExecutionTimeInMillis": took,
                },
            }
        }

    def _results(self, request: Mapping[str, Any]) -> dict[str, Any]:
        execution = self._find(request)
        answer = execution.answer
        if answer is None:
            raise RequestError(f"Query did not finish successfully. Final query state: {execution.state}")
        start, size = int(request.get("NextToken", "0")), int(request.get("MaxResults", PAGE_ROWS))
        # The names of the columns are the first row of all, and count as one.
        lines = [tuple(column.name for column in answer.columns), *answer.rows][start : start + size]
        rows = [{"Data": [{} if value is None else {"VarCharValue": value} for value in line]} for line in lines]
        info = [
            {"CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": column.name, "Label": column.name}
            | {"Type": column.type, "Precision": 0, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": False}
            for column in answer.columns
        ]
        page: dict[str, Any] = {"ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": info}}, "UpdateCount": 0}
        if start + size <= len(answer.rows):
            page["NextToken"] = str(start + size)
        return page

    def _stop(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._cancel(self._find(request))
        return {}

    def _list(self, request: Mapping[str, Any]) -> dict[str, Any]:
        workgroup = request.get("WorkGroup", "primary")
        found = [execution.id for execution in self._executions.values() if execution.workgroup == workgroup]
        return {"QueryExecutionIds": found[::-1]}

    def _cancel(self, execution: _Execution) -> None:
        with self._lock:
            if execution.state not in ("QUEUED", "RUNNING"):
                return
            running = execution.state == "RUNNING"
            execution.state, execution.reason, execution.completed = "CANCELLED", "Query cancelled by user", time.time()
        if running:
            execution.connection.interrupt()

    def _find(self, request: Mapping[str, Any]) -> _Execution:
        execution = self._executions.get(str(request.get("QueryExecutionId")))
        if execution is None:
            raise RequestError(f"QueryExecution {request.get('QueryExecutionId')} was not found")
        return execution
