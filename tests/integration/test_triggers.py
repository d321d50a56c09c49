"""What starts executions, on the whole stack: the clock, a file and a message, each through the one queue and each once."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flowforge.lake import keys
from flowforge.local.cloudformation import ACCOUNT, REGION
from flowforge.local.project import find_project
from flowforge.local.stack import LocalStack
from flowforge.model.plan import Plan
from flowforge.model.start import StartRequest, Trigger, TriggerType
from flowforge.model.workflow import read_workflow
from flowforge.orchestration.run_requests import execution_id
from stacks import store

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Asia/Kolkata"))
FAR = timedelta(hours=1)
QUEUE, DEAD = "flowforge-local-StartRequests", "flowforge-local-StartRequestsDlq"
OVERHEARD = "overheard"
ROWS = b"id,amount\n1,2.50\n2,3.75\n"

pytestmark = pytest.mark.usefixtures("stacks_on_the_server_of_the_tests")


class Watch:
    """Real time, set as a test wants it."""

    def __init__(self) -> None:
        self.ahead = NINE - FAR - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, watch: Watch) -> Iterator[LocalStack]:
    parameters = {
        "ScheduledWorkflowId": "wf_daily",
        "ScheduleExpression": "cron(0 9 * * ? *)",
        "ScheduleTimezone": "Asia/Kolkata",
        "ScheduleState": "ENABLED",
    }
    with LocalStack(find_project(), tmp_path_factory.mktemp("state"), clock=watch, parameters=parameters) as running:
        overhear(running)
        yield running


def define(stack: LocalStack, workflow_id: str, *triggers: dict[str, str]) -> None:
    job = {
        "id": "job_orders",
        "name": "Orders",
        "sourceConfig": {"fileConfig": {"filePattern": "orders*.csv"}},
        "destinationConfig": {"goldConfig": {"domain": workflow_id.replace("_", "-")}},
    }
    definition = {"id": workflow_id, "name": workflow_id, "triggers": list(triggers), "jobs": [job]}
    store(stack, read_workflow(definition, origin="the test"), triggers=list(triggers))


def land(stack: LocalStack, workflow_id: str, name: str) -> tuple[str, str]:
    """Drop a file; its key and version."""
    key = keys.landing_key(workflow_id, "job_orders", name)
    return key, str(stack.client("s3").put_object(Bucket=stack.data_bucket, Key=key, Body=ROWS)["VersionId"])


def url_of(stack: LocalStack, queue: str) -> str:
    return str(stack.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def send(stack: LocalStack, body: str) -> None:
    stack.client("sqs").send_message(QueueUrl=url_of(stack, QUEUE), MessageBody=body)


def wait_until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        pause.wait(0.05)


def wait_until_handled(stack: LocalStack) -> None:
    """Wait until no message is in the queue or on its way through the function."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs, url = stack.client("sqs"), url_of(stack, QUEUE)
    wait_until(lambda: set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"})


def executions(stack: LocalStack, workflow_id: str) -> list[dict[str, Any]]:
    """The executions of a workflow, with their inputs."""
    states = stack.client("stepfunctions")
    listed = states.list_executions(stateMachineArn=stack.state_machine_arn)["executions"]
    described = [states.describe_execution(executionArn=item["executionArn"]) for item in listed]
    return [item for item in described if json.loads(item["input"])["workflowId"] == workflow_id]


def overhear(stack: LocalStack) -> None:
    """Let a queue of the tests' own hear of files what the start queue hears, and of executions what the topic hears."""
    events = stack.client("events")
    stack.client("sqs").create_queue(QueueName=OVERHEARD)
    target = {"Id": "own", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{OVERHEARD}"}
    for name in ("ArrivalRule", "CompletedExecutions"):
        pattern = events.describe_rule(Name=f"flowforge-local-{name}")["EventPattern"]
        events.put_rule(Name=f"overhear-{name}", EventPattern=pattern)
        events.put_targets(Rule=f"overhear-{name}", Targets=[target])


def overheard(stack: LocalStack, about: Callable[[Any], bool]) -> str:
    """The event whose detail is about something, as it was delivered."""
    sqs, url = stack.client("sqs"), url_of(stack, OVERHEARD)
    for _ in range(10):
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=3).get("Messages", []):
            if about(json.loads(message["Body"])["detail"]):
                return str(message["Body"])
    raise AssertionError("no such event was heard")


def only_execution(stack: LocalStack, workflow_id: str) -> dict[str, Any]:
    """Wait for the one execution of a workflow to end."""
    wait_until(lambda: [item["status"] for item in executions(stack, workflow_id)] not in ([], ["RUNNING"]))
    (found,) = executions(stack, workflow_id)
    assert found["status"] == "SUCCEEDED", found.get("cause")
    return found


def dead_letter(stack: LocalStack) -> dict[str, Any]:
    """Take the next message of the dead-letter queue."""
    sqs, url = stack.client("sqs"), url_of(stack, DEAD)
    for _ in range(10):
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=3, MessageAttributeNames=["All"])
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            attributes = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
            return {"body": message["Body"], **attributes}
    raise AssertionError("nothing came to the dead-letter queue")


