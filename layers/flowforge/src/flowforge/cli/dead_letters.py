"""Dead letters of the API on the screen, and what a person does to them."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.table import Table

from flowforge.cli.api.client import Answer, part
from flowforge.cli.api.errors import ApiError, Ending
from flowforge.cli.api.session import Session, confirmed
from flowforge.cli.moments import moment
from flowforge.cli.untrusted import cell

LETTERS = "/api/dead-letters"
REASON_CHARACTERS = 100


def list_letters(session: Session) -> int:
    """Print them."""
    found = session.api.get(LETTERS).document
    if session.as_json:
        session.tell(found)
        return Ending.SUCCESS
    table = Table("Message", "Sent", "Error", "Reason")
    for item in found["messages"]:
        reason = cell(item["reason"] or "", limit=REASON_CHARACTERS)
        table.add_row(cell(item["id"]), moment(item["sentAt"]), cell(item["errorClass"] or ""), reason)
    session.console.print(table)
    if found["total"] != len(found["messages"]):
        session.say(f"{len(found['messages'])} of {found['total']}")
    return Ending.SUCCESS


def show_letter(session: Session, message_id: str) -> int:
    """Print one."""
    found = next((item for item in session.api.get(LETTERS).document["messages"] if item["id"] == message_id), None)
    if found is None:
        raise ApiError(f"there is no dead letter {message_id}", Ending.NOT_THERE)
    if session.as_json:
        session.tell(found)
        return Ending.SUCCESS
    for label, value in (
        ("message", found["id"]),
        ("sent", moment(found["sentAt"])),
        ("error", found["errorClass"]),
        ("reason", found["reason"]),
    ):
        session.say(f"{label:<8} {value or ''}")
    # As JSON, so that a terminal is sent no character that it would obey.
    session.tell(found["body"])
    return Ending.SUCCESS


def redrive_letters(session: Session, ids: Sequence[str]) -> int:
    """Send them back."""
    return _each(session, ids, lambda each: session.api.post(f"{LETTERS}/{part(each)}/redrive"), "is tried again")


def delete_letters(session: Session, ids: Sequence[str], *, yes: bool) -> int:
    """Delete them."""
    if not confirmed(f"Delete {', '.join(ids)}? What was asked for is not done then.", yes=yes):
        session.say("Nothing was changed")
        return Ending.FAILURE
    return _each(session, ids, lambda each: session.api.delete(f"{LETTERS}/{part(each)}"), "is deleted")


def _each(session: Session, ids: Sequence[str], do: Callable[[str], Answer], said: str) -> int:
    """Do it to each, as far as it goes."""
    answers: list[Any] = []
    for each in ids:
        answers.append(do(each).document)
        session.say(f"{each} {said}")
    if session.as_json:
        session.tell(answers)
    return Ending.SUCCESS
