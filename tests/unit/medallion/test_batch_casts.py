"""Casts of whole batches against the definition that a text by itself is held to."""

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowforge.medallion.batch_casts import cast_texts, misfits
from flowforge.medallion.casts import cast, misfit
from flowforge.medallion.type_candidates import CANDIDATES
from flowforge.model.contract import DataType

DECLARED = ["integer", "decimal(15,2)", "decimal(5,0)", "decimal(38,10)", "float", "boolean", "date", "timestamp", "timestamptz"]
TYPES = [(DataType.parse(kind), True) for kind in DECLARED] + [(candidate, False) for candidate in CANDIDATES]
GROUPED = DataType.parse("decimal(15,2)").model_copy(update={"thousands_separator": ","})
TEXTS = st.one_of(
    st.none(),
    st.from_regex(r"[+-]?0{0,3}[0-9]{0,19}(\.[0-9]{0,4})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.from_regex(r"[+-]?[0-9]{1,5}[-/. ][0-9]{1,2}[-/. ][0-9]{1,4}", fullmatch=True),
    st.from_regex(
        r"(19|20|0|-)[0-9]{2,3}-[0-1][0-9]-[0-3][0-9][ T][0-2][0-9]:[0-5][0-9](:[0-9]{2}(\.[0-9]{0,9})?)? ?(Z|[+-]0[0-9]:?00)?",
        fullmatch=True,
    ),
    st.sampled_from(
        ["", " ", "\t7\n", " 2026-01-02", "2026-01-02 ", "\u00a03.50", "nan", "inf", "1e999", "-0", "true", "1,234.5"]
    ),
    st.text(alphabet="0123456789.,:+-eETZ _x", max_size=20),
)


def results(texts: Sequence[str | None], data_type: DataType, *, declared: bool) -> list[pl.DataFrame]:
    """What the batch, and what the definition makes of the texts: the typed values, and which do not fit."""
    frame, text, typed = pl.LazyFrame({"text": list(texts)}, schema={"text": pl.String}), pl.col("text"), pl.col("typed")
    quick, exact = cast_texts(text, data_type, declared=declared), cast(text, data_type, declared=declared)
    answers = [
        frame.with_columns(quick.alias("typed")).with_columns(misfits(text, typed).alias("odd")),
        frame.with_columns(exact.alias("typed")).with_columns(misfit(text, typed).alias("odd")),
    ]
    return pl.collect_all(answers, engine="streaming")


@pytest.mark.parametrize("repeated", [1, 10], ids=["different", "repeated"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.lists(TEXTS, min_size=1, max_size=60))
def test_a_batch_is_what_its_texts_are_one_by_one(repeated: int, texts: list[str | None]) -> None:
    for data_type, declared in (*TYPES, (GROUPED, True)):
        ours, theirs = results(texts * repeated, data_type, declared=declared)
        assert ours.equals(theirs), (data_type, declared)


def test_a_batch_without_any_text_is_all_null_and_fits() -> None:
    for data_type, declared in TYPES:
        for texts in ([], [None, None]):
            ours, theirs = results(texts, data_type, declared=declared)
            assert ours.equals(theirs)
            assert ours.schema == theirs.schema
