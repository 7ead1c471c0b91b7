"""A transport that connects only to an address that it has checked itself.

The name is resolved once, every address of the answer is judged, and the connection goes to that very address
(the name stays in the Host header and in TLS). So neither a redirect nor a name that answers differently the second
time leads to the inside of the network.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TypeAlias

import httpx

from rondo.errors import ContractError, TemporaryPortError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether the address is of the open internet; what is wrapped in IPv6 counts as what it wraps."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


class GuardedTransport(httpx.HTTPTransport):
    """Sends requests to checked addresses only."""

    def __init__(self, *, allow_private: bool, where: str) -> None:
        """Private addresses are refused unless `allow_private`."""
        super().__init__(trust_env=False)
        self._allow_private, self._where = allow_private, where

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer.

        Raises:
            ContractError: the address is private, or the scheme is not HTTP.
            TemporaryPortError: the name is not known at the moment.
        """
        host = request.url.host
        if request.url.scheme not in {"http", "https"}:
            raise ContractError(
                f"{request.url.scheme}:// cannot be read", where=self._where, rule="An http or https URL"
            )
        address = self._checked(host, request.url.port or (443 if request.url.scheme == "https" else 80))
        request.extensions = {**request.extensions, "sni_hostname": host}
        named, request.url = request.url, request.url.copy_with(host=str(address))
        try:
            return super().handle_request(request)
        finally:
            request.url = named

    def _checked(self, host: str, port: int) -> Address:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise TemporaryPortError(
                f"the name {host!r} cannot be resolved",
                where=self._where,
                mend="Check the URL and the network",
            ) from error
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        if not self._allow_private and not all(map(is_public, addresses)):
            raise ContractError(
                f"{host} is an address of this machine or of a private network",
                where=self._where,
                rule="Sources read the open internet only",
                mend="Write allow_private: true when that is meant",
            )
        # IPv4 first where there is a choice: it is the one that works in most closed rooms.
        return min(addresses, key=lambda address: address.version)
