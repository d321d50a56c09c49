"""What an answer of S3, Glue or Athena means for the step that asked."""

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from flowforge.model.errors import ConfigFault, FlowForgeError, RetryLater

PRECONDITION_FAILED = 412
CONFLICT = 409
NOT_FOUND = 404
TOO_MANY_REQUESTS = 429
FIRST_CLIENT_ERROR = 400
FIRST_SERVER_ERROR = 500
THROTTLED = frozenset(
    {
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "RequestTimeout",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "InternalServiceException",
        "OperationTimeoutException",
        "ResourceNotReadyException",
    }
)
REFUSED = frozenset(
    {"AccessDenied", "AccessDeniedException", "NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403"}
)


def status_of(error: ClientError) -> int:
    """The HTTP status of an answer."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_missing(error: ClientError) -> bool:
    """Whether the object is not there. A bucket that is not there is a wrong configuration, and no absent object."""
    return status_of(error) == NOT_FOUND and error.response.get("Error", {}).get("Code") != "NoSuchBucket"


def code_of(error: ClientError) -> str:
    """The service's own name of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translate(error: Exception, what: str, *, service: str = "S3") -> FlowForgeError:
    """The error of ours for an error of boto3's; ``what`` was being done."""
    if isinstance(error, ClientError):
        code, status = code_of(error), status_of(error)
        if code in REFUSED:
            checked = "the bucket's name and the role's permissions" if service == "S3" else "the role's permissions"
            return ConfigFault(f"{what}: {service} refused it ({code}); check {checked}")
        if code in THROTTLED or status >= FIRST_SERVER_ERROR or status == TOO_MANY_REQUESTS:
            return RetryLater(f"{what}: {service} answered {code or status}")
        return ConfigFault(f"{what}: {service} answered {code or status}: {error}")
    if isinstance(error, NoCredentialsError):
        return ConfigFault(f"{what}: no AWS credentials were found")
    if isinstance(error, ParamValidationError):
        return ConfigFault(f"{what}: {error}")
    if isinstance(error, BotoCoreError):
        return RetryLater(f"{what}: {error}")
    raise error
