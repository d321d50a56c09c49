"""The laptop: everything that stands in for AWS while the product runs on one machine."""
