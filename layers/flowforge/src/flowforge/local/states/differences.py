"""What the local Step Functions service does otherwise than AWS, and what it leaves out: the tables of the reference page."""

from typing import NamedTuple


class Difference(NamedTuple):
    """Something that both do, each in its own way."""

    subject: str
    on_aws: str
    on_the_laptop: str


class Refusal(NamedTuple):
    """Something that AWS has and the laptop refuses, and how it does so."""

    subject: str
    how: str


REFUSALS = (
    Refusal("JSONPath as the query language, and its fields", "`InvalidDefinition`, naming the field"),
    Refusal(
        "Distributed maps: `ItemReader`, `ItemBatcher`, `ResultWriter`, `ToleratedFailure…`, mode `DISTRIBUTED`",
        "`InvalidDefinition`",
    ),
    Refusal("Callbacks (`.waitForTaskToken`), activities, `HeartbeatSeconds`", "`InvalidDefinition`"),
    Refusal(
        "Every resource that the table of integrations does not list, among them `startExecution.sync` without `:2` and "
        "`ecs:runTask` without `.sync`",
        "`InvalidDefinition`",
    ),
    Refusal("`Credentials` of a task", "`InvalidDefinition`"),
    Refusal("`Qualifier` and other arguments that the table of integrations does not list", "`InvalidDefinition`"),
    Refusal("State machines of type EXPRESS", "`ValidationException`"),
    Refusal("RunTask with a `Count` above 1", "`States.Runtime`"),
    Refusal(
        "RunTask on EC2; a capacity provider that the template does not give to the cluster; a size that Fargate does not "
        "have; overrides above 8,192 characters; a client token above 64",
        "`ECS.InvalidParameterException`",
    ),
    Refusal("Task definitions of several containers, without `Cpu` and `Memory`, or with `Secrets`", "the stack does not start"),
    Refusal("An alias that routes to two versions", "`ValidationException`"),
    Refusal(
        "Redrive, deleting a version or an alias alone, tags, activities, map runs, TestState", "`UnknownOperationException`"
    ),
)

DIFFERENCES = (
    Difference("Who may call", "IAM decides", "everybody on this machine; roles are kept and not used"),
    Difference("Account and region", "the caller's", "000000000000 and us-east-1"),
    Difference("`$random` with a seed", "a number of its own", "another number, the same for the same seed"),
    Difference(
        "Functions of JSONata given null",
        "null is a value",
        "`$sum(null)` and a few more take null for nothing; `$count`, `$exists`, `$type`, `$string`, `$append` do not",
    ),
    Difference("Whole numbers above 2^53", "JavaScript's rounding", "kept exactly while nothing computes with them"),
    Difference("Memory of an expression", "bounded", "only `$range` and ranges are bounded; five seconds end every expression"),
    Difference("An expression that takes long", "delays its own state", "delays every execution of the service until it ends"),
    Difference("Words of JSON syntax errors in inputs and definitions", "those of its Java parser", "those of Python's"),
    Difference(
        "Words of the faults in a definition", "recorded for the common ones, which are the same", "own words for the rest"
    ),
    Difference(
        "Aborted states of a Parallel state that fails",
        "not recorded",
        "told as those of a Map state are: the failed task, then what still ran, then ParallelStateFailed",
    ),
    Difference(
        "Responses of optimized integrations: `SdkHttpMetadata`", "headers of the real service", "the headers that matter"
    ),
    Difference(
        "Execution status events",
        "reach rules, archives and other buses",
        "the same detail, sent to the targets of the default bus's rules that match: queues, topics, functions, state "
        "machines; a target with an InputPath or InputTransformer is left out, and the log says so",
    ),
    Difference("Closed executions", "kept for 90 days", "kept until the state folder is emptied"),
    Difference("Throttling and quotas of requests", "yes", "no"),
    Difference(
        "State machines, their versions and aliases",
        "kept",
        "created again from the template at each start, as version 1; executions keep the one they began with",
    ),
    Difference(
        "A crash of the service",
        "not seen",
        "executions go on from their last finished state; the state in flight is entered again, its events are told twice, "
        "and its retriers count anew",
    ),
    Difference(
        "A Map or Parallel state in flight at a crash",
        "not seen",
        "entered again; states that were finished in its iterations and branches keep their results and are not run again",
    ),
    Difference("A Wait in flight at a crash", "not seen", "ends when it would have ended"),
    Difference(
        "A nested execution in flight at a crash",
        "not seen",
        "goes on by itself; its parent starts another one, unless it gave it a name and the child still runs",
    ),
    Difference(
        "A task of ECS",
        "a container of an image, with a network of its own",
        "the process `functions/{container}/{container}.py` with the container's command and environment, and with what leads "
        "to the local services; there is no metadata endpoint, and subnets and security groups may have any name",
    ),
    Difference(
        "Memory of a task",
        "the kernel ends the container",
        "the resident set is watched, and the container is ended as on AWS: exit code 137, "
        "`OutOfMemoryError: Container killed due to memory usage`",
    ),
    Difference(
        "Ephemeral storage of a task",
        "a write above it fails",
        "the container is ended with exit code 137; only the folder of `TMPDIR` counts",
    ),
    Difference("Processor units of a task", "limited", "told, and not limited"),
    Difference(
        "Tasks at once",
        "as many as the account may have",
        "as many as the machine has processors; others wait as PROVISIONING, and above a hundred the answer has `Failures`",
    ),
    Difference(
        "Descriptions of tasks",
        "with network interfaces, image digests and the times of the image's pull",
        "`Attachments` and `NetworkInterfaces` are empty, the pull takes no time, and an image is `{container}:local`",
    ),
    Difference("A task in flight at a crash", "not seen", "ends with the stack; its state is entered again, and starts it again"),
)
