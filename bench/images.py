"""`make image-figures`: what each function's image or zip weighs, how soon it answers, and what memory its step takes.

Cold is the first call of a container that has just been started: the emulator loads the function for it. Warm is the median of
the calls after it. All ask for a step that has finished, which answers with its stored result: what is measured is the
function's own start and way, not the engine's work. Memory is measured on new files of two sizes, in a container with the memory
of the template, as the largest resident set of its processes; from the two follow base and slope.
"""

import argparse
import json
import statistics
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import boto3

from bench.lineitem import csv_path
from bench.machine import described, load
from bench.product import JOB_ID, MIDNIGHT, WORKFLOW_ID, Job, Run, plan
from bench.report import table
from bench.workplace import ROOT, Workplace
from containers.function_container import FunctionContainer, docker
from containers.relay import Relay, relayed
from flowforge.lake import keys
from flowforge.lake.lake import BUCKET_VARIABLE, Lake
from flowforge.local.emulator import Emulator
from flowforge.local.reaper import Reaper
from flowforge.local.template import FunctionSpec
from flowforge.local.template_reader import read_template
from flowforge.model.plan import ExecutionInput, PlanRequest
from flowforge.model.step import Step

PAGE = ROOT / "docs" / "reference" / "images.md"
LAYER = ROOT / "layers" / "flowforge" / "build" / "layer"
BASE_IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"
WORKER_IMAGE = "flowforge-worker:latest"
STEPS = {
    Step.BRONZE_INGEST: ("BronzeIngest", "bronzeingest:latest"),
    Step.SILVER_TRANSFORM: ("SilverTransform", "silvertransform:latest"),
    Step.GOLD_PUBLISH: ("GoldPublish", "goldpublish:latest"),
}
COLD_STARTS = 5
WARM_CALLS = 20
SMALL, LARGE = "quarter", "gigabyte"
GIGABYTES = {SMALL: 0.25, LARGE: 1.0}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
INTRODUCTION = """# Images: size, start and memory

Written by `make image-figures`. Containers run on the machine below, behind AWS's runtime interface emulator, against the local
stack's S3; Lambda's own loading of an image is not part of it.

- **size** is what the engine unpacks, **compressed** what a registry stores and Lambda loads (each layer by zlib, level 6). The
  layers of the four images are the same but for the last ones, and are stored once. A zip function weighs what its layer weighs.
- **cold** is the first call after the container was started: the emulator loads the function and passes the call. **warm** is
  the median of {warm} calls after it. The calls ask for a step that has finished, so that the function is measured and not the
  engine. The worker is a task and has no second call: its time is from the start of a container to its end.
- **peak** is the largest resident set of the function's process with the memory that the template gives, on TPC-H lineitem as
  CSV; from two sizes follow a base, and what comes on top for each gigabyte.
"""


@dataclass(frozen=True)
class Figures:
    """One line of the table; times in milliseconds."""

    function: str
    size_mb: float
    compressed_mb: float
    cold_ms: float
    warm_ms: float | None
    small: "tuple[float, float] | None" = None
    large: "tuple[float, float] | None" = None
    """Peak in MB and seconds for a file of each size."""


@dataclass(frozen=True)
class Place:
    """Where the containers work."""

    lake: Lake
    relay: Relay
    specs: dict[str, FunctionSpec]

    def container(self, function: str, image: str, *arguments: str, command: tuple[str, ...] = ()) -> FunctionContainer:
        """A container of a function, with what the template gives it."""
        spec = self.specs[function]
        environment = {**spec.environment, **CREDENTIALS, "AWS_ENDPOINT_URL": self.relay.url, BUCKET_VARIABLE: self.lake.bucket}
        seconds = int(spec.timeout_seconds)
        return FunctionContainer(image, self.relay.network, environment, spec.memory_mb, seconds, arguments, command)


