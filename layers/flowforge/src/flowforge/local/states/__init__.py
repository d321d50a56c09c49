"""A Step Functions service for one machine: the part of the language that the product uses, as AWS runs it."""
