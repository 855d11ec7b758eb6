"""Whether an address is reachable only from this machine, and a warning where it is not."""

import ipaddress
import re
import socket
import sys

LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_own_name(requested: str, host: str) -> bool:
    """Whether a request's Host header names this machine, and not a name that somebody made point to it.

    Args:
        requested: the header, `name` or `name:port`; an IPv6 address is in brackets.
        host: the address on which something is served.
    """
    name = requested.rsplit(":", 1)[0] if re.search(r":\d*$", requested) else requested
    name = name.strip("[]").lower()
    own = {"localhost", host.lower(), socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return bool(name) and name in own
    # Addresses cannot be made to point elsewhere; one that was opened to others is reached by any of its addresses.
    return address.is_loopback or not is_loopback(host)


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
