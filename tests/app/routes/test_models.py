"""Objects of the API: their JSON and its description."""

from dataclasses import replace

import pytest
from flask import Flask

from app.routes import models
from app.serving.served import load_served
from tests.small_app import COLUMNS

pytest_plugins = ["tests.app_fixtures"]


@pytest.fixture(scope="module")
def model(folder):
    return load_served(folder).model


@pytest.fixture(scope="module")
def schemas(model):
    return models.schemas(model)


def test_schemas_describe_a_field_that_may_be_left_out_as_optional_and_never_null(schemas):
    columns = {"description": "Columns that the error is about.", "type": "array", "items": {"type": "string"}}
    assert schemas["Error"]["properties"]["columns"] == columns
    assert schemas["Error"]["required"] == ["status", "error"]


def test_schemas_describe_a_field_that_may_be_null_as_required(schemas):
    alerts = schemas["FileSummary"]["properties"]["alerts"]
    assert alerts["anyOf"] == [{"type": "integer"}, {"type": "null"}]
    assert alerts["description"] == "Rows from the threshold on; null if none was scored."
    assert set(schemas["FileSummary"]["required"]) == set(schemas["FileSummary"]["properties"])


def test_schemas_keep_the_names_of_the_classes_in_the_credit_card_study(schemas):
    names = {"empty", "not_understood", "frauds", "legitimate"}
    assert set(schemas["LabelCounts"]["properties"]) == set(schemas["LabelCounts"]["required"]) == names


def test_schemas_describe_objects_by_the_first_paragraph_of_their_docstrings(schemas):
    assert schemas["FoldScore"]["description"] == "Score of a model that was fitted on one development fold."
    assert all(schema["description"] and "---" not in schema["description"] for schema in schemas.values())


def test_schemas_take_the_columns_of_a_transaction_from_the_model(model, schemas):
    columns = schemas["Transaction"]["properties"]
    assert list(columns) == schemas["Transaction"]["required"] == list(COLUMNS)
    amount = {"description": "Amount of the transaction.", "maximum": 1e30, "minimum": -1e30, "type": "number"}
    assert columns[model.schema.amount] == amount
    other = models.schemas(replace(model, schema=replace(model.schema, amount=None)))["Transaction"]["properties"]
    assert other[model.schema.amount]["description"] == "As in the file of the study."


def test_answer_leaves_out_what_is_none_by_default():
    with Flask("test").test_request_context():
        assert models.answer(models.Error(404, "No.")).json == {"status": 404, "error": "No."}
        assert models.answer(models.Error(422, "No.", ["a"])).json == {"status": 422, "error": "No.", "columns": ["a"]}
