"""Passwords: Argon2id with the library's parameters, and how often somebody may try. The only importer of argon2."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

#: NIST SP 800-63B: length is what counts; the upper bound only keeps the work of hashing within reason.
SHORTEST, LONGEST = 12, 200

#: Somebody who mistypes tries a few times; somebody who guesses tries many, at one name or from one address.
_PER_NAME = parse("10/15minutes")
_PER_ADDRESS = parse("30/minute")


class Passwords:
    """Hashes and checks. A name that nobody has takes as long as a wrong password."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._nobodys = self._hasher.hash("nobody's password")
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def may_try(self, name: str, address: str) -> bool:
        """Counts one try to sign in; False when there were too many."""
        by_address = self._limiter.hit(_PER_ADDRESS, "address", address)
        return by_address and (not name or self._limiter.hit(_PER_NAME, "name", name.lower()))

    def hashed(self, password: str) -> str:
        """What of a password is stored."""
        return self._hasher.hash(password)

    def fits(self, hashed: str | None, password: str) -> bool:
        """Whether a password is the one of a stored hash; None: there is none."""
        try:
            self._hasher.verify(hashed or self._nobodys, password[:LONGEST])
        except (VerifyMismatchError, InvalidHashError):
            return False
        return hashed is not None


def refusal(password: str, again: str) -> str:
    """Why a new password cannot be used, or ""."""
    if password != again:
        return "The two passwords differ. Type the same one twice."
    if not SHORTEST <= len(password) <= LONGEST:
        return f"Choose a password of {SHORTEST} to {LONGEST} characters; a short sentence is easy to remember."
    return ""
