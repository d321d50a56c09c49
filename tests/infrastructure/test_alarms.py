"""What tells somebody that a stage is unwell: alarms for everything that runs, and a message for every failed execution."""

from collections.abc import Mapping
from typing import Any

import pytest

from flowforge.model.completion import DETAIL_TYPE, SOURCE

PREFIX = "flowforge-${Stage}-"
# As functions/record_event counts them.
NAMESPACE, METRIC = "FlowForge", "Escalations"
NOT_SUCCEEDED = ["FAILED", "TIMED_OUT", "ABORTED"]
# Duration is counted in milliseconds, Timeout in seconds.
NEAR = 0.8 * 1000


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Mapping[str, Any]]:
    return {name: item["Properties"] for name, item in template["Resources"].items() if item["Type"] == kind}


@pytest.fixture
def alarms(application: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return of_type(application, "AWS::CloudWatch::Alarm")


def watching(alarms: Mapping[str, Mapping[str, Any]], metric: str, reference: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one alarm that watches a metric of something."""
    (found,) = [
        alarm
        for alarm in alarms.values()
        if alarm["MetricName"] == metric and [dimension["Value"] for dimension in alarm["Dimensions"]] == [reference]
    ]
    return found


def test_every_alarm_has_a_name_of_its_stage_and_reaches_the_topic(alarms: Mapping[str, Mapping[str, Any]]) -> None:
    names = [alarm["AlarmName"]["Fn::Sub"] for alarm in alarms.values()]
    assert len(set(names)) == len(names)
    for name, alarm in alarms.items():
        assert alarm["AlarmName"]["Fn::Sub"].startswith(PREFIX), name
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name
        assert alarm["TreatMissingData"] == "notBreaching", name


@pytest.mark.parametrize("metric", ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"])
def test_one_execution_that_does_not_succeed_is_an_alarm(alarms: Mapping[str, Mapping[str, Any]], metric: str) -> None:
    alarm = watching(alarms, metric, {"Ref": "Workflow"})
    assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == ("Sum", "GreaterThanThreshold", 0)


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_one_error_or_throttled_call_of_any_function_is_an_alarm(
    application: Mapping[str, Any], alarms: Mapping[str, Mapping[str, Any]], metric: str
) -> None:
    for function in of_type(application, "AWS::Serverless::Function"):
        alarm = watching(alarms, metric, {"Ref": function})
        assert (alarm["Statistic"], alarm["ComparisonOperator"], alarm["Threshold"]) == ("Sum", "GreaterThanThreshold", 0)


def test_a_call_of_any_function_that_nearly_ran_out_of_time_is_an_alarm(
    application: Mapping[str, Any], alarms: Mapping[str, Mapping[str, Any]]
) -> None:
    for name, function in of_type(application, "AWS::Serverless::Function").items():
        alarm = watching(alarms, "Duration", {"Ref": name})
        assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", function["Timeout"] * NEAR)


def test_a_wish_that_waits_or_was_put_aside_is_an_alarm(alarms: Mapping[str, Mapping[str, Any]]) -> None:
    aside = watching(alarms, "ApproximateNumberOfMessagesVisible", {"Fn::GetAtt": ["StartRequestsDlq", "QueueName"]})
    assert (aside["Statistic"], aside["Threshold"]) == ("Maximum", 0)
    waiting = watching(alarms, "ApproximateAgeOfOldestMessage", {"Fn::GetAtt": ["StartRequests", "QueueName"]})
    assert (waiting["Statistic"], waiting["Threshold"]) == ("Maximum", 900)


def test_every_dead_letter_queue_is_watched(application: Mapping[str, Any], alarms: Mapping[str, Mapping[str, Any]]) -> None:
    for queue in of_type(application, "AWS::SQS::Queue"):
        if queue.endswith("Dlq"):
            watching(alarms, "ApproximateNumberOfMessagesVisible", {"Fn::GetAtt": [queue, "QueueName"]})


def test_a_step_that_moved_to_fargate_is_an_alarm(alarms: Mapping[str, Mapping[str, Any]]) -> None:
    alarm = watching(alarms, METRIC, {"Ref": "Stage"})
    assert (alarm["Namespace"], alarm["Statistic"], alarm["Threshold"]) == (NAMESPACE, "Sum", 0)


def test_every_execution_that_does_not_succeed_is_told(application: Mapping[str, Any]) -> None:
    rule = of_type(application, "AWS::Events::Rule")["FailedExecutions"]
    assert rule["EventPattern"]["detail"] == {"stateMachineArn": [{"Ref": "Workflow"}], "status": NOT_SUCCEEDED}
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Ref": "AlarmTopic"}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["NotificationsDlq", "Arn"]}}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0


def test_every_completed_execution_of_the_stage_is_told_on_a_topic_of_its_own(application: Mapping[str, Any]) -> None:
    rule = of_type(application, "AWS::Events::Rule")["CompletedExecutions"]
    detail = {"stage": [{"Ref": "Stage"}]}
    assert rule["EventPattern"] == {"source": [SOURCE], "detail-type": [DETAIL_TYPE], "detail": detail}
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Ref": "CompletionTopic"}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["NotificationsDlq", "Arn"]}}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    # Programs subscribe; nobody is sent an e-mail for every run.
    assert [item["TopicArn"] for item in of_type(application, "AWS::SNS::Subscription").values()] == [{"Ref": "AlarmTopic"}]


def test_what_could_not_be_told_is_kept_and_is_an_alarm(
    application: Mapping[str, Any], alarms: Mapping[str, Mapping[str, Any]]
) -> None:
    queue = of_type(application, "AWS::SQS::Queue")["NotificationsDlq"]
    assert queue["KmsMasterKeyId"] == {"Ref": "OperationsKeyArn"}
    watching(alarms, "ApproximateNumberOfMessagesVisible", {"Fn::GetAtt": ["NotificationsDlq", "QueueName"]})


def test_the_topic_of_completed_executions_is_encrypted_and_takes_events_only(application: Mapping[str, Any]) -> None:
    assert of_type(application, "AWS::SNS::Topic")["CompletionTopic"]["KmsMasterKeyId"] == {"Ref": "OperationsKeyArn"}
    statements = of_type(application, "AWS::SNS::TopicPolicy")["CompletionTopicPolicy"]["PolicyDocument"]["Statement"]
    allowed = [statement["Principal"] for statement in statements if statement["Effect"] == "Allow"]
    assert allowed == [{"Service": "events.amazonaws.com"}]


def test_the_topic_is_encrypted_and_takes_messages_of_alarms_and_events_only(application: Mapping[str, Any]) -> None:
    assert of_type(application, "AWS::SNS::Topic")["AlarmTopic"]["KmsMasterKeyId"] == {"Ref": "OperationsKeyArn"}
    statements = of_type(application, "AWS::SNS::TopicPolicy")["AlarmTopicPolicy"]["PolicyDocument"]["Statement"]
    senders = {statement["Principal"]["Service"] for statement in statements if statement["Effect"] == "Allow"}
    assert senders == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    (alarm_source,) = [
        statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
        for statement in statements
        if statement["Sid"] == "TakeAlarms"
    ]
    assert alarm_source.endswith(f":alarm:{PREFIX}*")


def test_an_address_is_subscribed_only_where_one_is_given(application: Mapping[str, Any]) -> None:
    assert application["Parameters"]["AlarmEmail"]["Default"] == "none"
    assert application["Resources"]["AlarmEmailSubscription"]["Condition"] == "ReportByEmail"
