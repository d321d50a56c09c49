"""SQS, SNS, EventBridge and S3 as tasks call them: arguments, results, and how failures are named."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from flowforge.local.states.execution import Execution
from flowforge.local.states.service import StatesService
from flowforge.local.states.service_integrations import service_integrations
from unit.local.states_lab import ROLE, Ended, ScriptedFunctions, single

Clients = Callable[[str], Any]
SQS = "arn:aws:states:::sqs:sendMessage"
SNS = "arn:aws:states:::sns:publish"
EVENTS = "arn:aws:states:::events:putEvents"
S3 = "arn:aws:states:::aws-sdk:s3:getObject"


@pytest.fixture
def clients(s3_url: str, aws: boto3.session.Session) -> Iterator[Clients]:
    made: list[Any] = []

    def make(service: str) -> Any:
        config = Config(proxies={}, retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        made.append(aws.client(service, endpoint_url=s3_url, config=config))  # type: ignore[call-overload]
        return made[-1]

    yield make
    for client in made:
        client.close()


def perform(clients: Clients, resource: str, arguments: Any, **fields: Any) -> Ended:
    """Run one task on the real clock."""
    functions = ScriptedFunctions({})

    async def main() -> Execution:
        service = StatesService([*service_integrations(clients), functions])
        definition = json.dumps(single({"Type": "Task", "Resource": resource, "Arguments": arguments, **fields}))
        machine = service.machines.create("Test", definition, ROLE)
        execution = service.start_execution(machine.arn, "{}", "run")
        assert execution.task is not None
        await execution.task
        return execution

    return Ended(asyncio.run(main()), functions)


def test_a_message_is_sent_as_text_or_as_json(clients: Clients) -> None:
    sqs = clients("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    ended = perform(clients, SQS, {"QueueUrl": url, "MessageBody": {"a": "{% 1 + 1 %}"}})
    assert ended.kinds == [
        "ExecutionStarted",
        *["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"],
        "ExecutionSucceeded",
    ]
    assert {"MessageId", "MD5OfMessageBody", "SdkHttpMetadata", "SdkResponseMetadata"} <= ended.output.keys()
    assert ended.output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert ended.details("TaskStarted") == [{"resourceType": "sqs", "resource": "sendMessage"}]
    perform(clients, SQS, {"QueueUrl": url, "MessageBody": "text"})
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert sorted(message["Body"] for message in received) == ["text", '{"a":2}']


def test_a_missing_queue_is_named_as_aws_names_it(clients: Clients) -> None:
    ended = perform(clients, SQS, {"QueueUrl": "http://127.0.0.1/000000000000/none", "MessageBody": "x"})
    error, cause = ended.failure
    assert error == "SQS.QueueDoesNotExistException"
    assert "(Service: AmazonSQS; Status Code: 400; Error Code: AWS.SimpleQueueService.NonExistentQueue; " in str(cause)
    assert str(cause).endswith("; Proxy: null)")
    assert ended.kinds[-2:] == ["TaskFailed", "ExecutionFailed"]


def test_an_argument_of_the_wrong_type_ends_the_execution(clients: Clients) -> None:
    error, cause = perform(clients, SQS, {"QueueUrl": 5, "MessageBody": "x"}).failure
    assert error == "States.Runtime"
    assert "could not be used to start the Task" in str(cause)
    assert perform(clients, SQS, "{% 'text' %}").failure[0] == "States.Runtime"


def test_a_message_is_published(clients: Clients) -> None:
    topic = clients("sns").create_topic(Name="told")["TopicArn"]
    ended = perform(clients, SNS, {"TopicArn": topic, "Message": {"a": 1}, "Subject": "News"})
    assert {"MessageId", "SdkHttpMetadata", "SdkResponseMetadata"} <= ended.output.keys()
    error, cause = perform(clients, SNS, {"TopicArn": f"{topic}-none", "Message": "x"}).failure
    assert error == "SNS.NotFoundException"
    assert "(Service: AmazonSNS; Status Code: 404; Error Code: NotFound" in str(cause)


def test_events_name_the_execution_that_put_them() -> None:
    put: list[Any] = []

    class Events:
        def put_events(self, **request: Any) -> Any:
            put.append(request)
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "e1"}], "ResponseMetadata": {"HTTPStatusCode": 200}}

    entry = {"Source": "some.source", "DetailType": "Told", "Detail": {"x": 1}, "Resources": ["r"]}
    ended = perform(lambda service: Events(), EVENTS, {"Entries": [entry]})  # noqa: ARG005 -- there is one service
    assert ended.output == {"FailedEntryCount": 0, "Entries": [{"EventId": "e1"}]}
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:Test"
    execution = "arn:aws:states:us-east-1:000000000000:execution:Test:run"
    assert put == [{"Entries": [{**entry, "Detail": '{"x":1}', "Resources": ["r", machine, execution]}]}]


def test_one_event_that_fails_fails_the_task(clients: Clients) -> None:
    good = {"Source": "some.source", "DetailType": "Told", "Detail": {}}
    ended = perform(clients, EVENTS, {"Entries": [good, {"DetailType": "Told", "Detail": {}}]})
    error, cause = ended.failure
    assert error == "EventBridge.FailedEntry"
    told = json.loads(str(cause))
    assert (told["FailedEntryCount"], [sorted(entry) for entry in told["Entries"]]) == (
        1,
        [["EventId"], ["ErrorCode", "ErrorMessage"]],
    )


def test_an_object_is_read_as_text(clients: Clients) -> None:
    s3 = clients("s3")
    s3.create_bucket(Bucket="readable")
    s3.put_object(Bucket="readable", Key="a", Body="text däta", Metadata={"k": "v"})
    ended = perform(clients, S3, {"Bucket": "readable", "Key": "a"})
    assert (ended.output["Body"], ended.output["ContentLength"], ended.output["Metadata"]) == ("text däta", 10, {"k": "v"})
    assert ended.output["LastModified"].endswith("Z")
    assert "SdkHttpMetadata" not in ended.output
    assert ended.details("TaskStarted") == [{"resourceType": "aws-sdk:s3", "resource": "getObject"}]


@pytest.mark.parametrize(
    ("bucket", "error"), [("readable", "S3.NoSuchKeyException"), ("no-such-bucket", "S3.NoSuchBucketException")]
)
def test_a_missing_object_is_named_as_aws_names_it(clients: Clients, bucket: str, error: str) -> None:
    clients("s3").create_bucket(Bucket="readable")
    ended = perform(clients, S3, {"Bucket": bucket, "Key": "none"})
    assert ended.failure[0] == error
    assert "(Service: S3, Status Code: 404, Request ID: " in str(ended.failure[1])


def test_an_object_above_the_limit_is_not_read(clients: Clients) -> None:
    s3 = clients("s3")
    s3.create_bucket(Bucket="readable")
    s3.put_object(Bucket="readable", Key="large", Body=b"x" * 300_000)
    error, cause = perform(clients, S3, {"Bucket": "readable", "Key": "large"}).failure
    assert error == "States.DataLimitExceeded"
    assert "'aws-sdk:s3'" in str(cause)


def test_a_service_that_cannot_be_reached_is_the_clients_error() -> None:
    class Unreachable:
        def send_message(self, **request: Any) -> Any:
            raise EndpointConnectionError(endpoint_url=request["QueueUrl"])

    ended = perform(lambda service: Unreachable(), SQS, {"QueueUrl": "http://no", "MessageBody": "x"})  # noqa: ARG005
    error, cause = ended.failure
    assert error == "SQS.SdkClientException"
    assert str(cause).startswith("Unable to execute HTTP request: ")


@pytest.mark.parametrize(
    ("resource", "arguments", "message"),
    [
        (SQS, {"QueueUrl": "x"}, "The field 'MessageBody' is required but was missing at /States/S/Arguments"),
        (SQS, {"QueueUrl": "x", "MessageBody": "", "Colour": 1}, "/States/S/Arguments/Colour"),
        (EVENTS, {}, "The field 'Entries' is required"),
        (S3, {"Bucket": "b"}, "The field 'Key' is required"),
        (f"{SQS}.waitForTaskToken", {}, "sendMessage.waitForTaskToken' is not supported"),
        ("arn:aws:states:::states:startExecution.sync", {}, "startExecution.sync' is not supported"),
        ("arn:aws:states:::aws-sdk:s3:putObject", {}, "putObject' is not supported"),
    ],
)
def test_arguments_and_resources_are_checked_when_the_machine_is_created(resource: str, arguments: Any, message: str) -> None:
    service = StatesService(service_integrations(lambda name: name))
    definition = single({"Type": "Task", "Resource": resource, "Arguments": arguments})
    with pytest.raises(Exception, match="InvalidDefinition") as refused:
        service.machines.create("Test", json.dumps(definition), ROLE)
    assert message in str(refused.value)
