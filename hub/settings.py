"""Settings from the environment and ``.env``: read once, checked together, every mistake listed at once.

Each name may also be given as ``NAME_FILE``: a file that holds the value (Docker and Kubernetes secrets).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values, set_key
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from hub.errors import SettingsError


class Settings(BaseModel):
    """All settings; ``docs/settings.md`` is held against this class by a test."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: str = Field("sqlite:///var/hub.db", alias="HUB_DATABASE_URL")
    rules: Path = Field(Path("rules.yaml"), alias="HUB_RULES")
    data_dir: Path = Field(Path("var"), alias="HUB_DATA_DIR")
    host: str = Field("127.0.0.1", alias="HUB_HOST", min_length=1)
    port: int = Field(8000, alias="HUB_PORT", ge=0, le=65535)
    public_url: str = Field("", alias="HUB_PUBLIC_URL")
    connectors_dir: Path | None = Field(None, alias="HUB_CONNECTORS_DIR")
    log_format: Literal["console", "json"] = Field("console", alias="HUB_LOG_FORMAT")
    lease_seconds: float = Field(30, alias="HUB_LEASE_SECONDS", ge=1, le=3600)
    currency_decimals: dict[str, int] = Field(default_factory=dict, alias="HUB_CURRENCY_DECIMALS")
    stripe_api_key: SecretStr | None = Field(None, alias="STRIPE_API_KEY")
    stripe_webhook_secret: SecretStr | None = Field(None, alias="STRIPE_WEBHOOK_SECRET")
    stripe_api_base: str | None = Field(None, alias="STRIPE_API_BASE")
    stripe_requests_per_second: float = Field(20, alias="STRIPE_REQUESTS_PER_SECOND", gt=0)
    stripe_poll_seconds: int = Field(300, alias="STRIPE_POLL_SECONDS", ge=0)

    @field_validator("stripe_api_key", "stripe_api_base", mode="before")
    @classmethod
    def _unset_when_empty(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("stripe_api_base", "public_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("it must begin with https:// (or http://)")
        return value.rstrip("/") if value else value

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _is_signing_secret(cls, value: SecretStr | None) -> SecretStr | None:
        secrets = [] if value is None else [one.strip() for one in value.get_secret_value().split(",")]
        # An empty secret must never mean "do not verify".
        if not all(secrets):
            raise ValueError("it is empty, or has an empty part between commas; Stripe's secrets begin with whsec_")
        if not all(one.startswith("whsec_") for one in secrets):
            raise ValueError("it must begin with whsec_; Stripe shows it beside the webhook endpoint")
        return value

    @field_validator("stripe_api_key")
    @classmethod
    def _is_for_servers(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("rk_", "sk_")):
            raise ValueError("it must be a restricted key (rk_…) or a secret one (sk_…); pk_… is the one for web pages")
        return value

    @field_validator("currency_decimals", mode="before")
    @classmethod
    def _decimals(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [one.strip().partition(":") for one in value.split(",") if one.strip()]
        if not all(len(code) == 3 and digits in {"0", "2", "3"} for code, _, digits in parts):
            raise ValueError("it must look like UGX:0 (a currency and 0, 2 or 3 decimals; several separated by commas)")
        return {code.upper(): int(digits) for code, _, digits in parts}

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The signing secrets; empty when none is set."""
        secret = self.stripe_webhook_secret
        return () if secret is None else tuple(one.strip() for one in secret.get_secret_value().split(","))

    @property
    def livemode(self) -> bool | None:
        """Whether the API key is a live one; None without a key, or with one that does not say."""
        key = "" if self.stripe_api_key is None else self.stripe_api_key.get_secret_value()
        modes = [part for part in key.split("_")[1:-1] if part in {"live", "test"}]  # sk_live_…, sk_org_live_…
        return modes[0] == "live" if modes else None

    @property
    def has_full_key(self) -> bool:
        """Whether the API key may do everything; the hub only reads (https://docs.stripe.com/keys/restricted-api-keys)."""
        return self.stripe_api_key is not None and self.stripe_api_key.get_secret_value().startswith("sk_")

    @property
    def is_demo(self) -> bool:
        """Neither a signing secret nor a key: the hub shows what it does with sample orders."""
        return self.stripe_webhook_secret is None and self.stripe_api_key is None


class Environment(Mapping[str, str]):
    """The process's environment over ``.env``; a missing ``NAME`` is read from the file that ``NAME_FILE`` names.

    Rules take their ``${NAME}`` from here too. Raises :class:`SettingsError` for a file that cannot be read.
    """

    def __init__(self, given: Mapping[str, str] | None = None, env_file: Path = Path(".env")) -> None:
        beside = {name: value for name, value in dotenv_values(env_file).items() if value is not None}
        self._values = {**beside, **(os.environ if given is None else given)}

    def __getitem__(self, name: str) -> str:
        if name in self._values or f"{name}_FILE" not in self._values:
            return self._values[name]
        path = self._values[f"{name}_FILE"]
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            reason = error.strerror
        except UnicodeDecodeError:
            reason = "it is not text"
        raise SettingsError(
            f"{name}_FILE: {path} cannot be read ({reason}).", "Correct the path, or set the value itself."
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in ``environment``; raises :class:`SettingsError` that lists every mistake."""
    mistakes: list[str] = []
    values: dict[str, str] = {}
    for name in _names():
        try:
            if (value := environment.get(name)) is not None:
                values[name] = value
        except SettingsError as error:
            mistakes.append(error.message)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        mistakes += [_sentence(one) for one in error.errors()]
    if mistakes:
        raise SettingsError("\n".join(mistakes), "Correct this in .env or in the environment and start again.")
    return settings


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """One sentence per name that looks like a setting of the hub's and is none."""
    known = _names()
    ours = {name.removesuffix("_FILE") for name in environment if name.startswith("HUB_") and "TEST" not in name}
    sentences = []
    for name in sorted(ours - set(known)):
        close = get_close_matches(name, known, 1)
        sentences.append(f"There is no setting {name}." + (f" Did you mean {close[0]}?" if close else ""))
    return sentences


def _names() -> list[str]:
    return [str(field.alias) for field in Settings.model_fields.values()]


#: What is told instead of pydantic's words, by the kind of mistake.
_WORDS = {
    "int_parsing": "it must be a whole number",
    "float_parsing": "it must be a number",
    "greater_than": "it must be more than {gt:g}",
    "greater_than_equal": "it must be at least {ge:g}",
    "less_than_equal": "it must be at most {le:g}",
    "literal_error": "it must be {expected}",
    "string_too_short": "it is empty",
}


def _sentence(error: Any) -> str:
    name = error["loc"][0]
    words = _WORDS.get(error["type"])
    reason = words.format(**error.get("ctx", {})) if words else error["msg"].removeprefix("Value error, ")
    return f"{name} cannot be used: {reason.rstrip('.')}."


def add_webhook_secret(secret: str, env_file: Path = Path(".env")) -> bool:
    """Writes a signing secret into ``.env`` beside those that are there.

    False if it cannot be written, or would not count because the environment itself sets them.
    """
    name = "STRIPE_WEBHOOK_SECRET"
    if os.environ.get(name) or os.environ.get(f"{name}_FILE"):
        return False
    try:
        env_file.touch(mode=0o600)
        known = dotenv_values(env_file).get(name)
        set_key(env_file, name, f"{known},{secret}" if known else secret, quote_mode="never")
    except OSError:
        return False
    return True
