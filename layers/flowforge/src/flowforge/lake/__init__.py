"""The data bucket: keys, objects, conditional publish, heads, contracts. The only package that speaks to S3."""