def test_a_file_that_arrives_starts_one_execution_on_exactly_that_file(stack: LocalStack) -> None:
    define(stack, "wf_arriving")
    land(stack, "wf_arriving", "orders-old.csv")
    wait_until_handled(stack)
    define(stack, "wf_arriving", {"type": "arrival"})
    key, version = land(stack, "wf_arriving", "orders new é+.csv")
    found = only_execution(stack, "wf_arriving")
    assert found["stateMachineAliasArn"] == f"{stack.state_machine_arn}:live"
    assert found["stateMachineVersionArn"] == f"{stack.state_machine_arn}:1"
    plan = stack.lake().read(keys.plan_key(found["name"]))
    assert plan is not None
    (source,) = Plan.model_validate_json(plan[0]).jobs[0].sources
    assert (source.key, source.version_id) == (key, version)

    # S3 promises its events at least once: the same event once more starts nothing.
    send(stack, overheard(stack, lambda detail: detail.get("object", {}).get("key") == key))
    wait_until_handled(stack)
    assert [item["name"] for item in executions(stack, "wf_arriving")] == [found["name"]]


def test_an_execution_that_has_succeeded_is_told_with_what_started_it(stack: LocalStack) -> None:
    define(stack, "wf_heard", {"type": "arrival"})
    key, _ = land(stack, "wf_heard", "orders.csv")
    name = only_execution(stack, "wf_heard")["name"]
    event = json.loads(overheard(stack, lambda detail: detail.get("executionId") == name))
    assert (event["source"], event["detail-type"]) == ("flowforge", "Workflow Execution Completed")
    assert (event["detail"]["workflowId"], event["detail"]["status"]) == ("wf_heard", "succeeded")
    assert event["detail"]["trigger"] == {"type": "arrival", "detail": key}


def test_a_file_of_a_workflow_that_does_not_start_on_arrival_starts_nothing(stack: LocalStack) -> None:
    define(stack, "wf_quiet")
    define(stack, "wf_loud", {"type": "arrival"})
    land(stack, "wf_quiet", "orders.csv")
    land(stack, "wf_loud", "returns.csv")
    land(stack, "wf_loud", "orders.csv")
    only_execution(stack, "wf_loud")
    wait_until_handled(stack)
    assert executions(stack, "wf_quiet") == []


def test_a_schedule_fires_in_its_zone_and_starts_one_execution(stack: LocalStack, watch: Watch) -> None:
    define(stack, "wf_daily")
    land(stack, "wf_daily", "orders.csv")
    wait_until_handled(stack)
    assert executions(stack, "wf_daily") == []
    watch.ahead = NINE - datetime.now(UTC)
    found = only_execution(stack, "wf_daily")
    assert json.loads(found["input"])["trigger"] == {"type": "schedule", "detail": "2026-11-23T03:30:00Z"}


def test_a_wish_that_is_sent_twice_starts_one_execution(stack: LocalStack) -> None:
    define(stack, "wf_wished")
    land(stack, "wf_wished", "orders.csv")
    wish = StartRequest(workflow_id="wf_wished", idempotency_key="k", trigger=Trigger(type=TriggerType.MANUAL))
    send(stack, wish.to_json())
    send(stack, wish.to_json())
    assert only_execution(stack, "wf_wished")["name"] == execution_id(wish)
    send(stack, wish.to_json())
    wait_until_handled(stack)
    assert len(executions(stack, "wf_wished")) == 1


@pytest.mark.parametrize(
    ("body", "kind", "reason"),
    [
        ("poison", "ConfigFault", "the message is no JSON"),
        (
            '{"workflowId": "wf_nobody", "idempotencyKey": "k", "trigger": {"type": "manual"}}',
            "NotThere",
            "there is no workflow wf_nobody",
        ),
    ],
)
def test_a_message_that_can_never_be_done_is_put_aside_with_its_reason(
    stack: LocalStack, body: str, kind: str, reason: str
) -> None:
    send(stack, body)
    letter = dead_letter(stack)
    assert (letter["body"], letter["ErrorClass"]) == (body, kind)
    assert letter["Reason"].startswith(reason)
    wait_until_handled(stack)


def test_a_file_in_a_folder_that_is_nobodys_is_put_aside_as_the_event_that_it_was(stack: LocalStack) -> None:
    land(stack, "wf_misspelt", "orders.csv")
    letter = dead_letter(stack)
    assert json.loads(letter["body"])["detail"]["object"]["key"] == "landing/wf_misspelt/job_orders/orders.csv"
    assert letter["Reason"] == "there is no workflow wf_misspelt"
