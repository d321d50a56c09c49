"""The API: HTTP over the metadata and the lake. Thin: parse, call, render."""
