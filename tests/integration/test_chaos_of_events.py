"""Two hundred wishes while everything around them goes wrong: messages and events come twice, shuffled or never, and whoever
handles them is killed anywhere. Each wish ends as one execution, told as it was."""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, cast

import pytest
from sqlalchemy import Connection, select

from databases import ANNA
from flowforge.lake import keys
from flowforge.lake.lake import Lake
from flowforge.metadata.database import Database
from flowforge.metadata.schema import executions, job_executions, start_wishes, step_results
from flowforge.metadata.schema.runs import WishStatus
from flowforge.metadata.workflows import create_workflow
from flowforge.model.environment import Environment
from flowforge.model.errors import FlowForgeError
from flowforge.model.execution import ExecutionRecord, JobFailure, JobOutcome, RecordRequest
from flowforge.model.job import Job
from flowforge.model.plan import ExecutionInput, JobPlan, Plan
from flowforge.model.run_status import ExecutionStatus, JobStatus, execution_of
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.model.status_change import STATUS
from flowforge.model.step import GoldSqlCounts, Step, StepResult
from flowforge.model.workflow_settings import Concurrency, WorkflowSettings
from flowforge.orchestration.completions import Completions
from flowforge.orchestration.dead_letters import DeadLetters
from flowforge.orchestration.reconciling import reconcile
from flowforge.orchestration.run_events import RunEvents
from flowforge.orchestration.run_recording import record_planned
from flowforge.orchestration.run_requests import execution_id, request_run
from flowforge.orchestration.start_messages import StartMessages
from flowforge.orchestration.start_queue import StartQueue
from flowforge.orchestration.starting import Starter
from flowforge.orchestration.tiers import choose_tiers
from machines import BEGIN, Executions, Ran

WISHES, WORKFLOWS, POISONED = 200, 20, 7
WORKERS = 4
KILLED, LOST = 0.02, 0.1
JOB = Job.model_validate(
    {
        "id": "job_sales",
        "name": "Sales",
        "type": "gold-analytics",
        "destinationConfig": {"goldConfig": {"sql": "SELECT 1 AS one FROM orders", "tables": {"orders": "store/orders"}}},
    }
)


class Killed(BaseException):
    """What a process that is killed does next: nothing."""


@dataclass
class Chance:
    """Everything that happens by chance, from one seed."""

    seed: int
    calm: bool = False
    killed: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self._random, self._lock = random.Random(self.seed), Lock()

    def shuffled(self, items: list[Any]) -> list[Any]:
        with self._lock:
            return self._random.sample(items, len(items))

    def happens(self, share: float) -> bool:
        with self._lock:
            return not self.calm and self._random.random() < share

    def may_kill(self, _operation: str = "") -> None:
        """End the process that does this, now and then."""
        if self.happens(KILLED):
            self.killed += 1
            raise Killed

    def loses(self) -> bool:
        found = self.happens(LOST)
        self.lost += found
        return found


class Objects:
    """The part of a lake that holds small documents, in memory."""

    def __init__(self, chance: Chance) -> None:
        self._objects: dict[str, str] = {}
        self._chance = chance

    def read(self, key: str) -> tuple[bytes, str] | None:
        self._chance.may_kill()
        found = self._objects.get(key)
        return None if found is None else (found.encode(), "etag")

    def overwrite(self, key: str, body: str) -> None:
        self._objects[key] = body
        self._chance.may_kill()


class DangerousDatabase(Database):
    """A database whose client is killed now and then, before a commit and after it."""

    chance: Chance

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
            self.chance.may_kill()
        self.chance.may_kill()


@dataclass
class Messages:
    """A queue: what is sent lies there until it is taken, or is lost."""

    chance: Chance
    sent: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def send_message(self, *, MessageBody: str, MessageAttributes: Any = None, **_: Any) -> None:  # noqa: N803 -- boto3's own
        if MessageAttributes:
            # What is put aside is handed to another queue, which takes it or says so.
            self.sent.append(MessageBody)
            self.reasons.append(MessageAttributes["Reason"]["StringValue"])
        elif not self.chance.loses():
            self.sent.append(MessageBody)

    def taken(self) -> list[str]:
        """What was sent, each twice and in any order."""
        bodies, self.sent = self.sent * 2, []
        return self.chance.shuffled(bodies)


