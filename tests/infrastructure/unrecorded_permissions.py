"""What roles need although no test sees a request for it: the services of AWS make these themselves, or the way there is rare.

One list, with the page of AWS, or the place in the code, that each entry comes from. A role needs what it was seen to ask for,
what its state machine or its schedule calls, what stands here, and nothing else. What S3 does with the key of the data follows
from the requests to S3, in their table.
"""

from typing import NamedTuple

from infrastructure.permission import BUCKET, Permission, in_catalog, listing

STEPS = ("BronzeIngest", "SilverTransform", "GoldPublish")
WITH_DATABASE = ("PlanExecution", "RecordEvent", "StartExecution", "Reconcile", "UpgradeDatabase", "Web")
FUNCTIONS = (*STEPS, *WITH_DATABASE)


class Unrecorded(NamedTuple):
    """A permission that a role needs, and where that is written."""

    role: str
    permission: Permission
    source: str


SYNC_RULE = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/StepFunctionsGetEventsForECSTaskRule"
LAMBDA_LOGS = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html"
LAMBDA_POLLS = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"
TASK_EXECUTION = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"
LAMBDA_IN_NETWORK = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html"
SAMPLES = "web/asset_sample.py and steps/quarantine_reader.py read rows of the layers, as the tests of those routes show"
REPLAYS = "orchestration/replays.py stores the rows that a replay takes, and the route looks whether their run was refused"
LINES = "orchestration/execution_logs.py looks through the groups of the functions that write an execution's id"
PROBES = "orchestration/platform_probes.py asks whether the state machine and the queue are there"
LOGGED = ("StartExecution", "PlanExecution", "BronzeIngest", "SilverTransform", "GoldPublish", "Worker", "RecordEvent")
SECRET = "metadata/credentials.py reads the login where a stage names its secret; the tests name their database by a URL"
KEY_OF_SECRET = "https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html"
THROUGH_SECRETS = "StringEquals kms:ViaService secretsmanager.${AWS::Region}.${AWS::URLSuffix}"
STATES_SYNC = "https://docs.aws.amazon.com/step-functions/latest/dg/connect-ecs.html#ecs-iam"
STATES_LOGS = "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html"
SINK_IN_PARTS = "the engine uploads files above 32 MB in parts, and gives them up when a sink fails"
LOST_RACE = "the race is lost at the first publish, the quarantine's; Bronze, archive and table are published by the same code"
CATALOG_OF = {
    "BronzeIngestRole": ("bronze", "quarantine"),
    "SilverTransformRole": ("silver", "quarantine"),
    "GoldPublishRole": ("gold",),
    "WorkerRole": ("bronze", "silver", "quarantine", "gold"),
}
MOVED = "a table whose place changed, by another strategy or dataset, is made anew by catalog_registration"
SECOND_OF_A_DAY = "the recorded runs come second on their day in other layers; every layer is registered by the same code"
QUARANTINE_FIRST = "in the recorded runs Bronze is the first to set a record aside, and makes the database for both"

TABLE_FACTS = "what a step tells of its tables is looked up for every layer by the same code"
FOLDERS_OF_FACTS = ("contracts", "silver", "gold", "quarantine")

