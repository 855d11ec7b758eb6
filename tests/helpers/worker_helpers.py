"""Workers on this machine, for tests that start them."""

import json
import socket

ENDING_SECONDS = 900  # a training that does not come to an end is ended


def free_ports(count):
    """Ports that nobody listens on at this moment."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def tf_configs(count):
    """TF_CONFIG of so many workers on this machine."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(count)]
    tasks = [{"type": "worker", "index": index} for index in range(count)]
    return [json.dumps({"cluster": {"worker": addresses}, "task": task}) for task in tasks]
