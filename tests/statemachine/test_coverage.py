"""Nothing in the shipped state machine goes untried: every state, every retrier and every catcher is come through."""

from collections.abc import Iterator

import pytest

from flowforge.local.states.definition import NOT_SET, Container, MapState, RetryingState, State, TaskState
from flowforge.local.states.errors import StateError
from flowforge.local.states.integrations import LambdaInvoke
from flowforge.local.states.parser import parse_definition
from flowforge.local.states.run_task import RunTaskAndWait
from flowforge.local.states.service_integrations import GetObject
from flowforge.local.states.visit import Place
from statemachine.conftest import RunWorkflow, ScriptedWorker, StoredResults, plan, planned, record
from statemachine.test_workflow import STEPS, for_job, recorder
from unit.local.states_lab import Behaviour, Raises

LOST = Raises("DataFault")
PASSING = Raises("RetryLater")
JOB_FAILS: dict[str, Behaviour] = {"BronzeIngest": for_job("job_a", LOST)}
NO_PLAN: dict[str, Behaviour] = {"PlanExecution": Raises("ConfigFault")}
RECORD_LATE: dict[str, Behaviour] = {"RecordEvent": [PASSING, record]}
SCENARIOS: list[dict[str, Behaviour]] = [
    {},
    {"PlanExecution": [PASSING, plan()]},
    *({step: [PASSING, {}]} for step in STEPS),
    *({step: for_job("job_a", LOST)} for step in STEPS),
    {"PlanExecution": plan([[{"nameless": 1}]])},
    NO_PLAN,
    RECORD_LATE,
    NO_PLAN | RECORD_LATE,
    JOB_FAILS | RECORD_LATE,
    JOB_FAILS | {"RecordEvent": [record, PASSING, record]},
    {"RecordEvent": recorder(succeeded=LOST)},
    JOB_FAILS | {"RecordEvent": recorder(failed=LOST)},
    JOB_FAILS | {"RecordEvent": recorder(job_failed=LOST)},
    NO_PLAN | {"RecordEvent": recorder(failed=LOST)},
    *({step: for_job("job_a", Raises("NextTier"))} for step in STEPS),
]
NO_ROOM = StateError("AmazonECS.Unknown", "no capacity")
BUSY = StateError("S3.S3Exception", "SlowDown")
ON_FARGATE = plan([[planned("job_a", bronze_ingest="fargate", silver_transform="fargate", gold_publish="fargate")]])
WORKERS = [
    (ScriptedWorker({("job_a", "bronze_ingest"): [NO_ROOM, "SpotInterruption", 0]}), StoredResults()),
    (ScriptedWorker({("job_a", "gold_publish"): [12]}), StoredResults()),
    (ScriptedWorker(), StoredResults(BUSY)),
]
RESOURCES = {item.arn: item.names for item in (LambdaInvoke, RunTaskAndWait, GetObject)}


def states_of(container: Container) -> Iterator[State]:
    for state in container.states.values():
        yield state
        if isinstance(state, MapState):
            yield from states_of(state.processor)


def places_of(container: Container) -> Iterator[Place]:
    for state in states_of(container):
        yield state.name, "state", None
        if isinstance(state, RetryingState):
            yield from ((state.name, "retry", index) for index, _ in enumerate(state.retriers))
            yield from ((state.name, "catch", index) for index, _ in enumerate(state.catchers))


@pytest.fixture(scope="module")
def visited(run_workflow: RunWorkflow) -> set[Place]:
    """Every place that one of the scenarios comes through."""
    places: set[Place] = set()
    for functions in SCENARIOS:
        run_workflow(observe=places.add, **functions)
    for worker, results in WORKERS:
        run_workflow(observe=places.add, worker=worker, results=results, PlanExecution=ON_FARGATE)
    return places


def test_every_state_retrier_and_catcher_is_visited(shipped: str, visited: set[Place]) -> None:
    definition = parse_definition(shipped, resources=RESOURCES)
    assert set(places_of(definition.container)) - visited == set()


def test_every_task_has_a_time_limit_a_retrier_and_a_catcher_of_everything(shipped: str) -> None:
    definition = parse_definition(shipped, resources=RESOURCES)
    for state in states_of(definition.container):
        if isinstance(state, TaskState):
            assert state.timeout_seconds is not NOT_SET, state.name
            assert state.retriers, state.name
            assert state.catchers[-1].error_equals == ("States.ALL",), state.name
