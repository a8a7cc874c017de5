"""The OpenAPI document against the API that it describes: thousands of calls, sensible and senseless ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.request import urlopen

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig

from hub.web.api.openapi import document
from hub.web.api.table import CALLS
from tests.integration.console import Place
from tests.integration.test_api import program

#: Not asked: ``use_after_free`` and ``ensure_resource_availability`` are about sequences of calls.
NAMES = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"),
    *("negative_data_rejection", "positive_data_acceptance", "unsupported_method", "ignored_auth"),
)
#: Also 413: what is too large is not looked into.
REFUSED = [401, 403, 404, 405, 409, 413, 415, 422]


def test_the_description_is_valid_and_open_to_all(place: Place) -> None:
    with urlopen(f"http://127.0.0.1:{place.port}/api/v1/openapi.json") as answer:
        told = json.load(answer)
    assert [str(one.message)[:500] for one in OpenAPIV31SpecValidator(told).iter_errors()] == []
    assert told == json.loads(json.dumps(document(CALLS)))
    assert sum(len(methods) for methods in told["paths"].values()) == len(CALLS)


@pytest.fixture
def furnished(open_place: Callable[..., Place]) -> Place:
    """A shop in which everything that can be asked for is there once."""
    place = open_place()
    place.shop.sell()
    place.shop.work()
    return place


@pytest.mark.parametrize("call", CALLS, ids=[f"{one.method} {one.path}" for one in CALLS])
def test_no_answer_is_undocumented_and_none_a_failure_of_ours(furnished: Place, call: Any) -> None:
    token = program(furnished).token
    config = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSED}}})
    described = schemathesis.openapi.from_dict(document(CALLS), config=config)
    described.config.update(base_url=f"http://127.0.0.1:{furnished.port}")
    path = "/api/v1/" + call.path.replace(":path", "")
    operation = described[path][call.method]
    chosen: Any = [CHECKS.get_one(name) for name in NAMES]
    modes = list(schemathesis.GenerationMode)

    @settings(max_examples=12, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(case=st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
    def ask(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=chosen)

    ask()