def main() -> int:
    """Measure, print the table, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m bench.images", description="size, start and memory of the functions' images")
    parser.add_argument("--scale", type=float, default=1.0, help="size of the data; the page is written at 1 only")
    scale = parser.parse_args().scale
    before = load()
    with tempfile.TemporaryDirectory() as scratch, place(Path(scratch)) as here:
        figures = measure(here, Workplace(scale, Path(scratch)))
    text = page(figures, load_before=before, load_after=load())
    print(text)
    if scale == 1.0:
        PAGE.write_text(text)
    return 0


@contextmanager
def place(scratch: Path) -> Iterator[Place]:
    """An emulator of S3 on this machine, and a network from which containers reach it."""
    with ExitStack() as cleanup:
        reaper = Reaper()
        cleanup.callback(reaper.close)
        emulator = Emulator(scratch / "emulator", reaper, keep=False)
        cleanup.callback(emulator.stop)
        emulator.start()
        emulator.wait_ready()
        session = boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        lake = Lake.connect("images", session, endpoint_url=emulator.endpoint)
        lake.client.create_bucket(Bucket=lake.bucket)
        template = read_template(
            ROOT / "template.yaml",
            parameters={"Stage": "dev", "DataBucketName": lake.bucket},
            environment={BUCKET_VARIABLE: lake.bucket},
            endpoint=emulator.endpoint,
        )
        relay = cleanup.enter_context(relayed(emulator.port))
        yield Place(lake, relay, {spec.name: spec for spec in template.functions})


def measure(here: Place, workplace: Workplace) -> list[Figures]:
    """Every function's figures."""
    small = landed(here.lake, workplace, SMALL, number=1)
    large = landed(here.lake, workplace, LARGE, number=2)
    peaks = {step: (peak(here, step, small), peak(here, step, large)) for step in Step}
    sizes, compressed = image_sizes([image for _, image in STEPS.values()] + [WORKER_IMAGE])
    figures = []
    for step, (function, image) in STEPS.items():
        cold, warm = times(lambda: here.container(function, image), request(small, step))  # noqa: B023
        figures.append(Figures(function, sizes[image], compressed[image], cold, warm, *peaks[step]))
    figures.append(Figures("worker", sizes[WORKER_IMAGE], compressed[WORKER_IMAGE], worker_ms(here, small), None))
    layer_mb = sum(path.stat().st_size for path in LAYER.rglob("*") if path.is_file()) / 1e6
    layer_zip_mb = len(zlib.compress(b"".join(path.read_bytes() for path in sorted(LAYER.rglob("*")) if path.is_file()))) / 1e6
    for function, event in control_events(small).items():
        folder = here.specs[function].folder
        mounts = ("--volume", f"{LAYER}:/opt:ro", "--volume", f"{folder}:/var/task:ro", "--env", "PYTHONPATH=/opt/python")
        cold, warm = times(lambda: here.container(function, BASE_IMAGE, *mounts, command=("handler.handle",)), event)  # noqa: B023
        figures.append(Figures(function, layer_mb, layer_zip_mb, cold, warm))
    return figures


def landed(lake: Lake, workplace: Workplace, size: str, *, number: int) -> Run:
    """A file of a size in the landing folder, and the execution that is planned over it."""
    csv = csv_path(workplace, size)
    name = f"{size}.csv"
    lake.client.upload_file(str(csv), lake.bucket, keys.landing_key(WORKFLOW_ID, JOB_ID, name))
    return plan(lake, Job(), [name], number=number)


def request(run: Run, step: Step) -> bytes:
    """The payload of a step's function."""
    document = {"schemaVersion": 1, "executionId": run.execution_id, "jobId": JOB_ID, "step": step.value, "planKey": run.plan_key}
    return json.dumps(document).encode()


def control_events(run: Run) -> dict[str, bytes]:
    """A call of each function of the control plane that has little to do: a plan that is stored, an end, a file of no job."""
    files = {JOB_ID: (keys.landing_key(WORKFLOW_ID, JOB_ID, f"{SMALL}.csv"),)}
    planned = PlanRequest(
        execution_id=run.execution_id, started_at=MIDNIGHT, input=ExecutionInput(workflow_id=WORKFLOW_ID, files=files)
    )
    message = json.loads((ROOT / "events" / "start_execution.json").read_text())
    arrived = {"bucket": {"name": run.lake.bucket}, "object": {"key": "elsewhere/file.csv", "etag": "0", "sequencer": "0"}}
    message["Records"][0]["body"] = json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": arrived})
    return {
        "PlanExecution": planned.model_dump_json(by_alias=True).encode(),
        "RecordEvent": (ROOT / "events" / "record_event.json").read_bytes(),
        "StartExecution": json.dumps(message).encode(),
    }


def peak(here: Place, step: Step, run: Run) -> tuple[float, float]:
    """Run a step in a new container: the largest resident set in MB, and the seconds that it took."""
    with here.container(*STEPS[step]) as container:
        container.start()
        started = time.perf_counter()
        answered(container, request(run, step))
        return container.peak_bytes() / 1e6, time.perf_counter() - started


