"""Signed calls, as many receivers of webhooks expect them: https://www.standardwebhooks.com"""

from __future__ import annotations

import base64
import hashlib
import hmac

from hub.connector import Mistake

_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The key in ``whsec_…``, base64 of 24 to 64 bytes; raises ``Mistake`` for anything else."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64:
        raise Mistake("signing_secret is whsec_ followed by the base64 of 24 to 64 bytes.", "${WEBHOOK_SECRET}")
    return key


def signature(key: bytes, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers that sign a call; ``message_id`` stays the same on every try, ``seconds`` is the time of this one."""
    signed = f"{message_id}.{seconds}.".encode() + body
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(seconds), "webhook-signature": f"v1,{digest}"}
