"""What a state machine's role needs for what the states of its definition call."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flowforge.lake.keys import plan_key
from infrastructure.permission import BUCKET, Permission, listing, text_of
from infrastructure.wire_permissions import DECRYPT

ECS = "arn:${AWS::Partition}:ecs:${AWS::Region}:${AWS::AccountId}"


def called(template: Mapping[str, Any], definition: Mapping[str, Any]) -> set[Permission]:
    """The permissions for every task of the definition, its substitutions made by the template's state machine."""
    (machine,) = [
        item["Properties"] for item in template["Resources"].values() if item["Type"] == "AWS::Serverless::StateMachine"
    ]
    substitutions = machine["DefinitionSubstitutions"]
    return {item for state in tasks(definition["States"]) for item in _called(state, substitutions, template["Resources"])}


def tasks(states: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every task, those inside of maps too."""
    for state in states.values():
        if state["Type"] == "Task":
            yield state
        elif state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"]["States"])


def _called(state: Mapping[str, Any], substitutions: Mapping[str, Any], resources: Mapping[str, Any]) -> Iterator[Permission]:
    resource, arguments = state["Resource"], state["Arguments"]
    if resource == "arn:aws:states:::lambda:invoke":
        # https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html#lambda-iam
        yield Permission("lambda:InvokeFunction", text_of(substitutions[_name(arguments["FunctionName"])]))
    elif resource == "arn:aws:states:::ecs:runTask.sync":
        cluster = substitutions[_name(arguments["Cluster"])]["Fn::GetAtt"][0]
        definition = resources[substitutions[_name(arguments["TaskDefinition"])]["Ref"]]["Properties"]
        name = text_of(resources[cluster]["Properties"]["ClusterName"])
        yield from _task(arguments, definition, cluster=cluster, cluster_name=name)
    elif resource == "arn:aws:states:::aws-sdk:s3:getObject":
        # https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html: as if the role called the API.
        assert "$planKey" in arguments["Key"]
        folder = plan_key("execution").partition("/")[0]
        yield from (Permission("s3:GetObject", f"{BUCKET}/{folder}/*"), listing(folder), DECRYPT)
    else:
        raise AssertionError(f"{resource}: add its row here")


def _task(
    arguments: Mapping[str, Any], definition: Mapping[str, Any], *, cluster: str, cluster_name: str
) -> Iterator[Permission]:
    """To run a task, look at it and stop it: https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#ecs-iam.

    Every revision of the family, because an execution keeps the definition that it was started with. A task's own ARN is not
    known before, so all tasks of the cluster.
    """
    tasks_of_cluster = f"{ECS}:task/{cluster_name}/*"
    in_the_cluster = f"ArnEquals ecs:cluster ${{{cluster}.Arn}}"
    yield Permission("ecs:RunTask", f"{ECS}:task-definition/{text_of(definition['Family'])}:*", in_the_cluster)
    yield from (Permission(action, tasks_of_cluster) for action in ("ecs:DescribeTasks", "ecs:StopTask"))
    for role in ("TaskRoleArn", "ExecutionRoleArn"):
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security_iam_troubleshoot.html (iam:PassRole)
        yield Permission("iam:PassRole", text_of(definition[role]), "StringEquals iam:PassedToService ecs-tasks.amazonaws.com")
    if {"PropagateTags", "Tags"} & set(arguments):
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
        yield Permission("ecs:TagResource", tasks_of_cluster, "StringEquals ecs:CreateAction RunTask")


def _name(placeholder: str) -> str:
    found = re.fullmatch(r"\$\{(\w+)\}", placeholder)
    assert found is not None, placeholder
    return found[1]
