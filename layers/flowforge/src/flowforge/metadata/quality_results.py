"""What a run's rules and reconciliations found, kept per execution."""

from collections.abc import Iterable

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.dialects.postgresql import insert

from flowforge.metadata.schema import quality_results, reconciliation_results
from flowforge.model.reconciliation import ReconciliationOutcome
from flowforge.model.step import RuleOutcome


def record_quality(connection: Connection, execution_id: str, job_id: str, outcomes: Iterable[RuleOutcome]) -> None:
    """Keep what a job's rules found; told again, it replaces itself, since a step's result is the same in every try.

    The job's execution must have been recorded.
    """
    rows = [
        {
            "execution_id": execution_id,
            "job_id": job_id,
            "rule": outcome.rule,
            "column_name": outcome.column,
            "severity": outcome.severity,
            "failed": outcome.failed,
            "checked": outcome.checked,
        }
        for outcome in outcomes
    ]
    if rows:
        statement = insert(quality_results)
        told = {name: statement.excluded[name] for name in ("severity", "failed", "checked")}
        keys = ["execution_id", "job_id", "rule", "column_name"]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=told), rows)


def record_reconciliation(
    connection: Connection, execution_id: str, job_id: str, outcomes: Iterable[ReconciliationOutcome]
) -> None:
    """Keep what a job's comparisons found, as ``record_quality`` does."""
    rows = [
        {
            "execution_id": execution_id,
            "job_id": job_id,
            "rule": outcome.rule,
            "passed": outcome.passed,
            "outcome": outcome.model_dump(mode="json", by_alias=True),
        }
        for outcome in outcomes
    ]
    if rows:
        statement = insert(reconciliation_results)
        told = {name: statement.excluded[name] for name in ("passed", "outcome")}
        connection.execute(statement.on_conflict_do_update(index_elements=["execution_id", "job_id", "rule"], set_=told), rows)


def quality_of(connection: Connection, execution_id: str) -> list[RowMapping]:
    """What the rules of an execution's jobs found."""
    c = quality_results.c
    query = select(quality_results).where(c.execution_id == execution_id).order_by(c.job_id, c.rule, c.column_name)
    return list(connection.execute(query).mappings())


def reconciliations_of(connection: Connection, execution_id: str) -> list[RowMapping]:
    """What the comparisons of an execution's jobs found."""
    c = reconciliation_results.c
    query = select(reconciliation_results).where(c.execution_id == execution_id).order_by(c.job_id, c.rule)
    return list(connection.execute(query).mappings())
