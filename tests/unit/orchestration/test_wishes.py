"""From a message to a wish: what is understood, what is nobody's, and what is refused with which words."""

import json
from typing import Any

import pytest

from flowforge.model.errors import ConfigFault
from flowforge.model.start import StartRequest, Trigger, TriggerType, TurnRequest
from flowforge.model.workflow import Workflow, read_workflow
from flowforge.orchestration.run_requests import execution_id
from flowforge.orchestration.wishes import read_wish

BUCKET = "flowforge-data"
WISH = {"workflowId": "wf_shop", "idempotencyKey": "k", "trigger": {"type": "manual"}}
JOBS = [
    {"id": "job_orders", "name": "Orders", "sourceConfig": {"fileConfig": {"filePattern": "orders*.csv"}}},
    {"id": "job_customers", "name": "Customers"},
]
ANY = {"type": "arrival"}
ORDERS = {"type": "arrival", "jobId": "job_orders"}


def read(message: str, *triggers: dict[str, str]) -> StartRequest | None:
    """The wish of a message, on a stage that has one workflow."""
    workflow = read_workflow({"id": "wf_shop", "name": "Shop", "triggers": list(triggers), "jobs": JOBS}, origin="the test")

    def definitions(workflow_id: str) -> Workflow:
        if workflow_id != workflow.id:
            raise ConfigFault(f"there is no workflow {workflow_id}")
        return workflow

    wish = read_wish(message, BUCKET, definitions)
    assert not isinstance(wish, TurnRequest)
    return wish


def arrival(key: str, **of_object: Any) -> str:
    """The event of a file, with fields of which nobody here knows."""
    told = {"key": key, "size": 5, "etag": "e1", "version-id": "v1", "sequencer": "001", **of_object}
    detail = {"version": "0", "bucket": {"name": BUCKET}, "object": told, "reason": "PutObject"}
    return json.dumps({"version": "0", "id": "1", "detail-type": "Object Created", "source": "aws.s3", "detail": detail})


def test_a_wish_is_read_as_it_was_written() -> None:
    wish = read(json.dumps({**WISH, "schemaVersion": 1, "files": {"job_orders": ["a", "b"]}}))
    assert wish == StartRequest(
        workflow_id="wf_shop",
        files={"job_orders": ("a", "b")},
        idempotency_key="k",
        trigger=Trigger(type=TriggerType.MANUAL),
    )


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("", "the message is no JSON"),
        ("run it", "the message is no JSON"),
        ("[]", "the wish: "),
        ('"wf_shop"', "the wish: "),
        (json.dumps({**WISH, "workflowId": "../x"}), "the wish: workflowId: "),
        (json.dumps({**WISH, "idempotencyKey": ""}), "the wish: idempotencyKey: "),
        (json.dumps({**WISH, "colour": 1}), "the wish: colour: unknown here, or not supported by this version"),
        (json.dumps({**WISH, "schemaVersion": 2}), "the wish: schemaVersion: "),
        (json.dumps({**WISH, "trigger": {"type": "whim"}}), "the wish: trigger.type: "),
        (json.dumps({"workflowId": "wf_shop"}), "the wish: idempotencyKey: Field required; trigger: Field required"),
        (json.dumps({"detail-type": "Object Deleted", "source": "aws.s3", "detail": {}}), "the event: detail-type: "),
    ],
)
def test_what_is_not_understood_is_named(message: str, told: str) -> None:
    with pytest.raises(ConfigFault) as caught:
        read(message)
    assert str(caught.value).startswith(told)


def test_a_file_of_a_workflow_that_starts_on_arrival_is_a_wish_for_exactly_that_file() -> None:
    key = "landing/wf_shop/job_orders/orders a+é.csv"
    wish = read(arrival(key), ANY)
    assert wish is not None
    assert (wish.workflow_id, wish.files) == ("wf_shop", {"job_orders": (key,)})
    assert wish.trigger == Trigger(type=TriggerType.ARRIVAL, detail=key)


@pytest.mark.parametrize(
    ("triggers", "key", "starts"),
    [
        ((), "landing/wf_shop/job_orders/orders.csv", False),
        ((ORDERS,), "landing/wf_shop/job_orders/orders.csv", True),
        ((ORDERS,), "landing/wf_shop/job_customers/c.csv", False),
        ((ANY,), "landing/wf_shop/job_customers/c.csv", True),
        ((ANY,), "landing/wf_shop/job_orders/returns.csv", False),
        ((ANY,), "landing/wf_shop/job_orders/", False),
        ((ANY,), "landing/wf_shop/job_orders/archive/orders.csv", False),
        ((ANY,), "landing/wf_shop/orders.csv", False),
        ((ANY,), "landing/orders.csv", False),
        ((), "landing/wf_shop/job_nobody/orders.csv", False),
    ],
)
def test_only_files_that_a_job_reads_and_a_trigger_names_start_something(
    triggers: tuple[dict[str, str], ...], key: str, starts: bool
) -> None:
    assert (read(arrival(key), *triggers) is not None) == starts


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("landing/wf_gone/job_orders/orders.csv", "there is no workflow wf_gone"),
        ("landing/wf_shop/job_ordres/orders.csv", "workflow wf_shop has no job job_ordres; it has job_orders, job_customers"),
    ],
)
def test_a_file_in_a_folder_that_is_nobodys_is_told_with_the_folders_there_are(key: str, told: str) -> None:
    with pytest.raises(ConfigFault, match=told):
        read(arrival(key), ANY)


def test_an_event_of_another_bucket_is_refused() -> None:
    event = arrival("landing/wf_shop/job_orders/orders.csv").replace(BUCKET, "elsewhere")
    with pytest.raises(ConfigFault, match="of the bucket elsewhere"):
        read(event, ANY)


def test_an_event_that_comes_twice_is_one_wish_and_another_version_another() -> None:
    key = "landing/wf_shop/job_orders/orders.csv"

    def name(**of_object: Any) -> str:
        wish = read(arrival(key, **of_object), ANY)
        assert wish is not None
        return execution_id(wish)

    without = {"version-id": None}
    assert name() == name() == name(sequencer="002")
    names = [name(), name(**{"version-id": "v2"}), name(**without), name(**without, sequencer="002"), name(**without, etag="e2")]
    assert len(set(names)) == len(names)
