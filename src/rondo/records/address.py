"""An address at which a process answers: taken, and written down for people."""

from __future__ import annotations

import socket

from rondo.errors import Conflict


def listen(host: str, port: int, *, where: str) -> socket.socket:
    """A socket bound to that address; port 0 takes a free one.

    Args:
        host: a name, or an address of either family.
        port: 0 to 65535.
        where: the key of the project file that says the port.

    Raises:
        Conflict: it cannot be had: somebody listens there, or it is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Conflict(
            f"port {port} of {host} is not free: {error.strerror}",
            where=where,
            mend=f"Stop who listens there, or write {where.rpartition('.')[2]}: 0 for any free one",
        ) from error
    return listening


def url_of(host: str, port: int) -> str:
    """Where a browser finds it."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
