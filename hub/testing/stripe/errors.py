"""Stripe's refusals, in the words and the JSON of https://docs.stripe.com/api/errors."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An answer that is not 2xx; ``body`` is its JSON."""

    def __init__(self, status: int, kind: str, message: str, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        error: dict[str, Any] = {"message": message, "type": kind}
        if code:
            error |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
        if param:
            error["param"] = param
        self.body = {"error": error}


def invalid(message: str, param: str | None = None, code: str | None = None) -> Refused:
    return Refused(400, "invalid_request_error", message, code, param)


def unknown_parameter(name: str) -> Refused:
    return invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")


def missing_parameter(name: str) -> Refused:
    return invalid(f"Missing required param: {name}.", name, "parameter_missing")


def no_such(kind: str, identity: str, status: int = 404, param: str = "id") -> Refused:
    """A retrieved object is 404; one that a parameter names (a cursor) is 400."""
    return Refused(status, "invalid_request_error", f"No such {kind}: '{identity}'", "resource_missing", param)


def no_such_path(method: str, path: str) -> Refused:
    return Refused(
        404,
        "invalid_request_error",
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
    )


def no_key() -> Refused:
    return Refused(
        401,
        "invalid_request_error",
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
    )


def wrong_key(key: str) -> Refused:
    return Refused(401, "invalid_request_error", f"Invalid API Key provided: {masked(key)}")


def expired_key(key: str) -> Refused:
    return Refused(401, "invalid_request_error", f"Expired API Key provided: {masked(key)}", "api_key_expired")


def may_not(key: str, account: str, permission: str) -> Refused:
    """What a restricted key is told; the wording of https://github.com/stripe/stripe-node/issues/2246."""
    return Refused(
        403,
        "invalid_request_error",
        f"The provided key '{masked(key)}' does not have the required permissions for this endpoint on account "
        f"'{account}'. Having the '{permission}' permission would allow this request to continue.",
    )


def no_access(key: str, account: str) -> Refused:
    return Refused(
        403,
        "invalid_request_error",
        f"The provided key '{masked(key)}' does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked.",
        "account_invalid",
    )


def too_many() -> Refused:
    return Refused(
        429,
        "rate_limit_error",
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        "rate_limit",
    )


def internal(status: int = 500) -> Refused:
    return Refused(status, "api_error", "An unknown error occurred.")


def masked(key: str) -> str:
    """``rk_test_51Hx…abcd`` as Stripe repeats it: the prefix and the last four characters."""
    head = "_".join(key.split("_")[:2]) + "_"
    rest = key.removeprefix(head)
    return f"{head}{'*' * max(len(rest) - 4, 4)}{rest[-4:]}" if key.count("_") >= 2 else f"{key[:3]}****"
