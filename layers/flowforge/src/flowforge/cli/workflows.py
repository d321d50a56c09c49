"""Workflows of the API on the screen."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from rich.table import Table

from flowforge.cli.api.client import Answer, part
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.api.session import Session, confirmed
from flowforge.cli.moments import moment, seconds
from flowforge.cli.untrusted import cell
from flowforge.cli.yaml_documents import write_documents

WORKFLOWS = "/api/workflows"


def find_workflow(session: Session, named: str) -> Answer:
    """The workflow of an id, or else of a slug. Raises ApiError where there is neither."""
    try:
        return session.api.get(f"{WORKFLOWS}/{part(named)}")
    except ApiError as error:
        if error.http_status != HTTPStatus.NOT_FOUND:
            raise
        of_slug = session.api.get(WORKFLOWS, slug=named, limit=1).document["workflows"]
        if not of_slug:
            raise ApiError(f"there is no workflow of the id or the slug {named}", Ending.NOT_THERE) from error
        return session.api.get(f"{WORKFLOWS}/{part(of_slug[0]['id'])}")


def list_workflows(session: Session, *, search: str | None, tags: Sequence[str] | None) -> int:
    """Print them, newest first."""
    found = list(session.api.pages(WORKFLOWS, "workflows", search=search, tag=tags or None, includeLastExecution="true"))
    if session.as_json:
        session.tell(found)
        return Ending.SUCCESS
    table = Table("Workflow", "Name", "Jobs", "Starts", "Last execution", "Ended with")
    for item in found:
        last = item["lastExecution"] or {}
        table.add_row(
            cell(item["id"]),
            cell(item["name"]),
            str(len(item["jobs"])),
            item["status"],
            cell(last.get("id", "")),
            last.get("status", ""),
        )
    session.console.print(table)
    return Ending.SUCCESS


def show_workflow(session: Session, named: str) -> int:
    """Print one."""
    found = find_workflow(session, named).document
    if session.as_json:
        session.tell(found)
        return Ending.SUCCESS
    for label, value in _facts(found):
        if value:
            session.say(f"{label:<15} {value}")
    table = Table("Order", "Job", "Name", "Type", "Tier", "Strategy", "Dataset")
    for job in found["jobs"]:
        destination = job["destinationConfig"]
        gold = destination["goldConfig"]
        dataset = f"{gold['domain']}/{gold.get('dataset') or job['slug']}" if gold["enabled"] else ""
        table.add_row(
            str(job["order"]),
            cell(job["id"]),
            cell(job["name"]),
            job["type"],
            job["tier"],
            destination["silverConfig"]["mergeStrategy"] if job["type"] == "file-based" else "",
            cell(dataset),
        )
    session.console.print(table)
    return Ending.SUCCESS


def export_workflows(session: Session, named: Sequence[str]) -> int:
    """Print definitions: YAML, a document for each, or a list of JSON."""
    ids = [find_workflow(session, each).document["id"] for each in named]
    found = [session.api.get(f"{WORKFLOWS}/{part(each)}/definition").document for each in ids]
    if session.as_json:
        session.tell(found)
    else:
        session.console.file.write(write_documents(found))
    return Ending.SUCCESS


def delete_workflow(session: Session, named: str, *, yes: bool) -> int:
    """Delete one, as it was seen."""
    found = find_workflow(session, named)
    item = found.document
    if not confirmed(f"Delete {item['name']} ({item['id']}), with {len(item['jobs'])} jobs?", yes=yes):
        session.say("Nothing was changed")
        return Ending.FAILURE
    answer = session.api.delete(f"{WORKFLOWS}/{part(item['id'])}", etag=found.etag)
    if session.as_json:
        session.tell(answer.document)
    session.say(f"Deleted {item['name']} ({item['id']}); its data, its history and its names stay until a purge")
    return Ending.SUCCESS


def _facts(item: dict[str, Any]) -> list[tuple[str, str]]:
    last = item["lastExecution"]
    told = ""
    if last:
        took = f", {seconds(last['duration'])}" if last["duration"] is not None else ""
        told = f"{last['id']}: {last['status']}, started {moment(last['startTime'])}{took}"
    return [
        ("id", item["id"]),
        ("name", item["name"]),
        ("slug", item["slug"]),
        ("description", item["description"]),
        ("environment", item["environment"]),
        ("application", item["application"]),
        ("owner", item["owner"]),
        ("team", item["team"]),
        ("priority", item["priority"]),
        ("data", item["dataClassification"]),
        ("tags", ", ".join(item["tags"])),
        ("concurrency", item["concurrency"]),
        ("starts", item["status"]),
        ("version", f"{item['version']}, of {moment(item['updatedAt'])}"),
        ("last execution", told),
    ]
