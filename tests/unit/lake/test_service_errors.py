import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from flowforge.lake.service_errors import translate
from flowforge.model.errors import ConfigFault, RetryLater


def answer(status: int, code: str) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "as S3 said"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "PutObject",
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (503, "SlowDown"),
        (503, "ServiceUnavailable"),
        (500, "InternalError"),
        (429, "TooManyRequests"),
        (400, "RequestTimeout"),
        (400, "ThrottlingException"),
        (502, ""),
    ],
)
def test_a_service_that_is_busy_or_broken_is_asked_again_later(status: int, code: str) -> None:
    error = translate(answer(status, code), "writing x")
    assert type(error) is RetryLater
    assert str(error).startswith("writing x: ")


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AccessDenied"), (404, "NoSuchBucket"), (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"), (403, "403")],
)
def test_a_service_that_refuses_needs_another_configuration(status: int, code: str) -> None:
    error = translate(answer(status, code), "writing x")
    assert type(error) is ConfigFault
    assert code in str(error)


def test_a_request_that_s3_does_not_understand_is_a_fault_of_ours_and_never_repeated() -> None:
    assert type(translate(answer(400, "InvalidArgument"), "writing x")) is ConfigFault


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://x"),
        ConnectTimeoutError(endpoint_url="http://x"),
        ReadTimeoutError(endpoint_url="http://x"),
    ],
)
def test_a_network_that_failed_is_tried_again_later(error: Exception) -> None:
    assert type(translate(error, "writing x")) is RetryLater


def test_missing_credentials_need_another_configuration() -> None:
    assert "no AWS credentials" in str(translate(NoCredentialsError(), "writing x"))


def test_an_error_that_is_not_the_services_stays_what_it_is() -> None:
    with pytest.raises(KeyError):
        translate(KeyError("x"), "writing x")