class Stage:
    """The control plane of a stage, around a state machine that does what a script says."""

    def __init__(self, database: DangerousDatabase, seed: int) -> None:
        self.chance = database.chance = Chance(seed)
        self.database = database
        self.objects = Objects(self.chance)
        lake = cast(Lake, self.objects)
        self.wishes, self.dead, self.events = Messages(self.chance), Messages(self.chance), Messages(self.chance)
        self.machine = Executions(before=self.chance.may_kill)
        self.queue = StartQueue("wishes", cast(Any, self.wishes))
        self.starter = Starter(database, self.machine.machine())
        self.recorder = RunEvents(lake, database, self.queue, cast(Completions, _Nobody()))
        self.messages = StartMessages("data", self.starter, DeadLetters("dead", cast(Any, self.dead)))
        self.went: set[str] = set()

    def each(self, items: list[Any], act: Callable[[Any], object]) -> list[Any]:
        """Do something with items, several at once; those come back whose process was killed, or that have to come again."""

        def tried(item: Any) -> Any:
            try:
                act(item)
            except (Killed, FlowForgeError):
                return item
            return None

        with ThreadPoolExecutor(WORKERS) as pool:
            return [item for item in pool.map(tried, items) if item is not None]

    def go(self, ran: Ran) -> None:
        """Run an execution to its end: it plans, leaves a result or fails, and records; all of it may be lost or killed."""
        name, _ = execution_of(ran.name)
        given = ExecutionInput.model_validate_json(ran.input)
        plan = Plan(
            execution_id=name,
            workflow_id=given.workflow_id,
            workflow_slug=given.workflow_id.replace("_", "-"),
            planned_at=BEGIN,
            jobs=(JobPlan(job=JOB, run_id=f"run-{name}", sources=(), tiers=choose_tiers(JOB, ())),),
        )
        self._until_done(lambda: self.objects.overwrite(keys.plan_key(name), plan.to_json()))
        self._until_done(lambda: self._planned(plan))
        fails = fails_by_script(name)
        if fails:
            told = JobFailure(execution_id=name, job_id=JOB.id, step=Step.GOLD_PUBLISH, error="DataFault", cause="row 3")
            self._until_done(lambda: self.recorder.record(RecordRequest(execution_name=name, event=told)))
        else:
            key = keys.result_key(name, JOB.id, Step.GOLD_PUBLISH)
            self._until_done(lambda: self.objects.overwrite(key, result_of(plan).to_json()))
            self._tell({"source": "aws.s3", "detail-type": "Object Created", "detail": created(key)})
        outcome = JobOutcome(job_id=JOB.id, status="failed" if fails else "succeeded", tries={Step.GOLD_PUBLISH: 1})
        record = ExecutionRecord(
            execution_id=name, status=outcome.status, workflow_id=given.workflow_id, started_at=BEGIN, jobs=(outcome,)
        )
        self._until_done(lambda: self.recorder.record(RecordRequest(execution_name=name, event=record)))
        self.machine.end(name, "FAILED" if fails else "SUCCEEDED")
        for status in ("RUNNING", ran.status):
            self._tell({"source": "aws.states", "detail-type": CHANGE, "detail": changed(ran, status)})

    def _planned(self, plan: Plan) -> None:
        with self.database.transaction() as connection:
            record_planned(connection, plan, 0, None)

    def _tell(self, event: dict[str, Any]) -> None:
        self.events.send_message(MessageBody=json.dumps(event))

    def _until_done(self, act: Callable[[], object]) -> None:
        """What a state of the machine does: it calls again, now and then with an answer that was lost."""
        for _ in range(50):
            try:
                act()
            except (Killed, FlowForgeError):
                continue
            if not self.chance.loses():
                return

    def round(self, pending: list[str]) -> list[str]:
        """One round of everything; what has to come again."""
        again = self.each(self.chance.shuffled(pending + self.wishes.taken()), self.messages.handle)
        new = [ran for name, ran in list(self.machine.ran.items()) if name not in self.went]
        self.went |= {ran.name for ran in new}
        self.each(self.chance.shuffled(new), self.go)
        lost_again = self.each(self.events.taken(), self.recorder.deliver)
        self.events.sent += lost_again
        later = datetime.now(UTC) + timedelta(minutes=5)
        self.each([None], lambda _: reconcile(self.starter, self.recorder, later))
        return again


CHANGE = "Step Functions Execution Status Change"


class _Nobody:
    """Hears of completed executions."""

    def tell(self, record: ExecutionRecord) -> None:
        """Hear of one."""


def created(key: str) -> dict[str, Any]:
    return {"bucket": {"name": "data"}, "object": {"key": key}}


def changed(ran: Ran, status: str) -> dict[str, Any]:
    begun = int(ran.started.timestamp() * 1000)
    ended = {"stopDate": begun + 60_000} if status != "RUNNING" else {}
    return {"name": ran.name, "status": status, "startDate": begun, "input": ran.input, **ended}


