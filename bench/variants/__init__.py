"""The ways to do each case's work: the product's, and what it is held against."""
