"""What runs, when, and what is recorded of it."""
