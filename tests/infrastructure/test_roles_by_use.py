"""Every role grants what its user really asks for, what AWS asks for with it, and nothing else."""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from sqlalchemy import make_url

from databases import Server
from flowforge.lake.lake import Lake
from flowforge.local.http_server import BackgroundServer
from flowforge.local.states.api import states_route
from flowforge.local.states.service import StatesService
from flowforge.metadata.database import Database
from flowforge.model.step import Step
from infrastructure.delivery_permissions import allowed, deliveries, key_uses, scheduled
from infrastructure.permission import NOTHING, Permission, as_list, difference, granted, of_type, statements, text_of
from infrastructure.recorded_requests import CONTROL_PLANE, asked_by_steps, handler_of, store_workflow
from infrastructure.state_machine_permissions import called
from infrastructure.unrecorded_permissions import UNRECORDED, unrecorded
from infrastructure.wire_permissions import needed
from lab import REGION, Lab, create_bucket
from s3_proxy import faulty_proxy
from unit.local.states_lab import ROLE

Needs = dict[str, set[Permission]]
STEP_ROLES = {
    Step.BRONZE_INGEST: "BronzeIngestRole",
    Step.SILVER_TRANSFORM: "SilverTransformRole",
    Step.GOLD_PUBLISH: "GoldPublishRole",
}
SCHEDULE_ROLES = ("WorkflowScheduleRole", "ReconcileScheduleRole")
MACHINE = {
    "QueryLanguage": "JSONata",
    "StartAt": "Long",
    "States": {
        "Long": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $exists($states.input.rebuild) %}", "Next": "Wait"}],
            "Default": "End",
        },
        "Wait": {"Type": "Wait", "Seconds": 3600, "Next": "End"},
        "End": {"Type": "Succeed"},
    },
}
"""A rebuild goes on, everything else has ended at once."""
SURPLUS = Permission("s3:DeleteObjectVersion", "*")
ROLES = (
    *STEP_ROLES.values(),
    *(f"{name}Role" for name in CONTROL_PLANE),
    "WorkerRole",
    "WorkerExecutionRole",
    "WorkflowRole",
    *SCHEDULE_ROLES,
)


@pytest.fixture(scope="module")
def asked_by_functions(s3_url: str, aws: boto3.session.Session, postgres: Server) -> Needs:
    """What each function of the control plane asked S3, SQS, Step Functions and EventBridge for."""
    service = StatesService([])
    states = BackgroundServer([states_route(service)], service.close)
    machines = aws.client("stepfunctions", endpoint_url=states.endpoint)
    created = machines.create_state_machine(name="Workflow", definition=json.dumps(MACHINE), roleArn=ROLE, publish=True)
    alias = machines.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": created["stateMachineVersionArn"], "weight": 100}]
    )["stateMachineAliasArn"]
    sqs = aws.client("sqs", endpoint_url=s3_url)
    queue, dead = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("StartRequests", "StartRequestsDlq"))
    names = {"Workflow": "${Workflow}", "StartRequests": "${StartRequests.Arn}", "StartRequestsDlq": "${StartRequestsDlq.Arn}"}
    found = {}
    with (
        faulty_proxy(s3_url) as proxy,
        faulty_proxy(states.endpoint) as before_states,
        pytest.MonkeyPatch.context() as patch,
    ):
        lab = Lab(Lake.connect("data-roles-control", aws, endpoint_url=s3_url))
        create_bucket(lab.lake)
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": proxy.url,
            "AWS_ENDPOINT_URL_SFN": before_states.url,
            "FLOWFORGE_DATA_BUCKET": lab.lake.bucket,
            "FLOWFORGE_STAGE": "dev",
            "FLOWFORGE_STATE_MACHINE_ARN": alias,
            "DATABASE_URL": make_url(postgres.url).set(database=postgres.copy()).render_as_string(hide_password=False),
            "FLOWFORGE_START_REQUESTS_URL": queue,
            "FLOWFORGE_START_REQUESTS_DLQ_URL": dead,
        }.items():
            patch.setenv(name, value)
        for function, act in CONTROL_PLANE.items():
            with postgres.opened(postgres.copy(), pool_size=4) as database, pytest.MonkeyPatch.context() as found_by:
                found_by.setattr(Database, "from_environment", lambda database=database: database)
                store_workflow(lab)
                proxy.seen.clear()
                act(lab, handler_of(re.sub(r"(?<!^)(?=[A-Z])", "_", function).lower()))
            found[f"{function}Role"] = needed([*proxy.seen, *before_states.seen], names)
            before_states.seen.clear()
    machines.close()
    states.close()
    return found


