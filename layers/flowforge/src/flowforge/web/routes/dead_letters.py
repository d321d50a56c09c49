"""Dead letters: messages that wished for a run and could not be understood or done, with the reason."""

import json
from datetime import datetime

from fastapi import APIRouter, status
from pydantic import JsonValue

from flowforge.model.base import Document
from flowforge.orchestration.dead_letters import DeadLetter
from flowforge.web.access import Operator, Viewer
from flowforge.web.services import Used

router = APIRouter(prefix="/api/dead-letters", tags=["dead letters"])


class DeadLetterView(Document):
    """A message as it came. ``error_class`` and ``reason`` are None where the queue itself gave up, after too many tries.

    ``body`` is the document, or its text where it is none.
    """

    id: str
    body: JsonValue
    error_class: str | None
    reason: str | None
    sent_at: datetime

    @classmethod
    def of(cls, letter: DeadLetter) -> "DeadLetterView":
        """Show a letter."""
        return cls(id=letter.id, body=_body(letter.body), error_class=letter.error, reason=letter.reason, sent_at=letter.sent_at)


class DeadLetterList(Document):
    """The messages, the oldest first; at most a thousand."""

    messages: list[DeadLetterView]
    total: int


class Sent(Document):
    """The message is in the queue of wishes again."""

    success: bool = True
    id: str


@router.get("")
def list_letters(services: Used, _caller: Viewer) -> DeadLetterList:
    """What was put aside."""
    letters = [DeadLetterView.of(letter) for letter in services.door.dead_letters.letters()]
    return DeadLetterList(messages=letters, total=len(letters))


@router.post("/{letter_id}/redrive", status_code=status.HTTP_202_ACCEPTED)
def send_again(services: Used, caller: Operator, letter_id: str) -> Sent:
    """Send a message again, once what was wrong is mended."""
    return Sent(id=services.door.send_again(letter_id, caller.actor).id)


@router.delete("/{letter_id}")
def give_up(services: Used, caller: Operator, letter_id: str) -> Sent:
    """Remove a message; the audit log keeps it."""
    services.door.give_up(letter_id, caller.actor)
    return Sent(id=letter_id)


def _body(text: str) -> JsonValue:
    try:
        found: JsonValue = json.loads(text)
    except ValueError:
        return text
    return found
