"""How executions start: one queue in front of one function, and no edge on which a message can get lost."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from flowforge.lake.keys import landing_prefix
from flowforge.model.start import StartRequest, TriggerType

QUEUE = "StartRequests"
DEAD_LETTERS = "StartRequestsDlq"
FUNCTION = "StartExecution"
TELLING = {"FailedExecutions", "CompletedExecutions", "StepResultRule", "StatusChangeRule"}
"""Rules that tell of executions and start none."""
COMPARING = {"ReconcileSchedule"}
"""A schedule that makes up for what got lost; what it calls starts what was admitted already."""


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    return {name: item["Properties"] for name, item in template["Resources"].items() if item["Type"] == kind}


def queue_of(reference: Any) -> str:
    """The queue that an ARN in the template belongs to."""
    name, attribute = reference["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(name)


def asynchronous_edges(template: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Whatever is delivered without anybody waiting for it, and where it ends when it cannot be delivered."""
    for name, rule in of_type(template, "AWS::Events::Rule").items():
        for target in rule["Targets"]:
            yield f"{name}/{target['Id']}", target.get("DeadLetterConfig", {}).get("Arn")
    for name, schedule in of_type(template, "AWS::Scheduler::Schedule").items():
        yield name, schedule["Target"].get("DeadLetterConfig", {}).get("Arn")
    queues = of_type(template, "AWS::SQS::Queue")
    for name, function in of_type(template, "AWS::Serverless::Function").items():
        for event, source in function.get("Events", {}).items():
            assert source["Type"] == "SQS", f"{name}/{event}: add its kind here"
            queue = queue_of(source["Properties"]["Queue"])
            yield f"{name}/{event}", queues[queue].get("RedrivePolicy", {}).get("deadLetterTargetArn")
        if "EventInvokeConfig" in function:
            yield name, function["EventInvokeConfig"].get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    for name, subscription in of_type(template, "AWS::SNS::Subscription").items():
        # An e-mail address takes no dead letters: SNS tries for days, and the alarm's state stays to be seen.
        assert subscription["Protocol"] == "email", f"{name}: add its kind here"


def test_every_asynchronous_edge_has_a_dead_letter_queue(application: Mapping[str, Any]) -> None:
    edges = dict(asynchronous_edges(application))
    assert {"ArrivalRule/start-requests", "WorkflowSchedule", "StartExecution/StartRequests"} <= set(edges)
    queues = of_type(application, "AWS::SQS::Queue")
    for edge, dead_letters in edges.items():
        assert dead_letters is not None, edge
        assert "RedrivePolicy" not in queues[queue_of(dead_letters)], f"{edge}: a dead letter lies still"


def test_everything_that_starts_an_execution_sends_to_the_one_queue(application: Mapping[str, Any]) -> None:
    rules = of_type(application, "AWS::Events::Rule")
    targets = [target["Arn"] for name, rule in rules.items() if name not in TELLING for target in rule["Targets"]]
    schedules = of_type(application, "AWS::Scheduler::Schedule")
    targets += [schedule["Target"]["Arn"] for name, schedule in schedules.items() if name not in COMPARING]
    assert {queue_of(target) for target in targets} == {QUEUE}
    granted = [
        name
        for name, role in of_type(application, "AWS::IAM::Role").items()
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if "states:StartExecution" in statement["Action"]
    ]
    # The API goes on with executions; a first run is a wish there too.
    assert granted == [f"{FUNCTION}Role", "ReconcileRole", "WebRole"]


def test_the_queue_hides_a_message_six_times_as_long_as_its_function_runs(application: Mapping[str, Any]) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    timeout = application["Resources"][FUNCTION]["Properties"]["Timeout"]
    assert application["Resources"][QUEUE]["Properties"]["VisibilityTimeout"] >= 6 * timeout


def test_a_message_is_tried_more_than_once_and_a_dead_letter_outlives_its_queue_s_messages(
    application: Mapping[str, Any],
) -> None:
    queue, dead = (application["Resources"][name]["Properties"] for name in (QUEUE, DEAD_LETTERS))
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
    assert dead["MessageRetentionPeriod"] > queue["MessageRetentionPeriod"]


