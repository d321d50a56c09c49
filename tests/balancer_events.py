"""Requests as the load balancer hands them to the function, made of the sample events."""

import base64
import json
from pathlib import Path
from typing import Any

EVENTS = Path(__file__).parents[1] / "events"
TOKEN_IN_EVENTS = "Bearer TOKEN"


def sample(name: str, token: str = "") -> dict[str, Any]:
    """A sample event, ``web_{name}.json``, with a token in the place that is left for one."""
    event: dict[str, Any] = json.loads((EVENTS / f"web_{name}.json").read_text())
    if "authorization" in event["multiValueHeaders"]:
        assert event["multiValueHeaders"]["authorization"] == [TOKEN_IN_EVENTS]
        event["multiValueHeaders"]["authorization"] = [f"Bearer {token}"]
    return event


def request(token: str, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    """Any other request of whoever has the token, with JSON in it."""
    event = sample("upload", token)
    event |= {"httpMethod": method, "path": path, "body": "" if body is None else json.dumps(body)}
    event["multiValueHeaders"] |= {name.replace("_", "-"): [value] for name, value in headers.items()}
    return event


def answered(answer: dict[str, Any]) -> Any:
    """The JSON of an answer."""
    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"]
    return json.loads(body)
