"""bronze_ingest on files that are converted while a thread proves them rectangular: the answer is that of one after the other."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flowforge.medallion import delimited_source
from flowforge.model.errors import DataFault, RetryLater
from flowforge.steps import bronze_conversion
from lab import Lab

NEVER = 1 << 60
FILES: dict[str, bytes] = {
    "rectangular": b"id,name\n1,x\n2,y\n",
    "quoted delimiters and line ends": b'id,name\n1,"x,y"\n2,"two\nlines"\n',
    "no line end at the end": b"id,name\n1,x\n2,y",
    "a delimiter at the very end": b"id,name\n1,x\n2,y,",
    "blank lines at the end": b"id,name\n1,x\n\n\n",
    "only a header": b"id,name\n",
    "a short row": b"id,name\n1,x\n2\n3,z\n",
    "a long row": b"id,name\n1,x\n2,y,z\n3,z\n",
    "a quote inside": b'id,name\n1,x"y\n2,z"w\n',
    "text behind a quote": b'id,name\n1,"x"y\n2,z\n',
    "a lone carriage return": b"id,name\n1,x\ry\n2,z\n",
    "carriage returns": b"id,name\r\n1,x\r\n2,y\r\n",
    "another encoding": b"id,name\n" + (b"1," + b"x" * 1000 + b"\n") * 1100 + b"2,caf\xe9\n",
    "a header that is never closed": b'id,"name\n1,x\n',
}


def outcome(lab: Lab, body: bytes, **options: Any) -> list[object]:
    """What a person sees of the run: its counts, rows and notes, or the error."""
    lab.job["sourceConfig"] = {"fileConfig": options}
    try:
        result = lab.plan(lab.land("orders.csv", body)).bronze()
    except DataFault as fault:
        return [str(fault), fault.file, fault.row]
    frames = [lab.frame(output.key).drop("_ingested_at", "_run_id") for output in result.outputs]
    return [result.counts, result.notes, *(frame.rows(named=True) for frame in frames)]


@pytest.mark.parametrize(
    ("name", "policy"), [*((name, "quarantine") for name in FILES), ("a short row", "fail"), ("text behind a quote", "fail")]
)
def test_a_file_gives_what_it_gives_when_it_is_proven_first(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str, policy: str
) -> None:
    monkeypatch.setattr(delimited_source, "PROVEN_BESIDE_BYTES", NEVER)
    first = outcome(lab, FILES[name], onMalformedRow=policy)
    monkeypatch.setattr(delimited_source, "PROVEN_BESIDE_BYTES", 0)
    assert outcome(lab, FILES[name], onMalformedRow=policy) == first


@pytest.mark.parametrize("evolution", ["strict", "add_new_columns"])
def test_a_fault_of_the_first_file_is_told_before_one_of_the_second(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, evolution: str
) -> None:
    monkeypatch.setattr(delimited_source, "PROVEN_BESIDE_BYTES", 0)
    lab.job["destinationConfig"] = {"bronzeConfig": {"schemaEvolution": evolution}}
    keys = [lab.land("a.csv", "id,name\n1,x\n2\n"), lab.land("b.csv", '"id,name\n1,x\n')]
    with pytest.raises(DataFault, match=r"a\.csv: row 2 \(line 3\) has 1 fields"):
        lab.plan(*keys).bronze()


def test_nothing_goes_on_reading_when_a_conversion_fails(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited_source, "PROVEN_BESIDE_BYTES", 0)

    def lost(*_: object) -> Iterator[None]:
        raise RetryLater("the service went away")

    monkeypatch.setattr(bronze_conversion.BronzeConversion, "_write_source", lost)
    with pytest.raises(RetryLater, match="went away"):
        lab.ingest("id,name\n1,x\n").bronze()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("proof")] == []