@pytest.fixture(scope="module")
def needs(
    application: Mapping[str, Any],
    state_machine: Mapping[str, Any],
    s3_url: str,
    aws: boto3.session.Session,
    asked_by_functions: Needs,
) -> Needs:
    """Everything that each role has to grant."""
    with faulty_proxy(s3_url) as proxy:
        steps = asked_by_steps(proxy, aws)
    found = asked_by_functions | {STEP_ROLES[step]: asked for step, asked in steps.items()}
    # Any step runs on the worker.
    found["WorkerRole"] = set().union(*steps.values())
    found["WorkflowRole"] = called(application, state_machine)
    found |= {role: scheduled(application, role) for role in SCHEDULE_ROLES}
    return {role: found.get(role, set()) | unrecorded(role) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_grants_exactly_what_its_user_needs(application: Mapping[str, Any], needs: Needs, role: str) -> None:
    assert difference(granted(application, role), needs[role]) == NOTHING


def test_every_role_of_the_template_is_compared(application: Mapping[str, Any]) -> None:
    assert set(ROLES) == set(of_type(application, "AWS::IAM::Role"))


@pytest.mark.parametrize("role", ROLES)
def test_a_permission_that_is_taken_away_is_missed(application: Mapping[str, Any], needs: Needs, role: str) -> None:
    tried = 0
    for number, statement in enumerate(statements(application, role)):
        for action in as_list(statement["Action"]):
            changed = without(application, role, number, action)
            missing = difference(granted(changed, role), needs[role]).missing
            assert {permission.action for permission in missing} == {action}, (statement["Sid"], action)
            tried += 1
    assert tried


@pytest.mark.parametrize("role", ROLES)
def test_a_permission_that_nobody_needs_is_noticed(application: Mapping[str, Any], needs: Needs, role: str) -> None:
    changed = copy.deepcopy(dict(application))
    first = next(statements(changed, role))
    document = {"Statement": [{"Effect": "Allow", "Action": SURPLUS.action, "Resource": SURPLUS.resource}, first]}
    changed["Resources"][role]["Properties"].setdefault("Policies", []).append({"PolicyDocument": document})
    found = difference(granted(changed, role), needs[role])
    # The one that is new, and what is granted twice.
    assert (found.missing, found.surplus[0]) == (set(), SURPLUS)
    assert len(found.surplus) > 1


@pytest.mark.parametrize("role", ROLES)
def test_a_condition_that_is_dropped_is_noticed(application: Mapping[str, Any], needs: Needs, role: str) -> None:
    for number, statement in enumerate(statements(application, role)):
        if "Condition" in statement:
            changed = copy.deepcopy(dict(application))
            del list(statements(changed, role))[number]["Condition"]  # type: ignore[attr-defined]
            found = difference(granted(changed, role), needs[role])
            assert found.missing, statement["Sid"]
            assert found.surplus, statement["Sid"]


def test_the_policies_of_queues_and_topics_let_in_exactly_what_delivers_to_them(application: Mapping[str, Any]) -> None:
    has = allowed(application)
    assert set(has) == deliveries(application)
    assert len(set(has)) == len(has)


@pytest.mark.parametrize(
    "policy",
    [
        "StartRequestsPolicy",
        "StartRequestsDlqPolicy",
        "RunEventsPolicy",
        "RunEventsDlqPolicy",
        "AlarmTopicPolicy",
        "NotificationsDlqPolicy",
    ],
)
def test_a_policy_that_lets_in_nobody_is_missed(application: Mapping[str, Any], policy: str) -> None:
    changed = copy.deepcopy(dict(application))
    document = changed["Resources"][policy]["Properties"]["PolicyDocument"]
    document["Statement"] = [statement for statement in document["Statement"] if statement["Effect"] == "Deny"]
    assert set(allowed(changed)) < deliveries(changed)


def test_the_operations_key_lets_in_exactly_the_services_that_encrypt_with_it(
    application: Mapping[str, Any], foundation: Mapping[str, Any]
) -> None:
    policy = foundation["Resources"]["OperationsKey"]["Properties"]["KeyPolicy"]
    let_in = {
        text_of(statement["Principal"]["Service"]): set(as_list(statement["Action"]))
        for statement in policy["Statement"]
        if "Service" in statement["Principal"]
    }
    assert let_in == key_uses(application)


def test_what_is_not_recorded_names_a_role_that_there_is_and_a_page_or_a_reason_once() -> None:
    for entry in UNRECORDED:
        assert entry.role in ROLES
        assert entry.source.startswith("https://docs.aws.amazon.com/") or len(entry.source.split()) > 8
    assert len({entry[:2] for entry in UNRECORDED}) == len(UNRECORDED)


def test_no_function_needs_a_tracer_and_only_those_with_a_database_an_interface(application: Mapping[str, Any]) -> None:
    # They need permissions of their own: AWSXRayDaemonWriteAccess, AWSLambdaVPCAccessExecutionRole.
    in_network = {name for name, item in of_type(application, "AWS::Serverless::Function").items() if "VpcConfig" in item}
    assert {f"{name}Role" for name in in_network} == {
        entry.role for entry in UNRECORDED if entry.permission.action == "ec2:CreateNetworkInterface"
    }
    for kind in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine"):
        for name, properties in of_type(application, kind).items():
            assert not {"Tracing", "DeadLetterQueue", "EventInvokeConfig"} & set(properties), name


def without(template: Mapping[str, Any], role: str, number: int, action: str) -> dict[str, Any]:
    """The template with one action less in one statement of a role."""
    changed = copy.deepcopy(dict(template))
    statement: Any = list(statements(changed, role))[number]
    statement["Action"] = [kept for kept in as_list(statement["Action"]) if kept != action]
    return changed
