"""A run that is disturbed on its way, and one that is not: where they begin, and what they must leave."""

import itertools
import json
from dataclasses import replace
from typing import Any

from flowforge.lake.lake import Lake, ObjectVersion
from flowforge.model.replay import ReplayedRow
from flowforge.model.silver_config import MergeStrategy
from flowforge.model.step import Step
from lab import Lab, Run, cloned

FIRST = "id,amount,day,country\n1,10,01/02/2026,de\n2,20,03/04/2026,fr\n3,x0,05/06/2026,fr\n4,40,07/08/2026,\n"
SECOND = "id,amount,day,country\n2,25,03/04/2026,fr\n5,50,09/10/2026,de\n5,55,09/10/2026,de\n1,ten,01/02/2026,de\n"
THIRD = "country,day,amount,id\nit,11/12/2026,60,6\nmalformed\n,07/08/2026,40,4\n"
MAPPINGS = [{"sourceColumn": "amount", "dataType": "decimal(8,2)"}]
RULES = [{"column": "country", "ruleType": "not_null", "severity": "warning"}]
RECONCILIATION = [
    # One record is malformed.
    {"name": "all in bronze", "sourceLayer": "source", "targetLayer": "bronze", "tolerance": "1"},
    {"name": "groups", "sourceLayer": "silver"},
]
GOLD = {"aggregationEnabled": True, "aggregationGroupBy": ["country"], "aggregates": {"total": "sum(amount)"}}
STEPS = (Step.BRONZE_INGEST, Step.SILVER_TRANSFORM, Step.GOLD_PUBLISH)


def prepared(lake: Lake, strategy: MergeStrategy, step: Step, *, files: int = 2) -> Run:
    """A finished run where tables are shared by runs, and a planned run over some files that has come to the step."""
    lab = Lab(
        lake,
        job={
            "transformationConfig": {"columnMappings": MAPPINGS},
            "validationConfig": {"dataQualityRules": RULES, "reconciliationRules": RECONCILIATION},
            "sourceConfig": {"fileConfig": {"onMalformedRow": "quarantine"}},
        },
        silver={"primaryKey": "id", "mergeStrategy": strategy.value},
        # What is appended to is where a Gold can grow from the one before.
        gold=GOLD | ({"buildStrategy": "incremental"} if strategy is MergeStrategy.APPEND else {}),
    )
    if strategy is not MergeStrategy.VERSIONED:
        first = lab.ingest(FIRST)
        _ = first.gold() if strategy is MergeStrategy.APPEND and step is Step.GOLD_PUBLISH else first.silver()
    landed = [lab.land("second.csv", SECOND), lab.land("third.csv", THIRD)]
    run = lab.plan(*landed[:files])
    for earlier in itertools.takewhile(lambda other: other is not step, STEPS):
        run.step(earlier)
    return run


def prepared_rebuild(lake: Lake) -> Run:
    """A rebuild of an appended table, which leaves a file and word of it, that has come to Silver."""
    run = prepared(lake, MergeStrategy.APPEND, Step.BRONZE_INGEST, files=1)
    run.silver()
    rebuild = run.lab.rebuild()
    rebuild.bronze()
    return rebuild


def prepared_replay(lake: Lake) -> Run:
    """A replay into a versioned table, which amends what its head shows, that has come to Silver."""
    run = prepared(lake, MergeStrategy.VERSIONED, Step.BRONZE_INGEST, files=1)
    run.silver()
    [key] = run.lab.keys_below("quarantine/")
    replay = run.lab.replay(key, ReplayedRow(number=1, values={"amount": "12.00"}))
    replay.bronze()
    return replay


COUNTRIES_JOB = "job_countries"


def prepared_with_lookup(lake: Lake, **validation: Any) -> Run:
    """A run of the orders that has come to Silver, where it looks up the table of the countries' run."""
    lookup = {"name": "countries", "sourceTable": "countries", "joinKeys": {"country": "code"}, "selectColumns": ["name"]}
    rule = {"name": "known", "ruleType": "expression", "parameters": {"expression": "name is not null"}}
    lab = Lab(
        lake,
        job={
            "order": 2,
            "transformationConfig": {"columnMappings": MAPPINGS, "lookups": [lookup]},
            "validationConfig": {"dataQualityRules": [rule], **validation},
        },
        silver={"primaryKey": "id", "mergeStrategy": MergeStrategy.VERSIONED.value},
        others=[{"id": COUNTRIES_JOB, "name": "Countries", "destinationConfig": {"silverConfig": {"mergeStrategy": "replace"}}}],
    )
    run = lab.plan(lab.land("orders.csv", FIRST), others={COUNTRIES_JOB: (land_countries(lab, "code,name\nde,Germany\n"),)})
    run_countries(run)
    run.bronze()
    return run


def land_countries(lab: Lab, content: str) -> str:
    """Put a file of the countries into landing."""
    return lab.land("countries.csv", content, job_id=COUNTRIES_JOB)


def run_countries(run: Run) -> None:
    """Make the table of the countries."""
    for step in STEPS[:2]:
        run.step(step, job_id=COUNTRIES_JOB)


def elsewhere(run: Run, name: str) -> Run:
    """The same run over a copy of its lake."""
    return over(run, cloned(run.lab.lake, name))


def over(run: Run, lake: Lake) -> Run:
    """The same run over another lake, or another way to its own."""
    return replace(run, lab=replace(run.lab, lake=lake))


def state_of(lab: Lab) -> dict[str, Any]:
    """Every object that a reader could meet: a table's bytes by their ETag, a document less what depends on the clock.

    The version that S3 gave to a file of landing is left out of its lineage, too.
    """
    state: dict[str, Any] = {}
    clocks = {"durationSeconds", "finishedAt"} | (
        {"tableVersion"} if lab.silver["mergeStrategy"] == MergeStrategy.APPEND else set()
    )
    for item in lab.lake.list_objects(""):
        if item.key.startswith(("_attempts/", "landing/", "workflows/")) or item.key.endswith("plan.json"):
            continue
        state[item.key] = item.etag
        if item.key.endswith(".json"):
            document = json.loads(_document(lab.lake, item))
            state[item.key] = {name: value for name, value in document.items() if name not in clocks}
        if item.key.endswith(".lineage.json"):
            for parent in state[item.key]["parents"]:
                parent.pop("versionId", None)
    return state


_documents: dict[str, bytes] = {}


def _document(lake: Lake, item: ObjectVersion) -> bytes:
    """A document, read once for all the runs that left the same one: the ETag of one that was put in one piece is its MD5."""
    if item.etag not in _documents:
        stored = lake.read(item.key)
        assert stored is not None
        _documents[item.etag] = stored[0]
    return _documents[item.etag]
