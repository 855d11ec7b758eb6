"""Whether an address is reachable only from this machine, and a warning where it is not."""

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
    """Prints a warning on standard error if other machines can reach the address.

    Args:
        host: the address on which something is served.
        what: what is served, for the message.
    """
    if not is_loopback(host):
        print(
            f"warning: everyone who reaches {host or 'this machine'} can open {what}. "
            f"Leave --host out to keep it to this machine.",
            file=sys.stderr,
        )
