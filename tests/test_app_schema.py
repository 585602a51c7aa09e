"""The running API against its own description: generated requests, every answer held against the document."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from app.app import create_app
from tests.small_app import COLUMNS

pytest_plugins = ["tests.app_fixtures"]

N_EXAMPLES = 30
OPERATIONS = (
    "predict",
    "scoreFile",
    "downloadFile",
    "listModels",
    "serverMetadata",
    "modelMetadata",
    "modelReady",
    "infer",
    "live",
    "ready",
    "metrics",
)
# Rows are answered one by one: a body that breaks the schema in some of its rows is no wrong request.
TOLERANT = ["negative_data_rejection"]
# What a file or a tensor must be like, and which tokens there are, cannot be said in a schema.
UNSAYABLE = [*TOLERANT, "positive_data_acceptance"]
EXCLUDED = {"scoreFile": UNSAYABLE, "infer": UNSAYABLE, "downloadFile": UNSAYABLE}


@schemathesis.serializer("text/csv", "application/vnd.apache.parquet")
def as_it_is(context, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


@pytest.fixture(scope="module")
def api(folder):
    """The description as the application gives it."""
    load_all_checks()
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", create_app(folder))


@pytest.fixture(scope="module")
def operations(api):
    return {found.ok().definition.raw["operationId"]: found.ok() for found in api.get_all_operations()}


def test_every_operation_is_tested(operations):
    assert set(operations) == set(OPERATIONS)  # the tool itself leaves out the address of the description


def excluded(name, case):
    if name == "predict":
        return TOLERANT if case.media_type == "application/json" else UNSAYABLE
    return EXCLUDED.get(name, [])


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_answers_are_as_described(operations, name, mode):
    operation = operations[name]
    if mode is GenerationMode.NEGATIVE and (
        name == "downloadFile" or not (operation.path_parameters or operation.body)
    ):
        mode = GenerationMode.POSITIVE  # there is nothing to get wrong

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(max_examples=N_EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def ask(case):
        case.call_and_validate(excluded_checks=CHECKS.get_by_names(excluded(name, case)))

    ask()


def test_the_description_is_given_for_the_models_there_are(api):
    parameter = api.raw_schema["paths"]["/v2/models/{name}"]["get"]["parameters"][0]
    assert parameter["schema"]["enum"] == ["champion", "none+lr"]
    transaction = api.raw_schema["components"]["schemas"]["Transaction"]
    assert transaction["required"] == list(COLUMNS)


def test_the_check_notices_an_answer_that_is_not_described(api, operations, monkeypatch):
    monkeypatch.setitem(api.app.view_functions, "kserve.live", lambda: {"live": "perhaps"})
    with pytest.raises(FailureGroup, match="violates schema"):
        operations["live"].Case().call_and_validate()
