"""`make bench`: how fast the product's own code is, beside DuckDB doing the same work on the same file.

Every variant of a case runs in a fresh process; a round runs each variant once, so that what disturbs the machine disturbs
all of them; a ratio is the median of the ratios of each round. Nothing here is a test, and no test looks at a clock.
"""
