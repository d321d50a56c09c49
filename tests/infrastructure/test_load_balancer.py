"""The way to the API: over TLS only, signed in or with a token, and not there at all without a certificate."""

from collections.abc import Mapping
from typing import Any

import pytest

FORWARD = {"Type": "forward", "TargetGroupArn": {"Ref": "WebTargets"}}


def resource(application: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = application["Resources"][name]["Properties"]
    return found


def test_a_stage_without_a_certificate_has_no_load_balancer(application: Mapping[str, Any]) -> None:
    assert application["Parameters"]["CertificateArn"]["Default"] == "none"
    assert application["Conditions"]["Serve"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "CertificateArn"}, "none"]}]}
    serving = {
        name: item["Condition"]
        for name, item in application["Resources"].items()
        if item["Type"].startswith("AWS::ElasticLoadBalancingV2::") or item["Type"] == "AWS::EC2::SecurityGroup"
    }
    assert serving == {
        **dict.fromkeys(("WebBalancer", "WebBalancerGroup", "WebTargets", "WebHttps", "WebHttp"), "Serve"),
        **dict.fromkeys(("WebTokens", "WebHealth"), "SignIn"),
    }
    # Whoever signs in does so at a load balancer.
    assert {"Condition": "Serve"} in application["Conditions"]["SignIn"]["Fn::And"]


def test_plain_http_is_answered_with_the_address_over_tls_and_nothing_else(application: Mapping[str, Any]) -> None:
    listeners = {name: resource(application, name) for name in ("WebHttps", "WebHttp")}
    assert {name: (item["Port"], item["Protocol"]) for name, item in listeners.items()} == {
        "WebHttps": (443, "HTTPS"),
        "WebHttp": (80, "HTTP"),
    }
    assert listeners["WebHttp"]["DefaultActions"] == [
        {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    ]
    assert listeners["WebHttps"]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")
    assert listeners["WebHttps"]["Certificates"] == [{"CertificateArn": {"Ref": "CertificateArn"}}]


def test_people_sign_in_where_a_provider_is_stated_and_the_api_then_takes_this_load_balancer_s_word_alone(
    application: Mapping[str, Any],
) -> None:
    condition, (authenticate, forward), (straight,) = resource(application, "WebHttps")["DefaultActions"]["Fn::If"]
    assert (condition, straight) == ("SignIn", FORWARD)
    assert (authenticate["Type"], authenticate["Order"]) == ("authenticate-oidc", 1)
    assert forward == {**FORWARD, "Order": 2}
    variables = resource(application, "Web")["Environment"]["Variables"]
    assert variables["FLOWFORGE_LOAD_BALANCER_ARN"] == {"Fn::If": ["SignIn", {"Ref": "WebBalancer"}, ""]}
    assert variables["FLOWFORGE_FIRST_ADMIN"] == {"Fn::If": ["HasFirstAdmin", {"Ref": "FirstAdmin"}, ""]}


def test_the_client_s_secret_is_read_from_secrets_manager_and_is_no_parameter(application: Mapping[str, Any]) -> None:
    _, (authenticate, _), _ = resource(application, "WebHttps")["DefaultActions"]["Fn::If"]
    secret = authenticate["AuthenticateOidcConfig"]["ClientSecret"]
    assert secret == {"Fn::Sub": "{{resolve:secretsmanager:${OidcClientSecretArn}:SecretString:client_secret}}"}


def test_programs_with_a_token_and_whoever_asks_for_health_are_sent_to_no_page_for_people(application: Mapping[str, Any]) -> None:
    rules = [resource(application, name) for name in ("WebTokens", "WebHealth")]
    assert [rule["Actions"] for rule in rules] == [[FORWARD], [FORWARD]]
    assert len({rule["Priority"] for rule in rules}) == len(rules)
    (token,), (health,) = (rule["Conditions"] for rule in rules)
    assert token["HttpHeaderConfig"] == {"HttpHeaderName": "Authorization", "Values": ["Bearer *"]}
    assert health["PathPatternConfig"]["Values"] == ["/api/health", "/api/health/*"]


def test_only_the_load_balancer_calls_the_released_version_of_the_function(application: Mapping[str, Any]) -> None:
    targets, permission = resource(application, "WebTargets"), resource(application, "WebTargetsMayCall")
    assert targets["Targets"] == [{"Id": {"Ref": "Web.Alias"}}]
    assert permission["FunctionName"] == {"Ref": "Web.Alias"}
    assert permission["Principal"] == "elasticloadbalancing.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith(f":targetgroup/{targets['Name']['Fn::Sub']}/*")
    assert application["Resources"]["WebTargets"]["DependsOn"] == "WebTargetsMayCall"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("access_logs.s3.enabled", "true"),
        ("access_logs.s3.bucket", {"Ref": "AccessLogBucketName"}),
        ("deletion_protection.enabled", {"Fn::If": ["Production", "true", "false"]}),
        ("routing.http.drop_invalid_header_fields.enabled", "true"),
        ("idle_timeout.timeout_seconds", "60"),
    ],
)
def test_the_load_balancer_logs_is_protected_in_prod_and_passes_on_nothing_malformed(
    application: Mapping[str, Any], key: str, value: object
) -> None:
    attributes = {item["Key"]: item["Value"] for item in resource(application, "WebBalancer")["LoadBalancerAttributes"]}
    assert attributes[key] == value


def test_a_header_that_comes_twice_reaches_the_api_twice_and_an_answer_is_there_before_the_connection_is_given_up(
    application: Mapping[str, Any],
) -> None:
    assert resource(application, "WebTargets")["TargetGroupAttributes"] == [
        {"Key": "lambda.multi_value_headers.enabled", "Value": "true"}
    ]
    assert resource(application, "Web")["Timeout"] < 60


def test_the_api_is_asked_from_the_addresses_that_the_stage_states(application: Mapping[str, Any]) -> None:
    group = resource(application, "WebBalancerGroup")
    assert {(rule["FromPort"], str(rule["CidrIp"])) for rule in group["SecurityGroupIngress"]} == {
        (port, str({"Ref": "WebClientCidr"})) for port in (80, 443)
    }
    assert application["Parameters"]["WebClientCidr"]["Default"] == "10.0.0.0/8"
    assert application["Parameters"]["WebScheme"]["Default"] == "internal"
