"""The casts of ``casts``, a batch of texts at a time, at a quarter of their cost.

What a text means is defined there. Here a batch with few different texts has each of them cast once, and of any other batch only
the texts that are not written plainly go the whole way. No text that is taken for plain here has another value there.
"""

from collections.abc import Callable, Sequence
from functools import partial

import polars as pl

from flowforge.medallion.casts import cast, is_blank, number_form, polars_type, timestamps
from flowforge.model.contract import DataType, Type

SHARE_OF_DIFFERENT = 0.125
"""Up to this share of different texts in a batch it pays to find them out first."""
MAX_INTEGER_DIGITS = 18


def cast_texts(text: pl.Expr, data_type: DataType, *, declared: bool) -> pl.Expr:
    """The same as ``casts.cast``."""
    if data_type.type in (Type.TEXT, Type.UNDETERMINED):
        return text
    by_batch = partial(_cast_batch, data_type=data_type, declared=declared)
    return text.map_batches(by_batch, return_dtype=polars_type(data_type), is_elementwise=True)


def misfits(text: pl.Expr, typed: pl.Expr) -> pl.Expr:
    """The same as ``casts.misfit``: true where a text that is not blank has no typed value."""
    return pl.map_batches([text, typed], _misfits_of_batch, return_dtype=pl.Boolean, is_elementwise=True)


def _cast_batch(texts: pl.Series, *, data_type: DataType, declared: bool) -> pl.Series:
    exact = partial(_evaluated, expression=lambda text: cast(text, data_type, declared=declared))
    plain = _PLAIN.get(data_type.type)
    if data_type.type is not Type.INTEGER and _has_few_different(texts):
        return _by_different_texts(texts, exact)
    if plain is None or data_type.thousands_separator:
        return exact(texts)
    return _where_missing(plain(texts, data_type, declared), texts, exact)


def _evaluated(texts: pl.Series, *, expression: Callable[[pl.Expr], pl.Expr]) -> pl.Series:
    return texts.to_frame("text").select(expression(pl.col("text"))).to_series()


def _has_few_different(texts: pl.Series) -> bool:
    different: int = texts.to_frame("text").select(pl.col("text").approx_n_unique()).item()
    return different <= SHARE_OF_DIFFERENT * len(texts)


def _by_different_texts(texts: pl.Series, function: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """What a function makes of texts, each different one given to it once."""
    different = texts.drop_nulls().unique()
    return function(different).gather(texts.cast(pl.Enum(different)).to_physical())


def _where_missing(typed: pl.Series, texts: pl.Series, exact: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """The typed values, with those of the other texts from the exact function."""
    doubtful = typed.is_null() & texts.is_not_null()
    if not doubtful.any():
        return typed
    return typed.scatter(doubtful.arg_true(), exact(texts.filter(doubtful)))


def _plain_integer(texts: pl.Series, data_type: DataType, declared: bool) -> pl.Series:
    typed = texts.cast(polars_type(data_type), strict=False)
    longer = texts.str.len_bytes() > MAX_INTEGER_DIGITS
    return _without(typed, longer if declared else longer | (typed.cast(pl.String) != texts))


def _plain_number(texts: pl.Series, data_type: DataType, declared: bool) -> pl.Series:
    typed = texts.cast(polars_type(data_type), strict=False)
    other = ~texts.str.contains(number_form(data_type, declared=declared))
    return _without(typed, other if data_type.type is Type.DECIMAL else other | ~typed.is_finite())


def _plain_timestamp(texts: pl.Series, data_type: DataType, _: bool) -> pl.Series:
    return _evaluated(texts, expression=lambda text: timestamps(text, text, data_type)[0])


_PLAIN: dict[Type, Callable[[pl.Series, DataType, bool], pl.Series]] = {
    Type.INTEGER: _plain_integer,
    Type.DECIMAL: _plain_number,
    Type.FLOAT: _plain_number,
    Type.TIMESTAMP: _plain_timestamp,
}
"""The values of the texts that are written plainly, without white space around them, and null for the others."""


def _without(typed: pl.Series, others: pl.Series) -> pl.Series:
    return typed.scatter(others.arg_true(), pl.Series([None], dtype=typed.dtype))


def _misfits_of_batch(columns: Sequence[pl.Series]) -> pl.Series:
    texts, typed = columns
    missing = texts.is_not_null() & typed.is_null()
    if not missing.any():
        return missing
    return missing.scatter(missing.arg_true(), ~_evaluated(texts.filter(missing), expression=is_blank))
