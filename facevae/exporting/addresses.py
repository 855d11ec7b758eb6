"""Under which addresses others in the network reach this machine."""

import ipaddress
import re
import socket

# Networks of containers and virtual machines within this machine.
_INTERNAL = re.compile(r"docker|br-|veth|virbr|vmnet|vboxnet|cni|flannel|lxc|podman", re.IGNORECASE)


def network_addresses() -> list[str]:
    """This machine's IPv4 addresses that a phone in the same network can open, the one of its main connection first."""
    import ifaddr  # only here: it looks for the C library of the system when it is imported

    found = [
        ip.ip
        for adapter in ifaddr.get_adapters()
        if not _INTERNAL.match(adapter.name)
        for ip in adapter.ips
        if isinstance(ip.ip, str) and _is_reachable(ip.ip)
    ]
    main = _main_address()
    return sorted(dict.fromkeys(found), key=lambda address: address != main)


def _is_reachable(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)


def _main_address() -> str | None:
    """The address from which this machine would reach the internet; nothing is sent."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # an address of RFC 5737 that belongs to nobody
            return str(probe.getsockname()[0])
    except OSError:
        return None
