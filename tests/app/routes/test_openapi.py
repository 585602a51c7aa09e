"""The running API against its own description: generated requests, every answer held against the document."""

import json
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup

from app.app import create_app
from app.settings import Settings
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
    "modelMetadataVersion",
    "modelReadyVersion",
    "inferVersion",
    "live",
    "ready",
    "metrics",
)
# Rows are answered one by one: a body that breaks the schema in some of its rows is no wrong request.
TOLERANT = ["negative_data_rejection"]
# What a file or a tensor must be like, and which tokens there are, cannot be said in a schema.
UNSAYABLE = [*TOLERANT, "positive_data_acceptance"]
EXCLUDED = dict.fromkeys(("scoreFile", "infer", "inferVersion", "downloadFile"), UNSAYABLE)
# Addresses of the Open Inference Protocol over HTTP, as its specification lists them.
PROTOCOL = {
    "v2/health/live": "GET",
    "v2/health/ready": "GET",
    "v2/models/${MODEL_NAME}[/versions/${MODEL_VERSION}]/ready": "GET",
    "v2": "GET",
    "v2/models/${MODEL_NAME}[/versions/${MODEL_VERSION}]": "GET",
    "v2/models/${MODEL_NAME}[/versions/${MODEL_VERSION}]/infer": "POST",
}


@schemathesis.serializer("text/csv", "application/vnd.apache.parquet")
def as_it_is(context, value):
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


@pytest.fixture(scope="module")
def api(folder):
    """The description as the application gives it."""
    load_all_checks()
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", create_app(Settings(folder=folder)))


@pytest.fixture(scope="module")
def operations(api):
    return {found.ok().definition.raw["operationId"]: found.ok() for found in api.get_all_operations()}


def test_document_has_no_operation_that_is_not_tested(operations):
    assert set(operations) == set(OPERATIONS)  # the tool itself leaves out the address of the description


def excluded(name, case):
    if name == "predict":
        return TOLERANT if case.media_type == "application/json" else UNSAYABLE
    return EXCLUDED.get(name, [])


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("name", OPERATIONS)
def test_document_describes_answers_as_they_are(operations, name, mode):
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


def test_document_is_given_for_the_models_there_are(api):
    parameter = api.raw_schema["paths"]["/v2/models/{name}"]["get"]["parameters"][0]
    assert parameter["schema"]["enum"] == ["champion", "none+lr"]
    transaction = api.raw_schema["components"]["schemas"]["Transaction"]
    assert transaction["required"] == list(COLUMNS)


def test_document_check_notices_an_answer_that_is_not_described(api, operations, monkeypatch):
    monkeypatch.setitem(api.app.view_functions, "kserve.live", lambda: {"live": "perhaps"})
    with pytest.raises(FailureGroup, match="violates schema"):
        operations["live"].Case().call_and_validate()


def addresses():
    """Every address of the protocol, with and without a version."""
    for pattern, method in PROTOCOL.items():
        with_version = pattern.replace("[", "").replace("]", "")
        for address in {re.sub(r"\[.*?\]", "", pattern), with_version}:
            yield f"/{address.replace('${MODEL_NAME}', '{name}').replace('${MODEL_VERSION}', '{version}')}", method


def test_document_describes_every_address_of_the_inference_protocol_and_each_answers(api, client, rows):
    listed = sorted(addresses())
    assert len(listed) == 9
    tensors = [
        {"name": name, "datatype": "FP64", "shape": [3], "data": rows[name].head(3).tolist()} for name in rows.columns
    ]
    for address, method in listed:
        assert method.lower() in api.raw_schema["paths"][address]
        for name in ("champion", "none+lr"):
            (version,) = client.get(f"/v2/models/{name}").json["versions"]
            body = {"json": {"inputs": tensors}} if method == "POST" else {}
            answer = client.open(address.format(name=name, version=version), method=method, **body)
            assert answer.status_code == 200, answer.text


