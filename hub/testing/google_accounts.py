"""Service accounts and access tokens of the fake Google: the whole JWT-bearer exchange, with a real RSA key.

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Mapping
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: google-auth names this one whatever the account's ``token_uri`` is.
_AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/spreadsheets"


class NotGranted(Exception):
    """No token for such a request: the OAuth error code and its description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@cache
def _key() -> rsa.RSAPrivateKey:
    # One for all fakes of a process: making a key takes a tenth of a second.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Accounts:
    """The accounts by address, and the tokens that were given out."""

    def __init__(self, token_uri: str) -> None:
        self._token_uri = token_uri
        self._emails: set[str] = set()
        self._tokens: dict[str, str] = {}

    def service_account(self, email: str) -> dict[str, str]:
        """The JSON of a service account's key, as Google's console hands it out."""
        self._emails.add(email)
        pem = _key().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": "fake",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": email,
            "client_id": "1",
            "token_uri": self._token_uri,
        }

    def grant(self, form: Mapping[str, str]) -> dict[str, object]:
        """The answer of the token endpoint; raises ``NotGranted``."""
        if form.get("grant_type") != GRANT:
            raise NotGranted("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')}")
        claims = self._claims(form.get("assertion", ""))
        if claims.get("iss") not in self._emails:
            raise NotGranted("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") not in (self._token_uri, _AUDIENCE) or not _now_between(
            claims.get("iat"), claims.get("exp")
        ):
            raise NotGranted("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)")
        if SCOPE not in str(claims.get("scope")).split():
            raise NotGranted("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        token = f"ya29.{secrets.token_urlsafe(32)}"
        self._tokens[token] = str(claims["iss"])
        return {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}

    def _claims(self, assertion: str) -> dict[str, object]:
        signed, _, signature = assertion.rpartition(".")
        try:
            _key().public_key().verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims: dict[str, object] = json.loads(_decoded(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            raise NotGranted("invalid_grant", "Invalid JWT Signature.") from None
        return claims

    def who(self, authorization: str) -> str | None:
        """The account behind an ``Authorization`` header; None: nobody."""
        return self._tokens.get(authorization.removeprefix("Bearer "))

    def revoke_tokens(self) -> None:
        """Ends all tokens that were given out; new ones may be had."""
        self._tokens.clear()

    def remove(self, email: str) -> None:
        """Deletes an account."""
        self._emails.discard(email)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _now_between(start: object, end: object) -> bool:
    slack = 10  # seconds
    return (
        isinstance(start, int)
        and isinstance(end, int)
        and start - slack <= time.time() <= end + slack
        and end - start <= 3600
    )
