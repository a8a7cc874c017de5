"""Whose request it is, as far as rate limits are concerned."""

from __future__ import annotations

import ipaddress

from starlette.requests import Request


def address(request: Request) -> str:
    """The sender's address. Behind a proxy on this machine or network it is the last one that the proxy names."""
    peer = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    try:
        is_proxy = ipaddress.ip_address(peer).is_private
    except ValueError:
        is_proxy = False
    return forwarded if forwarded and is_proxy else peer
