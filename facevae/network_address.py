"""Who can reach a server: this machine alone, unless it is opened deliberately."""

import ipaddress
import sys

LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def warn_if_open(host: str, what: str) -> None:
    """Says on standard error that others can open `what`, where they can."""
    if not is_loopback(host):
        print(
            f"warning: everyone who reaches {host or 'this machine'} can open {what}. "
            f"Leave --host out to keep it to this machine.",
            file=sys.stderr,
        )
