"""Ports for programs that must be told one before they bind it.

Never one that the system gives out by itself (to connections, or to who binds port 0): between choosing and binding
somebody else on a busy machine would get it.
"""
import os
import pathlib
import socket

LOWEST, WORKERS = 10240, 16

_given = 0


def _range():
    lowest_of_system = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return range(LOWEST, lowest_of_system) if lowest_of_system >= LOWEST + 1000 else range(61000, 65536)


def free_port(bind="127.0.0.1"):
    """A port that nobody listens on. No other worker of a test run is given it, this process only once, and what runs
    beside it begins elsewhere."""
    global _given
    ports = _range()
    turns = len(ports) // WORKERS
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS
    for _ in range(turns):
        _given += 1
        port = ports[(os.getpid() * 31 + _given) % turns * WORKERS + worker]
        with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((bind, port))
            except OSError:
                continue
            return port
    raise OSError(f"no port is free on {bind}")
