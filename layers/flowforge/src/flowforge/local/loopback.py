"""Traffic between the processes of this machine, which no proxy of the network may see."""

import os

# An endpoint of the stack is always this address; clients read the variable in either case.
_HOSTS = "127.0.0.1,localhost"
NO_PROXY = {"NO_PROXY": _HOSTS, "no_proxy": _HOSTS}


def bypass_proxies() -> None:
    """Let every HTTP client of this process reach this machine directly, whatever proxies the environment names."""
    for name in NO_PROXY:
        given = [host.strip() for host in os.environ.get(name, "").split(",") if host.strip()]
        missing = [host for host in _HOSTS.split(",") if host not in given]
        if "*" not in given and missing:
            os.environ[name] = ",".join([*given, *missing])
