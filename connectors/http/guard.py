"""Which addresses the hub may call: public ones.

A rule's address is written by the shop, but a name in it may come to point anywhere. Machines inside a network
(databases, routers, the cloud's metadata service at 169.254.169.254) must not be reachable through it.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult

IPAddress = IPv4Address | IPv6Address

#: IPv6 addresses that a gateway turns into the IPv4 address in their last 32 bits:
#: NAT64 (https://www.rfc-editor.org/rfc/rfc6052#section-2.1) and the old IPv4-compatible form.
_LAST_32_BITS = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
#: All that was ever given out for the public internet: https://www.iana.org/assignments/ipv6-address-space
_PUBLIC_IPV6 = IPv6Network("2000::/3")


class Forbidden(Exception):
    """The address is not a public one; nothing was sent."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the public internet, also the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address not in _PUBLIC_IPV6:
            return False
    return address.is_global and not address.is_multicast


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that is reached through ``address``; None: it is an IPv6 address in its own right."""
    if any(address in network for network in _LAST_32_BITS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def literal(host: str) -> IPAddress | None:
    """The address that ``host`` is, if it is no name; also as 2130706433, 0x7f000001 or 127.1, which systems accept."""
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def check(host: str) -> None:
    """Raises ``Forbidden`` when ``host`` is written as an address that is not public: those skip the resolver."""
    address = literal(host)
    if address is not None and not is_public(address):
        raise Forbidden(host)


class PublicOnly(AbstractResolver):
    """Resolves a name once; the client dials what was vetted. One address that is not public refuses the name."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            address = literal(one["host"])
            if address is None or not is_public(address):
                raise Forbidden(host)
        return found

    async def close(self) -> None:
        await self._resolver.close()
