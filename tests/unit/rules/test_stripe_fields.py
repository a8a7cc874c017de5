"""The shipped list of Stripe's fields is what the installed package declares."""

from __future__ import annotations

import gzip
import json
import runpy
from importlib import metadata, resources
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parents[3] / "tools" / "stripe_fields.py"


def test_the_list_of_fields_is_that_of_the_installed_package() -> None:
    shipped = json.loads(gzip.decompress((resources.files("hub.rules") / "data" / "stripe.json.gz").read_bytes()))
    if metadata.version("stripe") != shipped["version"]:
        pytest.skip(f"it is of stripe {shipped['version']}, installed is another; see tools/stripe_fields.py")
    made = runpy.run_path(str(GENERATOR))["document"]()
    assert shipped == made, "run:  python tools/stripe_fields.py"