def fails_by_script(name: str) -> bool:
    """One execution in four fails."""
    return int(name[-1], 16) % 4 == 0


def result_of(plan: Plan) -> StepResult:
    rows = int(plan.execution_id[-2:], 16)
    return StepResult(
        execution_id=plan.execution_id,
        job_id=JOB.id,
        run_id=plan.jobs[0].run_id,
        step=Step.GOLD_PUBLISH,
        planned_at=BEGIN,
        counts=GoldSqlCounts(read=rows, loaded=rows, selected=1, written=1),
        outputs=(),
        read_bytes=0,
        duration_seconds=0.5,
        finished_at=BEGIN + timedelta(seconds=30),
    )


def wishes() -> list[StartRequest]:
    trigger = Trigger(type=TriggerType.MANUAL)
    return [
        StartRequest(workflow_id=f"wf_{number % WORKFLOWS:02}", idempotency_key=f"k{number}", trigger=trigger)
        for number in range(WISHES)
    ]


@pytest.fixture
def stage(postgres: Any, request: pytest.FixtureRequest) -> Iterator[Stage]:
    database = DangerousDatabase(postgres.settings(postgres.copy(), pool_size=WORKERS))
    database.chance = Chance(0, calm=True)
    with database.transaction() as connection:
        for number in range(WORKFLOWS):
            concurrency = Concurrency.PARALLEL if number % 2 else Concurrency.QUEUE
            sales = JOB.model_dump(mode="json", by_alias=True, exclude_none=True)
            sales["destinationConfig"]["goldConfig"]["domain"] = f"d{number}"
            create_workflow(
                connection,
                ANNA,
                Environment.DEV,
                f"Workflow {number}",
                workflow_id=f"wf_{number:02}",
                jobs_of_it=[Job.model_validate(sales)],
                settings=WorkflowSettings(concurrency=concurrency),
            )
    yield Stage(database, request.param)
    database.close()


@pytest.mark.parametrize("stage", [20261125], indirect=True, ids=lambda seed: f"seed-{seed}")
def test_every_wish_ends_as_one_execution_that_is_told_as_it_was(stage: Stage) -> None:
    asked = wishes()
    poison = [f"poison {number}" for number in range(POISONED)]
    # Half of the wishes come by the API, which keeps them before the queue hears of them; half are messages alone.
    refused = stage.each(asked[::2], lambda wish: request_run(stage.database, stage.queue, wish))
    stage.each(refused, lambda wish: request_run(stage.database, stage.queue, wish))
    pending = [wish.to_json() for wish in asked[1::2]] * 2 + poison + [wish.to_json() for wish in refused]
    for number in range(60):
        # In the end the storm is over, and what is left is made up for.
        stage.chance.calm = number >= 30
        pending = stage.round(pending)
        if number > 30 and not pending and not stage.events.sent and all_done(stage.database):
            break
    assert (stage.chance.killed > 100, stage.chance.lost > 50) == (True, True)
    names = {execution_id(wish) for wish in asked}
    assert set(stage.machine.ran) == names
    with stage.database.transaction() as connection:
        recorded = {row["id"]: row for row in connection.execute(select(executions)).mappings()}
        jobs = {row["execution_id"]: row["status"] for row in connection.execute(select(job_executions)).mappings()}
        rows = {row["execution_id"]: row["rows_read"] for row in connection.execute(select(step_results)).mappings()}
        decided = Counter(connection.execute(select(start_wishes.c.status)).scalars())
    assert {name: row["status"] for name, row in recorded.items()} == {
        name: STATUS[ran.status] for name, ran in stage.machine.ran.items()
    }
    assert jobs == {name: JobStatus.FAILED if fails_by_script(name) else JobStatus.SUCCEEDED for name in names}
    assert {name: count for name, count in rows.items() if count is not None} == {
        name: int(name[-2:], 16) for name in names if not fails_by_script(name)
    }
    assert decided == {WishStatus.STARTED: WISHES}
    assert set(stage.dead.sent) == set(poison), set(stage.dead.reasons)


def all_done(database: Database) -> bool:
    with database.transaction() as connection:
        active = connection.execute(
            select(executions.c.id).where(executions.c.status.in_((ExecutionStatus.PENDING, ExecutionStatus.RUNNING)))
        ).first()
        ahead = connection.execute(
            select(start_wishes.c.id).where(start_wishes.c.status.in_((WishStatus.WAITING, WishStatus.ADMITTED)))
        ).first()
    return active is None and ahead is None
