"""How a query fails on the laptop."""


class QueryError(Exception):
    """A query that Athena would end as FAILED; the message is its StateChangeReason."""
