"""What a letter carries: files from the folder that the operator names, and documents from addresses he allows.

Both are read before the letter is sent, so a failure here is never in doubt.
"""

from __future__ import annotations

import mimetypes
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hub.connector import Permanent, Retryable

#: Most providers refuse letters above 25 MB, and encoding adds a third.
LARGEST = 15 * 1024 * 1024
#: Where Stripe keeps invoices and receipts (https://docs.stripe.com/api/invoices/object#invoice_object-invoice_pdf).
STRIPE = ("https://pay.stripe.com/", "https://invoice.stripe.com/", "https://files.stripe.com/")

_SECONDS = 20
_NAME = re.compile(r"[^\w.()+-]+")


@dataclass(frozen=True, slots=True)
class Attachment:
    """``kind`` is a media type such as ``application/pdf``."""

    name: str
    kind: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where attachments may come from: one folder, and addresses that begin with one of these."""

    folder: Path | None
    addresses: Sequence[str]

    def read(self, wanted: str) -> Attachment:
        """A file's name, or an address. Raises ``Permanent``, or ``Retryable`` when the address does not answer now."""
        if "://" in wanted:
            return _fetched(wanted, self.addresses)
        if self.folder is None:
            raise Permanent("attach: name a folder first, with  attach_folder:  at the e-mail connection, and retry.")
        return _from_file(self.folder, wanted)


def _from_file(folder: Path, wanted: str) -> Attachment:
    root = folder.resolve()
    try:
        path = (root / wanted).resolve()
        # Also a link that leads out of the folder: what customers type may be part of the name.
        if not path.is_relative_to(root) or not path.is_file():
            raise Permanent(f"attach: there is no such file in {folder}. Put it there and retry.")
        if path.stat().st_size > LARGEST:
            raise Permanent(f"attach: the file is larger than {LARGEST // 1024 // 1024} MB.")
        return _attachment(path.name, path.read_bytes(), None)
    except (OSError, ValueError):  # a name that no file can have
        raise Permanent(
            f"attach: the file in {folder} cannot be read. Correct the name or its rights and retry."
        ) from None


def _fetched(address: str, allowed: Sequence[str]) -> Attachment:
    _check(address, allowed)
    opener = urllib.request.build_opener(_Redirects(allowed), urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=_SECONDS) as answer:
            content = answer.read(LARGEST + 1)
            kind = answer.headers.get_content_type()
            name = answer.headers.get_filename() or unquote(urlsplit(answer.url).path.rpartition("/")[2])
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 429 or error.code >= 500:
            raise Retryable(f"attach: the document's server answered {error.code}.") from None
        raise Permanent(f"attach: the document's server answered {error.code}.") from None
    except (OSError, ValueError):
        raise Retryable("attach: the document's server cannot be reached.") from None
    if len(content) > LARGEST:
        raise Permanent(f"attach: the document is larger than {LARGEST // 1024 // 1024} MB.")
    return _attachment(name, content, kind)


def _check(address: str, allowed: Sequence[str]) -> None:
    # As browsers read it: a backslash, a user name or a dot segment must not lead elsewhere than it looks.
    strange = "\\" in address or ".." in address or "@" in urlsplit(address).netloc or not address.isprintable()
    if strange or not any(address.startswith(one) for one in allowed):
        raise Permanent("attach: letters may not carry documents from that address. Allow it with  attach_from:  .")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Every address on the way must be an allowed one."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = allowed

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            _check(newurl, self._allowed)
        except Permanent:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _attachment(name: str, content: bytes, kind: str | None) -> Attachment:
    plain = _NAME.sub("_", name).strip("._") or "document"
    guessed = mimetypes.guess_type(plain)[0]
    known = kind if kind and kind != "application/octet-stream" else guessed or "application/octet-stream"
    if "." not in plain and (ending := mimetypes.guess_extension(known)):
        plain += ending
    return Attachment(plain[-100:], known, content)