def test_only_messages_that_failed_come_again(application: Mapping[str, Any]) -> None:
    (source,) = application["Resources"][FUNCTION]["Properties"]["Events"].values()
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("queue", [QUEUE, DEAD_LETTERS])
def test_a_queue_is_encrypted_and_takes_messages_over_tls_from_the_rule_alone(application: Mapping[str, Any], queue: str) -> None:
    assert application["Resources"][queue]["Properties"]["SqsManagedSseEnabled"] is True
    policy = application["Resources"][f"{queue}Policy"]["Properties"]
    assert policy["Queues"] == [{"Ref": queue}]
    refuse, take = policy["PolicyDocument"]["Statement"]
    assert (refuse["Effect"], refuse["Action"]) == ("Deny", "sqs:*")
    assert refuse["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert take["Principal"] == {"Service": "events.amazonaws.com"}
    assert take["Action"] == "sqs:SendMessage"
    assert take["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["ArrivalRule", "Arn"]}}}


def test_the_function_may_do_exactly_what_it_does(application: Mapping[str, Any]) -> None:
    role = application["Resources"][f"{FUNCTION}Role"]["Properties"]
    assert role["ManagedPolicyArns"] == [{"Ref": "DatabasePolicy"}]
    (policy,) = [policy for policy in role["Policies"] if policy["PolicyName"] == "starting"]
    assert {policy["PolicyName"] for policy in role["Policies"]} == {"logs", "starting"}
    granted = {str(item["Resource"]): item["Action"] for item in policy["PolicyDocument"]["Statement"]}
    assert granted == {
        str({"Fn::GetAtt": [QUEUE, "Arn"]}): ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        str({"Fn::GetAtt": [DEAD_LETTERS, "Arn"]}): "sqs:SendMessage",
        str({"Ref": "Workflow"}): "states:StartExecution",
    }


def test_the_function_starts_the_alias_and_may_start_nothing_else(application: Mapping[str, Any]) -> None:
    # SAM's name for the alias that AutoPublishAlias publishes.
    alias = application["Resources"]["Workflow"]["Properties"]["AutoPublishAlias"]
    variables = application["Resources"][FUNCTION]["Properties"]["Environment"]["Variables"]
    assert variables["FLOWFORGE_STATE_MACHINE_ARN"] == {"Ref": f"WorkflowAlias{alias}"}
    (start,) = [
        statement
        for policy in application["Resources"][f"{FUNCTION}Role"]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "states:StartExecution"
    ]
    # https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
    assert start["Condition"] == {"ForAnyValue:StringEquals": {"states:StateMachineQualifier": [alias]}}


def test_the_rule_hears_of_landing_in_the_data_bucket_and_of_nothing_else(application: Mapping[str, Any]) -> None:
    pattern = application["Resources"]["ArrivalRule"]["Properties"]["EventPattern"]
    assert pattern["detail"]["bucket"]["name"] == [{"Ref": "DataBucketName"}]
    (matcher,) = pattern["detail"]["object"]["key"]
    assert landing_prefix("wf", "job").startswith(matcher["prefix"])
    assert matcher["prefix"].endswith("/")


def test_the_schedule_sends_a_wish_that_is_the_same_however_often_it_is_delivered(application: Mapping[str, Any]) -> None:
    target = application["Resources"]["WorkflowSchedule"]["Properties"]["Target"]
    text = target["Input"]["Fn::Sub"].replace("${ScheduledWorkflowId}", "wf_shop")
    wish = StartRequest.model_validate(json.loads(text))
    assert (wish.workflow_id, wish.trigger.type) == ("wf_shop", TriggerType.SCHEDULE)
    assert "<aws.scheduler.scheduled-time>" in wish.idempotency_key
    assert not [word for word in ("execution-id", "attempt-number") if word in text]


def test_a_stage_without_a_scheduled_workflow_has_its_schedule_switched_off(application: Mapping[str, Any]) -> None:
    schedule = application["Resources"]["WorkflowSchedule"]["Properties"]
    assert schedule["State"] == {"Fn::If": ["ScheduleIsOn", "ENABLED", "DISABLED"]}
    state, workflow = application["Conditions"]["ScheduleIsOn"]["Fn::And"]
    assert state == {"Fn::Equals": [{"Ref": "ScheduleState"}, "ENABLED"]}
    assert workflow == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ScheduledWorkflowId"}, "none"]}]}
    parameters = application["Parameters"]
    assert (parameters["ScheduledWorkflowId"]["Default"], parameters["ScheduleState"]["Default"]) == ("none", "DISABLED")


def test_the_schedule_s_role_is_for_this_account_s_schedules_and_the_two_queues(application: Mapping[str, Any]) -> None:
    role = application["Resources"]["WorkflowScheduleRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert "schedule-group" in str(trust["Condition"]["ArnEquals"]["aws:SourceArn"])
    (statement,) = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sqs:SendMessage"
    assert [queue_of(resource) for resource in statement["Resource"]] == [QUEUE, DEAD_LETTERS]
