"""Who may look: a one-time link, then a signed cookie.

Links and cookies are signed with a secret of the data folder. A link is good once and for an hour: what was used is
remembered in the database, so that it stays used after a restart.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from itsdangerous import BadSignature, URLSafeTimedSerializer

from hub.errors import StorageError
from hub.store import facts
from hub.store.database import Database

_SECRET_FILE = "console-secret"
_LINK_SECONDS = 3600
SESSION_SECONDS = 12 * 3600


class SignIn:
    """Makes and checks links and sessions."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        secret = _secret(data_dir)
        self._database = database
        self._links = URLSafeTimedSerializer(secret, salt="one-time link")
        self._sessions = URLSafeTimedSerializer(secret, salt="session")

    def new_link(self) -> str:
        """The token of a link that signs in once."""
        return str(self._links.dumps(secrets.token_urlsafe(12)))

    def use_link(self, token: str) -> str | None:
        """The session that a link opens; None when it is used, old or made up."""
        try:
            nonce = self._links.loads(token, max_age=_LINK_SECONDS)
        except BadSignature:
            return None
        is_first = self._database.write(lambda connection: facts.claim(connection, f"link:{nonce}")).result()
        return str(self._sessions.dumps(secrets.token_urlsafe(12))) if is_first else None

    def is_session(self, cookie: str | None) -> bool:
        """Whether a cookie is one of ours and not too old."""
        return cookie is not None and self._session(cookie) is not None

    def form_token(self, cookie: str) -> str:
        """What a form of this session has to bring along, so that no other site can send it."""
        return f"{self._session(cookie)}"

    def _session(self, cookie: str) -> str | None:
        try:
            return str(self._sessions.loads(cookie, max_age=SESSION_SECONDS))
        except BadSignature:
            return None


def _secret(data_dir: Path) -> str:
    file = data_dir / _SECRET_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not file.is_file():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secrets.token_urlsafe(32))
        return file.read_text(encoding="ascii")
    except OSError as error:
        raise StorageError(
            f"The data folder {data_dir} cannot be written ({error.strerror}).",
            "Allow writing there, or choose another HUB_DATA_DIR.",
        ) from None
