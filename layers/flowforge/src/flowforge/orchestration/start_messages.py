"""What becomes of one message of the start queue: an execution, nothing, a dead letter, or another try."""

from dataclasses import dataclass

from flowforge.lake.lake import data_bucket
from flowforge.metadata.refusals import Refusal
from flowforge.metadata.wishes import Wish
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.model.start import TurnRequest
from flowforge.orchestration.dead_letters import DeadLetters
from flowforge.orchestration.definitions import definitions_of
from flowforge.orchestration.starting import Starter
from flowforge.orchestration.wishes import read_wish


@dataclass(frozen=True)
class Handled:
    """The end of a message: its wish as it stands now, or the fault for which it was put aside, or neither of them."""

    wish: Wish | None = None
    fault: str | None = None


class StartMessages:
    """Handles messages, whose delivery is at least once and in any order."""

    def __init__(self, data_bucket: str, starter: Starter, dead_letters: DeadLetters) -> None:
        self._data_bucket = data_bucket
        self._starter = starter
        self._definitions = definitions_of(starter.database)
        self._dead_letters = dead_letters

    @classmethod
    def from_environment(cls) -> "StartMessages":
        """Database, state machine and dead-letter queue as the environment names them. Raises ConfigFault."""
        return cls(data_bucket(), Starter.from_environment(), DeadLetters.from_environment())

    def handle(self, body: str) -> Handled:
        """Do what a message wishes.

        A fault that a person has to mend puts the message aside, which is its end too. Raises RetryLater where the
        message had better come again.
        """
        try:
            wish = read_wish(body, self._data_bucket, self._definitions)
            if wish is None:
                return Handled()
            if isinstance(wish, TurnRequest):
                self._starter.start_next(wish.turn_of)
                return Handled()
            return Handled(self._starter.take(wish))
        except (ConfigFault, DataFault, Refusal) as error:
            self._dead_letters.put(body, error)
            return Handled(fault=f"{type(error).__name__}: {error}")
