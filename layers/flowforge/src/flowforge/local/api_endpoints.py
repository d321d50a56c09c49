"""Where a stack's HTTP API is: the keys of its endpoints, and the variables by which commands find it."""

API, API_TOKEN, API_DOCS = "api", "api_token", "api_docs"
"""The keys of the address, of an admin's token, and of the page that documents it, where a stack serves it."""
API_VARIABLES = {API: "FLOWFORGE_API", API_TOKEN: "FLOWFORGE_TOKEN"}
