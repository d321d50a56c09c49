"""The roles of the steps grant what the steps ask of Glue, for the databases of their layers: no more, no less."""

from collections.abc import Mapping
from typing import Any

import boto3
import pytest

from flowforge.lake.catalog import Catalog
from flowforge.lake.lake import Lake
from flowforge.model.step import Step
from infrastructure.test_roles import as_list, statements
from lab import Lab, create_bucket
from s3_faults import registered

ROLES = {
    Step.BRONZE_INGEST: "BronzeIngestRole",
    Step.SILVER_TRANSFORM: "SilverTransformRole",
    Step.GOLD_PUBLISH: "GoldPublishRole",
}
Permission = tuple[str, str]
STAGE = "roles"
UNSEEN = {("glue:DeleteTable", layer) for layer in ("bronze", "silver", "quarantine")}
"""Where a table gets another form; seen here of Gold, whose dataset is called otherwise."""
FIRST = "id,amount\n1,1\nx,2\n,3\n"


@pytest.fixture(scope="module")
def used(s3_url: str, aws: boto3.session.Session) -> dict[Step, set[Permission]]:
    """What each step asked of Glue in runs that create, change and move their tables."""
    found: dict[Step, set[Permission]] = {step: set() for step in Step}
    lake = Lake.connect("data-catalog-roles", aws, endpoint_url=s3_url)
    lake.catalog = Catalog.connect(STAGE, aws, endpoint_url=s3_url)
    create_bucket(lake)
    lab = Lab(lake, silver={"primaryKey": "id", "tableName": "orders"}, gold={"tableName": "orders"})
    lab.job["transformationConfig"] = {"columnMappings": [{"sourceColumn": "id", "dataType": "integer"}]}
    for dataset in ("orders", "orders", "renamed"):
        lab.gold |= {"dataset": dataset}
        run = lab.ingest(FIRST)
        for step in Step:
            seen = found[step]

            def note(params: dict[str, Any], model: Any, seen: set[Permission] = seen, **_: Any) -> None:
                database = params.get("DatabaseName") or params["DatabaseInput"]["Name"]
                seen.add((f"glue:{model.name}", database.rpartition("_")[2]))

            with registered(lake, "provide-client-params.glue", note):
                run.step(step)
    return found


def granted(application: Mapping[str, Any], role: str) -> set[Permission]:
    found = set()
    for statement in statements(application, role):
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else ""
                if action.startswith("glue:") and ":table/" in text:
                    assert text.endswith("/*")
                    found.add((action, text.removesuffix("/*").rpartition("_")[2]))
    return found


@pytest.mark.parametrize("step", Step)
def test_the_role_of_a_step_grants_what_the_step_asks_of_the_catalog(
    application: Mapping[str, Any], used: dict[Step, set[Permission]], step: Step
) -> None:
    permissions = granted(application, ROLES[step])
    assert used[step] - permissions == set(), "the step would be refused"
    assert permissions - used[step] - UNSEEN == set(), "nobody asks for these"


def test_the_worker_may_do_in_the_catalog_what_the_steps_may_together(application: Mapping[str, Any]) -> None:
    together = set().union(*(granted(application, role) for role in ROLES.values()))
    assert granted(application, "WorkerRole") == together
