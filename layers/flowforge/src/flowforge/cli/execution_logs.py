"""What the functions logged of an execution, page by page over the API."""

import json
import time
from collections.abc import Callable
from typing import Any

from rich.text import Text

from flowforge.cli.api.client import part
from flowforge.cli.api.errors import Ending
from flowforge.cli.api.session import Session
from flowforge.cli.untrusted import printable
from flowforge.cli.watch import EXECUTIONS

PAGE = 1000
POLL_SECONDS = 2.0
STYLES = {"ERROR": "red", "CRITICAL": "bold red", "WARNING": "yellow", "DEBUG": "dim"}


def print_logs(
    session: Session, execution_id: str, *, job_id: str | None, follow: bool, pause: Callable[[float], None] = time.sleep
) -> int:
    """Print the lines by time; with ``follow`` also those that come, until the execution and its log have ended.

    As JSON, each line is a document of its own.
    """
    following = None
    while True:
        page = session.api.get(f"{EXECUTIONS}/{part(execution_id)}/logs", limit=PAGE, next=following).document
        for line in page["lines"]:
            if job_id in (None, line["jobId"]):
                _print(session, line)
        session.console.file.flush()
        following = page["next"]
        if following is None:
            return Ending.SUCCESS
        if page["isComplete"] and len(page["lines"]) < PAGE:
            if not follow:
                return Ending.SUCCESS
            pause(POLL_SECONDS)


def _print(session: Session, line: dict[str, Any]) -> None:
    if session.as_json:
        session.console.file.write(json.dumps(line) + "\n")
        return
    level = line["level"] or ""
    where = "/".join(each for each in (line["function"], line["jobId"], line["step"]) if each)
    text = printable(f"{line['timestamp']} {level:<8}{where}  {line['message']}")
    session.console.print(Text(text, style=STYLES.get(level, "")), soft_wrap=True)
