"""The HTTP API as the command line uses it: where it is, how it is asked, and how its answers end a command."""
