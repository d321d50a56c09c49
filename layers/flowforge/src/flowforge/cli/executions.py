"""Executions of the API on the screen, and what a person does to one."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from rich.table import Table

from flowforge.cli.api.client import PAGE, part
from flowforge.cli.api.errors import Ending
from flowforge.cli.api.session import Session, confirmed
from flowforge.cli.failures import message_of
from flowforge.cli.moments import moment, seconds
from flowforge.cli.untrusted import cell
from flowforge.cli.usage import UsageError
from flowforge.cli.watch import EXECUTIONS, follow_execution
from flowforge.cli.workflows import find_workflow
from flowforge.model.run_status import ExecutionStatus

MONITOR = "/api/orchestration/monitor"
PLACES = ("file", "row", "column", "option")
SPANS = ("1h", "6h", "24h", "7d", "30d")


def list_executions(
    session: Session, workflows: Sequence[str], statuses: Sequence[str], *, since: str | None, search: str | None, limit: int
) -> int:
    """Print the newest of those that are looked for."""
    for status in statuses:
        if status not in list(ExecutionStatus):
            raise UsageError(f"--status: {status!r} is none of {', '.join(ExecutionStatus)}")
    if since not in (None, *SPANS):
        raise UsageError(f"--since: {since!r} is none of {', '.join(SPANS)}")
    ids = [find_workflow(session, named).document["id"] for named in workflows]
    chosen = {"workflowIds": ids or None, "status": list(statuses) or None, "timeRange": since, "search": search}
    found = list(islice(session.api.pages(MONITOR, "executions", size=min(limit, PAGE), **chosen), limit))
    if session.as_json:
        session.tell(found)
        return Ending.SUCCESS
    table = Table("Execution", "Workflow", "Status", "By", "Started", "Took", "Jobs", "Failed", "Records")
    for item in found:
        table.add_row(
            cell(item["id"]),
            cell(item["workflowName"]),
            item["status"],
            cell(f"{item['triggerType']} {item['requestedBy']}".strip()),
            moment(item["startTime"]),
            seconds(item["duration"]),
            f"{item['completedJobs']}/{item['totalJobs']}",
            str(item["failedJobs"]),
            f"{item['totalRecords']:,}",
        )
    session.console.print(table)
    return Ending.SUCCESS


def show_execution(session: Session, execution_id: str) -> int:
    """Print one, with its jobs and steps."""
    found = session.api.get(f"{EXECUTIONS}/{part(execution_id)}").document
    if session.as_json:
        session.tell(found)
    else:
        print_execution(session, found)
    return Ending.SUCCESS


def print_execution(session: Session, found: dict[str, Any]) -> None:
    """Print what is known of an execution, for people."""
    facts = (
        ("execution", found["id"]),
        ("workflow", f"{found['workflowName']} ({found['workflowId']})"),
        ("status", found["status"]),
        ("started by", " ".join(found[name] for name in ("triggerType", "triggerDetail", "requestedBy") if found[name])),
        ("started", moment(found["startTime"])),
        ("ended", moment(found["endTime"])),
        ("took", seconds(found["duration"])),
        ("redrives", str(found["redrive"] or "")),
        ("error", reason_of(found)),
    )
    for label, value in facts:
        if value:
            session.say(f"{label:<11} {value}")
    table = Table("Order", "Job", "Step", "Status", "Tier", "Try", "Took", "Read", "Written", "Set aside")
    for job in found["jobExecutions"]:
        if not job["steps"]:
            table.add_row(str(job["order"]), cell(job["jobName"]), "", job["status"])
        for step in job["steps"]:
            numbers = ("" if step[name] is None else f"{step[name]:,}" for name in ("rowsRead", "rowsWritten", "rowsSetAside"))
            table.add_row(
                str(job["order"]),
                cell(job["jobName"]),
                step["step"],
                step["status"],
                step["tier"] or "",
                str(step["attempt"] or ""),
                seconds(step["durationMs"]),
                *numbers,
            )
    if table.row_count:
        session.console.print(table)
    for line in problem_lines(found):
        session.say(line)


def reason_of(found: dict[str, Any]) -> str:
    """Why an execution ended as it did: the error's class, and the message in what a function or a service told."""
    return ": ".join(each for each in (found["error"], message_of(found["cause"] or "")) if each)


def problem_lines(found: dict[str, Any]) -> list[str]:
    """Why jobs failed, and why steps moved to another tier: a line each."""
    lines = []
    for job in found["jobExecutions"]:
        for step in job["steps"]:
            if step["escalation"]:
                told = ", ".join(f"{name} {value}" for name, value in step["escalation"].items())
                lines.append(f"{job['jobName']}, {step['step']}: moved to another tier ({told})")
            if step["error"]:
                lines.append(f"{job['jobName']}, {step['step']}: {_error(step['error'])}")
        if job["error"] and not any(step["error"] for step in job["steps"]):
            lines.append(f"{job['jobName']}: {job['error']}")
    return lines


def cancel_execution(session: Session, execution_id: str, *, reason: str, yes: bool) -> int:
    """Ask for one to be stopped."""
    if not confirmed(f"Cancel the execution {execution_id}?", yes=yes):
        session.say("Nothing was changed")
        return Ending.FAILURE
    answer = session.api.post(f"{EXECUTIONS}/{part(execution_id)}/cancel", {"reason": reason}).document
    if session.as_json:
        session.tell(answer)
    session.say(f"Asked for {execution_id} to be cancelled; 'flowforge execution watch {execution_id}' tells when it is")
    return Ending.SUCCESS


def redrive_execution(session: Session, execution_id: str, *, wait: bool, timeout_seconds: float | None) -> int:
    """Take one up again."""
    answer = session.api.post(f"{EXECUTIONS}/{part(execution_id)}/redrive").document
    if session.as_json and not wait:
        session.tell(answer)
    session.say(f"{execution_id} is taken up again, redrive {answer['redrive']}")
    if not wait:
        return Ending.SUCCESS
    return follow_execution(session, answer["executionId"], timeout_seconds=timeout_seconds)


def _error(error: dict[str, Any]) -> str:
    """An error of a step: its class, its message, and the file, row and column that it names."""
    places = ", ".join(f"{name} {error[name]}" for name in PLACES if error.get(name) is not None)
    told = f"{error.get('error', 'an error')}: {error.get('message', '')}".strip()
    return f"{told} ({places})" if places else told
