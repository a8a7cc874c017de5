"""Settings: where they come from, and that every mistake is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import SettingsError
from hub.settings import Environment, Settings, read_settings, unknown_settings


def settings(env_file: Path = Path("nowhere"), **given: str) -> Settings:
    return read_settings(Environment(given, env_file))


def test_without_anything_the_hub_is_a_demo_on_sqlite() -> None:
    found = settings()
    assert found.database_url == "sqlite:///var/hub.db"
    assert found.is_demo


def test_the_environment_counts_more_than_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HUB_PORT=9000\nHUB_HOST=0.0.0.0\nSTRIPE_WEBHOOK_SECRET='whsec_1, whsec_2'\n")
    found = settings(tmp_path / ".env", HUB_PORT="9001")
    assert (found.port, found.host) == (9001, "0.0.0.0")
    assert found.webhook_secrets == ("whsec_1", "whsec_2")
    assert not found.is_demo


def test_a_value_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_file\n")
    assert settings(STRIPE_WEBHOOK_SECRET_FILE=str(tmp_path / "secret")).webhook_secrets == ("whsec_file",)
    environment = Environment({"SLACK_TOKEN_FILE": str(tmp_path / "secret")}, Path("nowhere"))
    assert environment.get("SLACK_TOKEN") == "whsec_file"


@pytest.mark.parametrize("empty", ["", "  ", "whsec_1,", ",", "whsec_1,,whsec_2"])
def test_an_empty_signing_secret_stops_the_start(empty: str) -> None:
    with pytest.raises(SettingsError, match="STRIPE_WEBHOOK_SECRET"):
        settings(STRIPE_WEBHOOK_SECRET=empty)


def test_all_mistakes_are_told_together_with_what_to_do() -> None:
    with pytest.raises(SettingsError) as error:
        settings(
            HUB_PORT="eighty",
            HUB_LOG_FORMAT="xml",
            HUB_LEASE_SECONDS="0",
            HUB_PUBLIC_URL="shop.example",
            HUB_CURRENCY_DECIMALS="UGX",
            HUB_RULES_FILE="/nowhere/at/all",
        )
    told = str(error.value)
    for name in ("PORT", "LOG_FORMAT", "LEASE_SECONDS", "PUBLIC_URL", "CURRENCY_DECIMALS", "RULES_FILE"):
        assert f"HUB_{name}" in told
    assert "a whole number" in told
    assert told.endswith("start again.")


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as error:
        settings(STRIPE_WEBHOOK_SECRET="whsec_geheim,")
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize(
    ("key", "mode"),
    [("rk_live_1", True), ("sk_live_1", True), ("rk_test_1", False), ("sk_org_live_1", True), ("sk_1", None)],
)
def test_the_key_says_whether_this_is_the_real_shop(key: str, mode: bool | None) -> None:
    assert settings(STRIPE_API_KEY=key).livemode is mode
    assert settings().livemode is None


def test_corrected_currency_units() -> None:
    assert settings(HUB_CURRENCY_DECIMALS="ugx:0, ISK:0").currency_decimals == {"UGX": 0, "ISK": 0}


def test_a_misspelled_name_is_noticed() -> None:
    given = {"HUB_DATABSE_URL": "x", "HUB_TEST_DATABASE_URL": "y", "HUB_PORT": "1", "HUB_HOST_FILE": "z"}
    assert unknown_settings(Environment(given, Path("nowhere"))) == [
        "There is no setting HUB_DATABSE_URL. Did you mean HUB_DATABASE_URL?"
    ]
