"""A console that is really listening, and browsers that ask it for pages."""

from __future__ import annotations

import html
import http.client
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlencode

from hub.model import Role
from hub.store import audit, people
from hub.store.database import Connection
from hub.web.console.pages import Console
from tests.integration.shop import TestShop


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def said(self) -> str:
        """The sentence for the next page."""
        found = re.search(r'hub_said="?([^";]*)', self.headers.get("set-cookie", ""))
        return unquote(found[1]) if found else ""


@dataclass
class Browser:
    """Asks for pages, keeps its session, and sends along the form's token as its pages do."""

    port: int
    cookie: str = ""
    seen: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        answer = self.ask("GET", path, **headers)
        return answer.status, answer.text

    def post(self, path: str, **fields: str | Sequence[str]) -> tuple[int, str]:
        answer = self.send(path, **fields)
        return answer.status, answer.text

    def send(self, path: str, **fields: str | Sequence[str]) -> Answer:
        """Posts a form; with the session's own token unless ``form`` is given."""
        if self.cookie and "form" not in fields:
            fields = {"form": self.token(), **fields}
        return self.ask("POST", path, urlencode(fields, doseq=True))

    def token(self) -> str:
        if self.cookie not in self.seen:
            _, page = self.get("/account")
            found = re.search(r'name="form" value="([^"]+)"', page)
            self.seen[self.cookie] = found[1] if found else ""
        return self.seen[self.cookie]

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookie, **headers}
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        cookies = answer.msg.get_all("Set-Cookie") or []
        connection.close()
        for cookie in cookies:
            if cookie.startswith("hub_session="):
                self.cookie = "" if 'hub_session=""' in cookie else cookie.partition(";")[0]
                assert "HttpOnly" in cookie or not self.cookie
                assert "samesite=lax" in cookie.lower()
        if answer.status not in {303, 400, 404, 405, 500}:
            policy = answer.getheader("Content-Security-Policy") or ""
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
        return Answer(answer.status, text, {name.lower(): value for name, value in answer.getheaders()})


@dataclass
class Place:
    shop: TestShop
    console: Console
    port: int
    placed: list[str]

    def browser(self) -> Browser:
        return Browser(self.port)

    def link(self, role: Role = Role.OWNER, name: str = "") -> str:
        """The token of a link for a person of that role, who is added if need be."""
        now = self.shop.clock.now()

        def write(connection: Connection) -> str:
            people.add(connection, name or role.value, role, now)
            user = people.find(connection, name or role.value)
            assert user is not None
            return people.new_link(connection, user.id, now + 60_000)

        return self.shop.hub.database.write(write).result()

    def signed_in(self, role: Role = Role.OWNER, name: str = "") -> Browser:
        browser = self.browser()
        assert browser.post("/sign-in", token=self.link(role, name))[0] == 303
        return browser

    def acts(self, thing: str | None = None) -> list[tuple[str, str, str]]:
        """Who did what on which thing, oldest first, without the coming and going."""
        found = self.shop.hub.database.read(lambda connection: audit.acts(connection, thing=thing))
        return [(one.who, one.what, one.thing) for one in reversed(found) if not one.what.startswith("signed")]


def words(page: str) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", page)))
