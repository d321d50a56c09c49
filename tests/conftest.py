"""Fixtures of every test: an S3 over HTTP that keeps its conditions, a PostgreSQL, and the uv by which local stacks start."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from sqlalchemy import make_url

from databases import Server
from emulated_aws import emulated_aws
from flowforge.lake.catalog import Catalog
from flowforge.lake.lake import Lake
from flowforge.local.leftovers import mark_of
from flowforge.local.postgres import Postgres
from flowforge.local.postgres_binaries import remove_database_beside
from flowforge.local.reaper import Reaper
from flowforge.metadata.database import Database
from lab import REGION, Lab, create_bucket

UV = Path(__file__).parents[1] / ".tools" / "uv" / "bin" / "uv"

# Nothing of what is made while tests are collected is garbage, and looking through it again and again, then and while they
# run, takes a tenth of a worker's time.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave the modules and the list of tests out of every later search for garbage."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """Let the interpreter find everything when it ends; a compiled module takes what is left out for leaked."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def uv_of_the_project() -> None:
    """Name the uv that `make setup` installs, so that tests run without `make` too; one that is named already stays."""
    if UV.exists():
        os.environ.setdefault("UV", str(UV))


@pytest.fixture(scope="session", autouse=True)
def databases_beside_state_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Remove, where tests run as root, what the servers of their stacks keep outside folders that only root can enter."""
    yield
    for log in tmp_path_factory.getbasetemp().rglob("logs/postgres.log"):
        remove_database_beside(log.parents[1].resolve())


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """The address of an S3, and of a Glue, of this test run."""
    with emulated_aws() as url:
        yield url


@pytest.fixture(scope="session")
def aws() -> boto3.session.Session:
    """A session of this test run; it reads the description of S3 once."""
    return boto3.session.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)


@pytest.fixture(scope="session")
def way_to_s3(s3_url: str, aws: boto3.session.Session) -> Lake:
    """The client that the lakes of all tests share: each takes 8 ms to make."""
    return Lake.connect("nobody-s", aws, endpoint_url=s3_url)


@pytest.fixture
def lake(way_to_s3: Lake, request: pytest.FixtureRequest) -> Lake:
    """An empty, versioned data bucket of this test's own."""
    lake = Lake(f"data-{abs(hash(request.node.nodeid)):x}", way_to_s3.client, way_to_s3.storage_options)
    create_bucket(lake)
    return lake


@pytest.fixture
def catalogued(lake: Lake, s3_url: str, aws: boto3.session.Session, request: pytest.FixtureRequest) -> Lake:
    """The same lake with a catalog, of a stage of this test's own."""
    lake.catalog = Catalog.connect(f"t{abs(hash(request.node.nodeid)):x}", aws, endpoint_url=s3_url)
    return lake


@pytest.fixture
def lab(lake: Lake) -> Lab:
    """A workflow of one job over an empty lake, and what a test does with it."""
    return Lab(lake)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A PostgreSQL of this test run: the one in FLOWFORGE_TEST_DATABASE_URL, whose user may create databases, or our own."""
    if given := os.environ.get("FLOWFORGE_TEST_DATABASE_URL"):
        yield Server(given)
        return
    state = tmp_path_factory.mktemp("postgres").resolve()
    mark = mark_of(state)
    reaper = Reaper(mark)
    log = {"log_statement": "all", "log_min_messages": "info"}
    server = Postgres(state, reaper, mark=mark, options={"fsync": "off", "full_page_writes": "off", **log})
    try:
        server.start()
        server.wait_ready()
        yield Server(server.url, str(state / "logs" / "postgres.log"))
    finally:
        server.stop()
        reaper.close()
        remove_database_beside(state)


@pytest.fixture(scope="module")
def stacks_on_the_server_of_the_tests(postgres: Server) -> Iterator[None]:
    """Let the stacks of a module use a database of this test run: a server of their own takes two seconds of a processor."""
    url = make_url(postgres.url).set(database=postgres.copy())
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DATABASE_URL", url.render_as_string(hide_password=False))
        yield


@pytest.fixture
def database(postgres: Server) -> Iterator[Database]:
    """An empty database at the newest revision, through a pool of four connections."""
    with postgres.opened(postgres.emptied(), pool_size=4) as database:
        yield database
