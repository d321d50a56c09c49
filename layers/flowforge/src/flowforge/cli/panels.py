"""The groups in which ``flowforge --help`` shows commands."""

MACHINE = "On this machine"
TABLES = "Tables of the lake"
API = "Over the API, here or in AWS"
UPKEEP = "Upkeep"
