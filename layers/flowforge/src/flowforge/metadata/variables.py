"""The environment variables that lead to the database; apart from what reads them, which takes a while to load."""

URL_VARIABLE = "DATABASE_URL"
HOST_VARIABLE = "FLOWFORGE_DATABASE_HOST"
PORT_VARIABLE = "FLOWFORGE_DATABASE_PORT"
NAME_VARIABLE = "FLOWFORGE_DATABASE_NAME"
SECRET_VARIABLE = "FLOWFORGE_DATABASE_SECRET_ARN"  # noqa: S105 -- the name of a variable that holds the name of a secret
CA_BUNDLE_VARIABLE = "FLOWFORGE_DATABASE_CA_BUNDLE"
POOL_VARIABLE = "FLOWFORGE_DATABASE_POOL_SIZE"
