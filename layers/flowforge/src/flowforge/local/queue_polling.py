"""The event-source mapping of queues: batches of messages to a function, and what becomes of them afterwards."""

import base64
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from flowforge.local.cloudformation import REGION
from flowforge.local.functions import FunctionBackend, TooManyRequestsError
from flowforge.local.sandbox import Outcome
from flowforge.local.template import QueueMapping

# Lambda polls for twenty; the emulator does not end before the polls that it holds, and the stack waits for it.
_LONG_POLL_SECONDS = 1
_LARGEST_RECEIVE = 10
_PAUSE_SECONDS = 0.5
logger = logging.getLogger(__name__)
Message = Mapping[str, Any]


class QueuePoller:
    """Receives from one queue on a thread and calls a function with what it got; ends with ``close``.

    A batch that failed, and a message that was reported as failed, is left alone: it comes back after the queue's
    visibility timeout, with a higher receive count, or goes where the queue's redrive policy sends it.
    """

    def __init__(self, function: str, mapping: QueueMapping, functions: FunctionBackend, client: Callable[[str], Any]) -> None:
        self._function = function
        self._mapping = mapping
        self._functions = functions
        self._client = client
        self._closing = threading.Event()
        self._places = threading.BoundedSemaphore(mapping.concurrency)
        self._batches = ThreadPoolExecutor(mapping.concurrency, thread_name_prefix=f"batch-of-{function}")
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"poll-for-{function}")
        self._thread.start()

    def close(self) -> None:
        """Take no further messages. A long poll under way ends with the emulator or by itself; nobody waits for it."""
        self._closing.set()
        self._batches.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        sqs: Any = None
        url = ""
        while not self._closing.is_set():
            try:
                if sqs is None:
                    sqs = self._client("sqs")
                    url = sqs.get_queue_url(QueueName=self._mapping.queue_arn.rsplit(":", 1)[1])["QueueUrl"]
                self._poll(sqs, url)
            except (BotoCoreError, ClientError) as error:
                if not self._closing.is_set():
                    logger.warning("%s could not be polled for %s: %s", url, self._function, error)
                    self._closing.wait(_PAUSE_SECONDS)

    def _poll(self, sqs: Any, url: str) -> None:
        if not self._places.acquire(timeout=_PAUSE_SECONDS):
            return
        batch: list[Message] = []
        try:
            batch = self._collect(sqs, url)
            if batch and not self._closing.is_set():
                self._batches.submit(self._handle, sqs, url, batch)
                batch = []
                return
        except BaseException:
            self._places.release()
            raise
        self._places.release()
        if batch:
            _give_back(sqs, url, batch)

    def _collect(self, sqs: Any, url: str) -> list[Message]:
        """The messages of one batch: as many as it may hold, or as came within the window after the first."""
        batch: list[Message] = []
        deadline = 0.0
        while len(batch) < self._mapping.batch_size and not self._closing.is_set():
            left = _LONG_POLL_SECONDS if not batch else deadline - time.monotonic()
            if batch and left <= 0:
                break
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(_LARGEST_RECEIVE, self._mapping.batch_size - len(batch)),
                # The service waits whole seconds; a rest below one ends the batch a little late.
                WaitTimeSeconds=min(_LONG_POLL_SECONDS, max(1, int(left))),
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            if messages and not batch:
                deadline = time.monotonic() + self._mapping.window_seconds
            batch += messages
            if not batch:
                return []
        return batch

    def _handle(self, sqs: Any, url: str, batch: Sequence[Message]) -> None:
        try:
            event = {"Records": [_record(message, self._mapping.queue_arn) for message in batch]}
            outcome = self._functions.invoke(self._function, json.dumps(event).encode())
            done = handled(batch, outcome, reports_item_failures=self._mapping.reports_item_failures)
            if len(done) < len(batch):
                failed = len(batch) - len(done)
                logger.warning("%s failed on %d of %d messages", self._function, failed, len(batch))
            for start in range(0, len(done), _LARGEST_RECEIVE):
                entries = [
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(done[start : start + _LARGEST_RECEIVE])
                ]
                sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        except TooManyRequestsError:
            logger.warning("%s was throttled; %d messages come back later", self._function, len(batch))
        except (BotoCoreError, ClientError, RuntimeError) as error:
            # RuntimeError: the function host was closed meanwhile. In every case the messages come back.
            if not self._closing.is_set():
                logger.warning("a batch for %s was not finished: %s", self._function, error)
        finally:
            self._places.release()


def handled(batch: Sequence[Message], outcome: Outcome, *, reports_item_failures: bool) -> list[Message]:
    """The messages of a batch that are done, by what the function answered.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html: an answer that names no failures is
    success; one that names them wrongly is the failure of the whole batch.
    """
    if outcome.error is not None:
        return []
    if not reports_item_failures:
        return list(batch)
    document = json.loads(outcome.payload) if outcome.payload else None
    failures = document.get("batchItemFailures") if isinstance(document, dict) else None
    if not failures:
        return list(batch)
    known = {message["MessageId"] for message in batch}
    failed = {item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures}
    return [message for message in batch if message["MessageId"] not in failed] if failed <= known else []


def _give_back(sqs: Any, url: str, batch: Sequence[Message]) -> None:
    for message in batch:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)


def _record(message: Message, queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        found["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        found["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return found
