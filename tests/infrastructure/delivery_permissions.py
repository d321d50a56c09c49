"""What EventBridge, Scheduler and CloudWatch need to deliver: policies of queues and topics, and the role of a schedule."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infrastructure.permission import Permission, as_list, of_type, permissions_in, text_of

EVENTS, CLOUDWATCH = "events.amazonaws.com", "cloudwatch.amazonaws.com"
ALARMS = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:flowforge-${Stage}-*"


class Delivery(NamedTuple):
    """A service that may do something to a queue or a topic, by the policy of that."""

    service: str
    permission: Permission


def deliveries(template: Mapping[str, Any]) -> set[Delivery]:
    """What the rules' targets, their dead-letter queues and the alarms need.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (targets by their own policies),
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html (dead letters),
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html (EventBridge states no source to an encrypted topic),
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html (alarms).
    """
    found = set()
    for rule, properties in of_type(template, "AWS::Events::Rule").items():
        for target in properties["Targets"]:
            found.add(_from_rule(template, rule, target["Arn"]))
            found.add(_from_rule(template, rule, target["DeadLetterConfig"]["Arn"]))
    account = "StringEquals aws:SourceAccount ${AWS::AccountId}"
    for alarm in of_type(template, "AWS::CloudWatch::Alarm").values():
        for topic in alarm["AlarmActions"]:
            permission = Permission("sns:Publish", text_of(topic), f"ArnLike aws:SourceArn {ALARMS} and {account}")
            found.add(Delivery(CLOUDWATCH, permission))
    return found


def _from_rule(template: Mapping[str, Any], rule: str, target: Mapping[str, Any]) -> Delivery:
    name = target["Ref"] if "Ref" in target else target["Fn::GetAtt"][0]
    kind = template["Resources"][name]["Type"]
    if kind == "AWS::SNS::Topic":
        assert "KmsMasterKeyId" in template["Resources"][name]["Properties"]
        return Delivery(EVENTS, Permission("sns:Publish", text_of(target)))
    assert kind == "AWS::SQS::Queue", f"{rule}: a target of type {kind}: add its row here"
    return Delivery(EVENTS, Permission("sqs:SendMessage", text_of(target), f"ArnEquals aws:SourceArn ${{{rule}.Arn}}"))


def allowed(template: Mapping[str, Any]) -> list[Delivery]:
    """What the policies of queues and topics let services do, each rule by itself."""
    found = []
    for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"):
        for policy in of_type(template, kind).values():
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Allow":
                    found += [Delivery(statement["Principal"]["Service"], item) for item in _by_source(statement)]
    return found


def _by_source(statement: Mapping[str, Any]) -> Iterator[Permission]:
    condition = statement.get("Condition", {})
    sources = as_list(condition.get("ArnEquals", {}).get("aws:SourceArn", []))
    if len(sources) < 2:
        yield from permissions_in(statement)
    for source in sources if len(sources) > 1 else []:
        yield from permissions_in({**statement, "Condition": {**condition, "ArnEquals": {"aws:SourceArn": source}}})


def key_uses(template: Mapping[str, Any]) -> dict[str, set[str]]:
    """What each service does with the key that encrypts log groups, topics and queues.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html,
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html,
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html.
    """
    found = {
        delivery.service: {"kms:Decrypt", "kms:GenerateDataKey"}
        for delivery in deliveries(template)
        if _encrypted(template, delivery)
    }
    if any("KmsKeyId" in group for group in of_type(template, "AWS::Logs::LogGroup").values()):
        data = {
            "Encrypt",
            "Decrypt",
            "ReEncryptFrom",
            "ReEncryptTo",
            "GenerateDataKey",
            "GenerateDataKeyWithoutPlaintext",
            "DescribeKey",
        }
        found["logs.${AWS::Region}.${AWS::URLSuffix}"] = {f"kms:{action}" for action in data}
    return found


def _encrypted(template: Mapping[str, Any], delivery: Delivery) -> bool:
    name = delivery.permission.resource.removeprefix("${").partition("}")[0].partition(".")[0]
    return "KmsMasterKeyId" in template["Resources"][name]["Properties"]


def scheduled(template: Mapping[str, Any], role: str) -> set[Permission]:
    """What the role of a schedule needs: to send to the target, and to the queue of dead letters.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html (execution role),
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html.
    """
    targets = [item["Target"] for item in of_type(template, "AWS::Scheduler::Schedule").values()]
    own = [target for target in targets if target["RoleArn"] == {"Fn::GetAtt": [role, "Arn"]}]
    return {
        Permission(_ACTIONS[_kind(template, arn)], text_of(arn))
        for target in own
        for arn in (target["Arn"], target["DeadLetterConfig"]["Arn"])
    }


_ACTIONS = {"AWS::SQS::Queue": "sqs:SendMessage", "AWS::Serverless::Function": "lambda:InvokeFunction"}


def _kind(template: Mapping[str, Any], arn: Mapping[str, Any]) -> str:
    """The type of what an ARN in the template belongs to; SAM's name for an alias ends with the alias."""
    name = arn["Fn::GetAtt"][0] if "Fn::GetAtt" in arn else arn["Ref"].removesuffix("Aliaslive")
    return str(template["Resources"][name]["Type"])
