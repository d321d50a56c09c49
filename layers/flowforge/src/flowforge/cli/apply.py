"""``flowforge workflow apply``: workflows become what files say. Nothing is written where nothing differs."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any

from rich.text import Text

from flowforge.cli.api.client import part
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.api.session import Session, confirmed
from flowforge.cli.untrusted import printable
from flowforge.cli.usage import UsageError
from flowforge.cli.workflows import WORKFLOWS
from flowforge.cli.yaml_documents import as_json_values, read_documents, write_documents
from flowforge.model.errors import ConfigFault

STANDARD_INPUT = Path("-")
STYLES = {"+++": "bold", "---": "bold", "@@": "cyan", "+": "green", "-": "red"}


@dataclass(frozen=True)
class Change:
    """What becomes of one workflow: the API's comparison of what it is with what ``origin`` says."""

    origin: str
    comparison: dict[str, Any]

    @property
    def workflow_id(self) -> str:
        """Which workflow."""
        return str(self.comparison["workflowId"])

    @property
    def slug(self) -> str:
        """By which a workflow that is not there yet is told from others."""
        return str(self.comparison["after"]["slug"])

    @property
    def action(self) -> str:
        """What has to be done."""
        if self.comparison["before"] is None:
            return "create"
        return "update" if self.diff else "nothing"

    @property
    def diff(self) -> list[str]:
        """The lines of a unified diff, empty where nothing differs."""
        before = self.comparison["before"]
        version = self.comparison["version"]
        old = write_documents([before]).splitlines() if before is not None else []
        new = write_documents([self.comparison["after"]]).splitlines()
        name = f"{self.workflow_id}, version {version}" if before is not None else "/dev/null"
        return list(unified_diff(old, new, name, self.origin, lineterm=""))

    @property
    def removed(self) -> list[str]:
        """What goes: jobs, and what started the workflow."""
        before, after = self.comparison["before"] or {}, self.comparison["after"]
        triggers = [each for each in before.get("triggers", []) if each not in after.get("triggers", [])]
        jobs = [f"the job {job_id}" for job_id in self.comparison["jobs"]["removed"]]
        return [*jobs, *(f"the trigger on {each.get('type')}" for each in triggers)]

    @property
    def summary(self) -> str:
        """One line."""
        if self.action == "nothing":
            return f"{self.workflow_id}: nothing to change"
        counts = {what: len(ids) for what, ids in self.comparison["jobs"].items() if ids}
        told = ", ".join(f"{number} {'job' if number == 1 else 'jobs'} {what}" for what, number in counts.items())
        return f"{self.workflow_id}: {self.action}{f' ({told})' if told else ''}"


def apply_files(session: Session, files: Sequence[Path], *, dry_run: bool, exit_code: bool, yes: bool) -> int:
    """Compare all of it first, then change what differs, each workflow in a request of its own that it was compared for."""
    changes = _compared(session, files)
    for change in changes:
        if change.action != "nothing":
            _show(session, change)
        session.say(change.summary)
    due = [change for change in changes if change.action != "nothing"]
    if dry_run or not due:
        _tell(session, changes, done=())
        return Ending.DIFFERENT if due and exit_code else Ending.SUCCESS
    removed = [f"{what} of {change.workflow_id}" for change in due for what in change.removed]
    if removed and not confirmed(f"Remove {', '.join(removed)}?", yes=yes):
        session.say("Nothing was changed")
        return Ending.FAILURE
    done: dict[str, Any] = {}
    for change in due:
        version = change.comparison["version"]
        etag = f'"{version}"' if version is not None else None
        try:
            answer = session.api.put(f"{WORKFLOWS}/{part(change.workflow_id)}", change.comparison["after"], etag=etag)
        except ApiError as error:
            before = f"; done before it: {', '.join(done)}" if done else ""
            raise ApiError(f"{change.workflow_id}: {error}{before}", error.ending, http_status=error.http_status) from error
        done[change.workflow_id] = answer.document
        verb = "created" if change.action == "create" else "changed"
        session.say(f"{change.workflow_id}: {verb}, version {answer.document['version']}")
    _tell(session, changes, done=done)
    return Ending.SUCCESS


def _compared(session: Session, files: Sequence[Path]) -> list[Change]:
    changes: dict[str, Change] = {}
    for origin, document in _documents(files):
        try:
            comparison = session.api.post(f"{WORKFLOWS}/compare", document, changes=False).document
        except ApiError as error:
            raise ApiError(f"{origin}: {error}", error.ending, http_status=error.http_status) from error
        change = Change(origin, comparison)
        if change.slug in changes:
            raise ConfigFault(f"{origin}: the workflow {change.slug} stands in {changes[change.slug].origin} too", file=origin)
        changes[change.slug] = change
    return list(changes.values())


def _documents(files: Sequence[Path]) -> list[tuple[str, Any]]:
    """The documents of all files, each behind the words for where it stands."""
    found: list[tuple[str, Any]] = []
    for path in files:
        name = "standard input" if path == STANDARD_INPUT else str(path)
        if path != STANDARD_INPUT and not path.is_file():
            raise UsageError(f"--file: there is no file {path}")
        documents = read_documents(sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes(), name)
        if not documents:
            raise ConfigFault(f"{name}: there is no workflow in it", file=name)
        for number, document in enumerate(documents, start=1):
            origin = f"{name}, document {number}" if len(documents) > 1 else name
            if not isinstance(document, dict):
                raise ConfigFault(f"{origin}: a workflow is a mapping with the fields name and jobs", file=name)
            try:
                found.append((origin, as_json_values(document)))
            except ConfigFault as fault:
                raise ConfigFault(f"{origin}: {fault}", file=name) from fault
    return found


def _show(session: Session, change: Change) -> None:
    """Print the difference, coloured where colours are seen."""
    screen = session.errors if session.as_json else session.console
    for line in change.diff:
        style = next((style for start, style in STYLES.items() if line.startswith(start)), "")
        screen.print(Text(printable(line), style=style), soft_wrap=True)


def _tell(session: Session, changes: Sequence[Change], *, done: Any) -> None:
    if session.as_json:
        session.tell(
            [
                {
                    "workflowId": change.workflow_id,
                    "action": change.action,
                    "applied": change.workflow_id in done,
                    "version": done[change.workflow_id]["version"]
                    if change.workflow_id in done
                    else change.comparison["version"],
                    "jobs": change.comparison["jobs"],
                    "diff": change.diff,
                }
                for change in changes
            ]
        )