UNRECORDED = (
    *(
        Unrecorded(role, permission, MOVED)
        for role, layers in CATALOG_OF.items()
        for permission in dict.fromkeys(item for layer in layers for item in in_catalog("DeleteTable", layer))
    ),
    *(
        Unrecorded(role, permission, SECOND_OF_A_DAY)
        for role, layer in (("BronzeIngestRole", "quarantine"), ("GoldPublishRole", "gold"), ("WorkerRole", "gold"))
        for permission in in_catalog("BatchUpdatePartition", layer)
    ),
    *(
        Unrecorded("SilverTransformRole", permission, QUARANTINE_FIRST)
        for permission in in_catalog("CreateDatabase", "quarantine")
    ),
    # What people look at; the recorded requests change things.
    *(
        Unrecorded("WebRole", Permission("s3:GetObject", f"{BUCKET}/{folder}/*"), SAMPLES)
        for folder in ("bronze", "silver", "gold", "quarantine")
    ),
    *(
        Unrecorded("WebRole", permission, REPLAYS)
        for permission in (
            Permission("s3:GetObject", f"{BUCKET}/runs/*"),
            Permission("s3:PutObject", f"{BUCKET}/runs/*"),
            listing("runs"),
        )
    ),
    *(Unrecorded("WebRole", Permission("logs:FilterLogEvents", f"${{{name}Logs.Arn}}"), LINES) for name in LOGGED),
    Unrecorded("WebRole", Permission("states:DescribeStateMachine", "${Workflow}"), PROBES),
    Unrecorded("WebRole", Permission("sqs:GetQueueAttributes", "${StartRequests.Arn}"), PROBES),
    # Lambda writes a function's log with the function's role. The groups are the template's, so none is created.
    *(
        Unrecorded(f"{function}Role", Permission(action, f"${{{function}Logs.Arn}}"), LAMBDA_LOGS)
        for function in FUNCTIONS
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    ),
    # Lambda puts a function into a network with the function's role.
    *(
        Unrecorded(f"{function}Role", Permission(f"ec2:{action}", "*"), LAMBDA_IN_NETWORK)
        for function in WITH_DATABASE
        for action in (
            "CreateNetworkInterface",
            "DescribeNetworkInterfaces",
            "DescribeSubnets",
            "DeleteNetworkInterface",
            "AssignPrivateIpAddresses",
            "UnassignPrivateIpAddresses",
        )
    ),
    *(
        Unrecorded(f"{function}Role", permission, source)
        for function in WITH_DATABASE
        for permission, source in (
            (Permission("secretsmanager:GetSecretValue", "${DatabaseSecretArn}"), SECRET),
            (Permission("kms:Decrypt", "${DatabaseSecretKeyArn}", THROUGH_SECRETS), KEY_OF_SECRET),
        )
    ),
    # Lambda polls the queue with the function's role.
    *(
        Unrecorded(role, Permission(action, queue), LAMBDA_POLLS)
        for role, queue in (("StartExecutionRole", "${StartRequests.Arn}"), ("RecordEventRole", "${RunEvents.Arn}"))
        for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    ),
    # ECS starts the container: the image, then the log. The key of the repository is used through a grant that ECR makes
    # (https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html), network interfaces come by ECS's
    # service-linked role (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html).
    *(
        Unrecorded("WorkerExecutionRole", Permission(action, "${ImageRepositoryArn}"), TASK_EXECUTION)
        for action in ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
    ),
    Unrecorded("WorkerExecutionRole", Permission("ecr:GetAuthorizationToken", "*"), TASK_EXECUTION),
    *(
        Unrecorded("WorkerExecutionRole", Permission(action, "${WorkerLogs.Arn}"), TASK_EXECUTION)
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    ),
    # By a rule of its own, Step Functions hears of the end of a task that it waits for (`.sync`).
    *(
        Unrecorded("WorkflowRole", Permission(action, SYNC_RULE), STATES_SYNC)
        for action in ("events:DescribeRule", "events:PutRule", "events:PutTargets")
    ),
    # Step Functions delivers the log of a state machine through the account's log deliveries.
    *(
        Unrecorded("WorkflowRole", Permission(f"logs:{action}", "*"), STATES_LOGS)
        for action in (
            "CreateLogDelivery",
            "DeleteLogDelivery",
            "DescribeLogGroups",
            "DescribeResourcePolicies",
            "GetLogDelivery",
            "ListLogDeliveries",
            "PutResourcePolicy",
            "UpdateLogDelivery",
        )
    ),
    # What a step tells of its tables is looked up by the same code for every layer and step; the recorded events tell of one.
    *(
        Unrecorded(role, permission, TABLE_FACTS)
        for role in ("RecordEventRole", "ReconcileRole")
        for permission in (
            *(Permission("s3:GetObject", f"{BUCKET}/{folder}/*") for folder in FOLDERS_OF_FACTS),
            *(listing(folder) for folder in FOLDERS_OF_FACTS),
            *dict.fromkeys(item for layer in CATALOG_OF["WorkerRole"] for item in in_catalog("GetTable", layer)),
        )
    ),
    # The steps' own requests, on ways that no test takes at the size of a test.
    *(
        Unrecorded(f"{step}Role", Permission("s3:AbortMultipartUpload", f"{BUCKET}/_attempts/*"), SINK_IN_PARTS)
        for step in (*STEPS, "Worker")
    ),
    *(
        Unrecorded(f"{step}Role", Permission("s3:AbortMultipartUpload", f"{BUCKET}/silver/*"), LOST_RACE)
        for step in ("SilverTransform", "Worker")
    ),
    *(
        Unrecorded(f"{step}Role", Permission("s3:AbortMultipartUpload", f"{BUCKET}/bronze/*"), LOST_RACE)
        for step in ("BronzeIngest", "Worker")
    ),
)


def unrecorded(role: str) -> set[Permission]:
    """What stands here of a role."""
    return {entry.permission for entry in UNRECORDED if entry.role == role}
