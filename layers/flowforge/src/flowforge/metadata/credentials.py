"""The user and password of the database, from Secrets Manager, kept until a login fails with them."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flowforge.model.errors import ConfigFault, RetryLater

TIMEOUT_SECONDS = 5
THROTTLED = frozenset(
    {"ThrottlingException", "TooManyRequestsException", "InternalServiceError", "InternalServiceErrorException"}
)
FIRST_SERVER_ERROR = 500


@dataclass(frozen=True)
class Credentials:
    """A login. The password is in no representation of it."""

    user: str
    password: str = field(repr=False)


class SecretCredentials:
    """The login that a secret of RDS's form holds: a JSON object with ``username`` and ``password``.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html. Safe to use from threads.
    """

    def __init__(self, secret_arn: str, fetch: Callable[[str], str] | None = None) -> None:
        self._secret_arn = secret_arn
        self._fetch = fetch or fetch_secret
        self._lock = threading.Lock()
        self._known: Credentials | None = None

    def current(self) -> Credentials:
        """The login as it was last read. Raises ConfigFault or RetryLater where it has to be read and cannot."""
        with self._lock:
            if self._known is None:
                self._known = self._read()
            return self._known

    def after_failure_of(self, failed: Credentials) -> Credentials:
        """The login to try when one was refused: of the threads that it was refused, one reads the secret again."""
        with self._lock:
            if self._known == failed:
                self._known = self._read()
            return self._known or self._read()

    def _read(self) -> Credentials:
        try:
            document = json.loads(self._fetch(self._secret_arn))
            return Credentials(str(document["username"]), str(document["password"]))
        except (ValueError, KeyError, TypeError):
            # The secret's text must reach no message, so the error that quotes it is left out.
            raise ConfigFault(
                f"the secret {self._secret_arn} is no JSON object with username and password", option="secret"
            ) from None


def fetch_secret(secret_arn: str) -> str:
    """The text of a secret. Raises ConfigFault where there is none or it is refused, RetryLater where the service is busy."""
    config = Config(
        retries={"mode": "standard", "max_attempts": 3}, connect_timeout=TIMEOUT_SECONDS, read_timeout=TIMEOUT_SECONDS
    )
    try:
        answer = boto3.client("secretsmanager", config=config).get_secret_value(SecretId=secret_arn)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in THROTTLED or status >= FIRST_SERVER_ERROR:
            raise RetryLater(f"reading the secret {secret_arn}: Secrets Manager answered {code}") from error
        raise ConfigFault(f"reading the secret {secret_arn}: Secrets Manager refused it ({code})", option="secret") from error
    except BotoCoreError as error:
        raise RetryLater(f"reading the secret {secret_arn}: {error}") from error
    if "SecretString" not in answer:
        raise ConfigFault(f"the secret {secret_arn} has no text", option="secret")
    return str(answer["SecretString"])