def test_document_describes_every_address_that_the_application_takes_for_machines(api):
    rules = {rule.rule: rule.methods for rule in api.app.url_map.iter_rules()}
    for_machines = {
        re.sub("<([^>]+)>", r"{\1}", rule) for rule in rules if rule.startswith(("/api/", "/v2", "/metrics"))
    }
    assert for_machines == set(api.raw_schema["paths"])


def test_metadata_does_not_find_another_version_and_names_the_one_that_is_served(client):
    (version,) = client.get("/v2/models/champion").json["versions"]
    for address, method in (("", "GET"), ("/ready", "GET"), ("/infer", "POST")):
        answer = client.open(f"/v2/models/champion/versions/1{address}", method=method, json={"inputs": []})
        assert answer.status_code == 404 and version in answer.json["error"]


def test_infer_names_the_version_that_gave_the_answer(client, rows):
    versions = {name: client.get(f"/v2/models/{name}").json["versions"][0] for name in ("champion", "none+lr")}
    assert versions["champion"] != versions["none+lr"]
    tensors = [{"name": name, "datatype": "FP64", "shape": [1], "data": [rows[name].iloc[0]]} for name in rows.columns]
    for name, version in versions.items():
        of_version = client.post(f"/v2/models/{name}/versions/{version}/infer", json={"inputs": tensors})
        assert of_version.json == client.post(f"/v2/models/{name}/infer", json={"inputs": tensors}).json
        assert (of_version.json["model_name"], of_version.json["model_version"]) == (name, version)


# --- any JSON in any place of a body

JSON = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e400,
    10**400,
    "",
    "alert",
    "\ud800",
    [],
    [[]],
    [None],
    ["alert"],
    [1],
    {},
    {"name": []},
)


def places(content, path=()):
    """The path of every value in a body."""
    yield path
    children = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


def with_value(content, path, value):
    """A body in which one value is another."""
    if not path:
        return value
    copy = dict(content) if isinstance(content, dict) else list(content)
    copy[path[0]] = with_value(content[path[0]], path[1:], value)
    return copy


@pytest.fixture(scope="module")
def sound_bodies(rows):
    """A body that is scored, by address; small, as every value in it is replaced."""
    (row,) = rows.head(1).to_dict("records")
    tensors = [{"name": name, "datatype": "FP64", "shape": [1], "data": [value]} for name, value in row.items()]
    infer = {"id": "7", "outputs": [{"name": "alert"}], "inputs": tensors[-1:] + tensors[:-1]}
    return {"/api/v1/predict": [row], "/v2/models/champion/infer": infer}


@pytest.mark.parametrize("address", ["/api/v1/predict", "/v2/models/champion/infer"])
def test_predict_does_not_fail_at_any_json_in_any_place(client, sound_bodies, address):
    sound = sound_bodies[address]
    assert client.post(address, json=sound).status_code == 200
    in_first_column = [
        path for path in places(sound) if address.startswith("/api") or path[:1] != ("inputs",) or path[1:2] < (2,)
    ]
    assert len(in_first_column) > 15
    for path in in_first_column:
        for value in JSON:
            body = json.dumps(with_value(sound, path, value))
            answer = client.post(address, data=body, content_type="application/json")
            assert answer.status_code in (200, 400, 413, 422), (path, value, answer.text)
            assert answer.json.get("error", ".").endswith("."), answer.json


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("field", ["id", "outputs", "inputs", "name", "datatype", "shape", "data"])
def test_infer_does_not_fail_at_any_field_of_tensors_whatever_it_holds(client, sound_bodies, field):
    sound = sound_bodies["/v2/models/champion/infer"]
    path = (field,) if field in sound else ("inputs", 0, field)

    @given(value=ANYTHING)
    @settings(max_examples=N_EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def ask(value):
        body = json.dumps(with_value(sound, path, value))
        answer = client.post("/v2/models/champion/infer", data=body, content_type="application/json")
        assert answer.status_code in (200, 400, 413, 422)

    ask()
