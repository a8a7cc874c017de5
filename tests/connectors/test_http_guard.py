"""Which addresses may be called, however they are written, and that what was vetted is what is dialled."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from connectors.http import Http, HttpRequest
from connectors.http.guard import Forbidden, PublicOnly, is_public, literal
from hub.clock import ManualClock
from hub.connector import Batch, Failure, Permanent, Place, Result
from hub.testing.http_sink import HttpSink
from hub.testing.sending import delivery, send

ACTION = HttpRequest()

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # the metadata service of most clouds
    "100.64.0.1",  # carriers' own network; Alibaba's metadata service is 100.100.100.200
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",  # Amazon's metadata service
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:a9fe:a9fe::",
    "2001:0:0:0:0:0:80ff:fffe",  # Teredo of 127.0.0.1
    "100::1",
    "5f00::1",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001:81b::200e", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1", "017700000001"]
)
def test_loopback_is_recognised_however_it_is_written(host: str) -> None:
    assert literal(host) == ip_address("127.0.0.1")


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1.example.com", "1e100.net", "", "a" * 300])
def test_names_are_no_addresses(host: str) -> None:
    assert literal(host) is None


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with HttpSink() as running:
        yield running


def call(url: str, folder: Path, **settings: Any) -> Result | Failure:
    place = Place("shop", folder, "hub-1", ManualClock())
    http = Http(Http.Config.model_validate({"timeout": "2 seconds"} | settings), place)
    outcome = send(ACTION, http, Batch(1, [delivery(ACTION, {"url": url}, 1)]))[0]
    http.close()
    return outcome


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
        "[fe80::1%25lo]",
        "0",
        "localhost",
        "LOCALHOST",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "1２7.0.0.1",
    ],
)
def test_this_machine_is_not_called_under_any_name(sink: HttpSink, tmp_path: Path, host: str) -> None:
    outcome = call(f"http://{host}:{sink.url.rpartition(':')[2]}/orders", tmp_path)
    assert isinstance(outcome, Permanent), outcome
    assert sink.calls == 0


def test_the_refusal_says_what_to_do(sink: HttpSink, tmp_path: Path) -> None:
    outcome = call(f"{sink.url}/orders", tmp_path)
    assert isinstance(outcome, Permanent)
    assert "allow_private: yes" in outcome.message


def test_whoever_allows_private_addresses_may_call_them(sink: HttpSink, tmp_path: Path) -> None:
    assert isinstance(
        call(sink.url.replace("127.0.0.1", "localhost") + "/orders", tmp_path, allow_private=True), Result
    )
    assert sink.calls == 1


def test_a_base_url_inside_the_network_is_refused_too(sink: HttpSink, tmp_path: Path) -> None:
    assert isinstance(call("/orders", tmp_path, base_url=sink.url), Permanent)
    assert sink.calls == 0


class Rebinding(AbstractResolver):
    """A name server that answers with a public address first and with this machine's from then on."""

    def __init__(self) -> None:
        self.answers = ["8.8.8.8"]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        address = self.answers.pop() if self.answers else "127.0.0.1"
        return [ResolveResult(hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


def dialled(resolver: AbstractResolver, times: int) -> list[str]:
    """The addresses to which a client opens a line for ``times`` calls; none is really opened."""
    addresses: list[str] = []

    def refuse(address: Any) -> socket.socket:
        addresses.append(address[4][0])
        raise OSError("not opened")

    async def call_again_and_again() -> None:
        connector = TCPConnector(resolver=PublicOnly(resolver), socket_factory=refuse, use_dns_cache=False)
        async with ClientSession(connector=connector) as session:
            for _ in range(times):
                with pytest.raises((ClientError, Forbidden)):
                    await session.get("http://rebinding.example/")

    asyncio.run(call_again_and_again())
    return addresses


def test_what_was_vetted_is_what_is_dialled_however_often_the_name_changes() -> None:
    assert dialled(Rebinding(), times=3) == ["8.8.8.8"]