def times(make: Callable[[], FunctionContainer], payload: bytes) -> tuple[float, float]:
    """Milliseconds of the first call of a container, and of a later one: medians."""
    cold, warm = [], []
    for _ in range(COLD_STARTS):
        with make() as container:
            container.start()
            cold.append(answered(container, payload))
            warm += [answered(container, payload) for _ in range(WARM_CALLS // COLD_STARTS)]
    return statistics.median(cold), statistics.median(warm)


def answered(container: FunctionContainer, payload: bytes) -> float:
    """Milliseconds of a call. Raises RuntimeError where the function did not do what it was asked."""
    started = time.perf_counter()
    status, body = container.invoke(payload)
    took = (time.perf_counter() - started) * 1000
    if status != HTTPStatus.OK or b'"errorType"' in body or b"itemIdentifier" in body:
        raise RuntimeError(f"{container.image} answered {status}: {body[:2000].decode()}")
    return took


def worker_ms(here: Place, run: Run) -> float:
    """Milliseconds from the start of a worker's container to its end, for a step that has finished: the median."""
    environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": here.relay.url}
    variables = [item for pair in environment.items() for item in ("--env", "=".join(pair))]
    asked = ("--step", Step.BRONZE_INGEST.value, "--job", JOB_ID, "--plan", here.lake.uri(run.plan_key))
    took = []
    for _ in range(COLD_STARTS):
        started = time.perf_counter()
        docker("run", "--rm", "--read-only", "--network", here.relay.network, *variables, WORKER_IMAGE, *asked)
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def image_sizes(images: list[str]) -> tuple[dict[str, float], dict[str, float]]:
    """What images weigh unpacked and compressed, in MB."""
    unpacked = {image: int(docker("image", "inspect", image, "--format", "{{.Size}}")) / 1e6 for image in images}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.tar"
        docker("save", "--output", str(path), *images)
        with tarfile.open(path) as archive:
            manifest = archive.extractfile("manifest.json")
            documents = json.load(manifest) if manifest else []
            layers = {name for document in documents for name in document["Layers"]}
            compressed = {name: layer_mb(archive, name) for name in layers}
    by_image = {image: document for document in documents for image in document["RepoTags"] if image in images}
    return unpacked, {image: sum(compressed[name] for name in by_image[image]["Layers"]) for image in images}


def layer_mb(archive: tarfile.TarFile, name: str) -> float:
    """What a layer weighs compressed, in MB."""
    layer, squeeze, size = archive.extractfile(name), zlib.compressobj(6), 0
    if layer is None:
        raise LookupError(name)
    while chunk := layer.read(1 << 20):
        size += len(squeeze.compress(chunk))
    return (size + len(squeeze.flush())) / 1e6


def page(figures: list[Figures], *, load_before: float, load_after: float) -> str:
    """The whole of docs/reference/images.md."""
    rows = [
        (
            item.function,
            f"{item.size_mb:.0f} MB",
            f"{item.compressed_mb:.0f} MB",
            f"{item.cold_ms:.0f} ms",
            f"{item.warm_ms:.0f} ms" if item.warm_ms is not None else "",
            *_memory(item),
        )
        for item in figures
    ]
    head = ("function", "size", "compressed", "cold", "warm", "peak of 0.25 GB", "peak of 1 GB", "base + per GB", "1 GB takes")
    machine = [("load average", f"{load_before:.1f} before, {load_after:.1f} after"), *described().items()]
    engine = docker("version", "--format", "{{.Server.Version}}")
    return "\n".join(
        [
            INTRODUCTION.format(warm=WARM_CALLS),
            table(head, rows),
            "The worker runs the same steps in the same way, so their memory is its memory.\n",
            "## Machine\n",
            table(("", ""), [*machine, ("container engine", engine)]),
        ]
    )


def _memory(item: Figures) -> tuple[str, str, str, str]:
    if item.small is None or item.large is None:
        return "", "", "", ""
    (small, _), (large, seconds) = item.small, item.large
    slope = (large - small) / (GIGABYTES[LARGE] - GIGABYTES[SMALL])
    base = large - slope * GIGABYTES[LARGE]
    return f"{small:.0f} MB", f"{large:.0f} MB", f"{base:.0f} + {slope:.0f} MB", f"{seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main())
