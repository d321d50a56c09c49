"""What becomes of one message of the start queue: an execution, nothing, a dead letter, or another try."""

from dataclasses import dataclass

from flowforge.lake.lake import Lake
from flowforge.model.errors import ConfigFault, DataFault
from flowforge.orchestration.dead_letters import DeadLetters
from flowforge.orchestration.starting import Machine, start_execution
from flowforge.orchestration.wishes import read_wish


@dataclass(frozen=True)
class Handled:
    """The end of a message: the execution of its wish, or the fault for which it was put aside, or neither of them."""

    execution_id: str | None = None
    fault: str | None = None


class StartMessages:
    """Handles messages, whose delivery is at least once and in any order."""

    def __init__(self, lake: Lake, machine: Machine, dead_letters: DeadLetters) -> None:
        self._lake = lake
        self._machine = machine
        self._dead_letters = dead_letters

    @classmethod
    def from_environment(cls) -> "StartMessages":
        """Lake, state machine and dead-letter queue as the environment names them. Raises ConfigFault."""
        return cls(Lake.from_environment(), Machine.from_environment(), DeadLetters.from_environment())

    def handle(self, body: str) -> Handled:
        """Do what a message wishes.

        A fault that a person has to mend puts the message aside, which is its end too. Raises RetryLater where the
        message had better come again.
        """
        try:
            wish = read_wish(body, self._lake)
            return Handled() if wish is None else Handled(start_execution(wish, self._lake, self._machine))
        except (ConfigFault, DataFault) as error:
            self._dead_letters.put(body, error)
            return Handled(fault=f"{type(error).__name__}: {error}")
