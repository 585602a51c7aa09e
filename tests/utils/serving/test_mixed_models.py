"""Models of a mixed table: saved, loaded, scored and explained."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.special import logit

from app.serving.served import load_served, read_examples
from tests import small_mixed
from utils.benchmark.records import UnseenEntities, from_json, to_json
from utils.benchmark.run_task import measure
from utils.config import load_profile
from utils.data.features import build_features
from utils.data.features.encoding import TableEncoder
from utils.data.loading import load
from utils.dataset_config import LISTS
from utils.serving import bundle, explanations, final_model
from utils.serving.bundle import CARD, BundleError, apply_calibrator
from utils.serving.explanations import Explainer
from utils.serving.final_model import OutOfFold
from utils.serving.raw_columns import describe_columns, encode_rows
from utils.serving.scorer import Scorer
from utils.serving.table_features import TableFeatures, encoded_sources, raw_sources
from utils.study_file import Study

ROWS = small_mixed.dataset()
VALUES = encode_rows(ROWS.frame, small_mixed.fit("lr").raw)
ODD = VALUES[:12].copy()  # gaps and unseen categories where training had none
ODD[np.arange(7), np.arange(7)] = np.nan
ODD[7:9, 4], ODD[8:10, 5] = len(small_mixed.SHOPS), 3


@pytest.fixture
def saved(tmp_path):
    return bundle.save(small_mixed.fit("lr"), tmp_path / "model")


@pytest.mark.parametrize("name", ["lr", "rf", "xgb", "blend", "ann"])
def test_load_gives_a_model_of_a_mixed_table_that_scores_like_the_saved_one(name, tmp_path):
    model = small_mixed.fit(name)
    loaded = bundle.load(bundle.save(model, tmp_path / "model"))
    tolerance = 0 if name in ("lr", "xgb") else 1e-6  # Intel's forests round otherwise than scikit-learn's
    expected = model.predict_proba(ROWS.frame)
    np.testing.assert_allclose(loaded.predict_proba(ROWS.frame), expected, rtol=0, atol=tolerance)
    assert (loaded.raw, loaded.card, loaded.columns) == (model.raw, model.card, model.columns)
    assert loaded.raw_columns == ("when", "balance", "points", "urgent", "merchant", "channel", "opened")


@pytest.mark.parametrize("values", [VALUES, ODD])
def test_scorer_encodes_rows_of_a_mixed_table_as_its_encoder_does(values):
    model = small_mixed.fit("lr")
    frame = small_mixed.decode_rows(values, model.raw)
    expected = model.scaler.transform(build_features(frame, model.schema, model.columns))
    np.testing.assert_array_equal(Scorer(model).scaled(values), expected)


def test_scorer_encodes_a_time_in_hours_as_its_encoder_does():
    model = small_mixed.fit("lr")
    dates = tuple(name for name in model.schema.dates if name != "when")
    columns = tuple(name for name in model.columns if not name.startswith(("weekday", "opened")))
    schema = replace(model.schema, dates=dates, time_unit="hours")
    frame = ROWS.frame.assign(when=(ROWS.frame["when"] - ROWS.frame["when"].min()) / 3600)
    dataset = replace(ROWS, frame=frame, config=schema)
    encoder = TableEncoder().fit(dataset.X, dataset.y, dataset.groups)
    raw = describe_columns(dataset, np.arange(len(frame)))
    assert set(columns) < set(dataset.X) and next(column for column in raw if column.name == "when").kind == "number"
    values = encode_rows(frame.iloc[:50], raw)
    np.testing.assert_allclose(TableFeatures(encoder, schema, raw)(values), encoder.transform(dataset.X.iloc[:50]))


@pytest.mark.parametrize("name", ["lr", "xgb", "blend", "ann"])
def test_scorer_gives_the_probabilities_of_the_frame(name):
    model = small_mixed.fit(name)
    X = model.scaler.transform(ROWS.X)
    expected = apply_calibrator(model.calibrator, model.classifier.predict_proba(X)[:, 1])
    tolerance = 1e-6 if name == "ann" else 1e-12  # networks compute in single precision
    np.testing.assert_allclose(Scorer(model).predict(VALUES), expected, rtol=0, atol=tolerance)


def test_explainer_divides_the_log_odds_of_a_network_among_the_columns_of_the_table(monkeypatch):
    monkeypatch.setattr(explanations, "N_EVALUATIONS", 1)  # they add up, however rough they are
    scorer = Scorer(small_mixed.fit("ann"))
    rows = np.vstack([VALUES[:2], ODD[[0, 8]]])  # the latter with a gap and an unseen category
    for (base, contributions), probability in zip(
        Explainer(scorer, VALUES[:20]).explain(rows), scorer.predict(rows), strict=True
    ):
        assert len(contributions) == len(scorer.model.raw_columns)
        assert base + sum(contributions) == pytest.approx(logit(probability), abs=1e-3)


def test_fit_final_fits_a_network_to_a_mixed_table(tmp_path):
    profile = load_profile("quick", Study("claims", ROWS.config, small_mixed.WORDS))
    profile = replace(profile, results=tmp_path, parameters={**profile.parameters, "ann": {"updates": 20}})
    positions = np.arange(len(ROWS.frame) * 4 // 5)
    probability = small_mixed.fit("lr").predict_proba(ROWS.frame.iloc[positions])
    development = OutOfFold(ROWS.y.to_numpy()[positions], probability, final_model.amounts_at(ROWS, positions))
    model = final_model.fit_final(profile, ("none", "ann"), development)
    loaded = bundle.load(bundle.save(model, tmp_path / "model"))
    expected = model.predict_proba(ROWS.frame)
    np.testing.assert_allclose(loaded.predict_proba(ROWS.frame), expected, rtol=0, atol=1e-6)
    assert loaded.card.pair == "none+ann" and 0 < loaded.threshold < 1


def test_encoded_sources_name_a_column_for_every_output_of_the_encoder():
    encoder = small_mixed.fit("lr").scaler
    sources = encoded_sources(encoder)
    names = encoder.get_feature_names_out()
    assert len(sources) == len(names)
    for source, name in zip(sources, names, strict=True):
        assert name == source or name == f"missing_{source}" or name.startswith(f"{source}_")
    raw = raw_sources(ROWS.config, sources)
    assert set(raw) == {"when", "balance", "points", "urgent", "merchant", "channel", "opened"}
    assert [raw[sources.index(name)] for name in ("weekday_sin", "opened_days_before")] == ["when", "opened"]


def test_save_writes_no_type_that_is_not_trusted(saved):
    unknown = set(skops.io.get_untrusted_types(file=saved / "scaler.skops"))
    assert unknown <= set(bundle.TABLE_TYPES)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda card: card.pop("raw_columns"), "raw_columns must be those of the schema"),
        (lambda card: card["raw_columns"].reverse(), "raw_columns must be those of the schema"),
        (lambda card: card["raw_columns"][0].update(kind="colour"), "raw_columns.0.kind"),
        (lambda card: card.update(raw_columns="all"), "raw_columns must be a list"),
        (
            lambda card: (card["schema"].update({name: [] for name in LISTS}, group=None), card.pop("raw_columns")),
            "schema must be that of the scaler",
        ),
    ],
)
def test_load_refuses_raw_columns_that_are_not_those_of_the_model(saved, change, words):
    card = json.loads((saved / CARD).read_text())
    change(card)
    (saved / CARD).write_text(json.dumps(card))
    with pytest.raises(BundleError, match=words):
        bundle.load(saved)


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """A final model of the table, and its row of the test set."""
    folder = tmp_path_factory.mktemp("claims")
    profile = replace(load_profile("quick", Study("claims", ROWS.config, small_mixed.WORDS)), results=folder)
    positions = np.arange(len(ROWS.frame) * 4 // 5)
    probability = small_mixed.fit("lr").predict_proba(ROWS.frame.iloc[positions])
    development = OutOfFold(ROWS.y.to_numpy()[positions], probability, final_model.amounts_at(ROWS, positions))
    model = final_model.fit_final(profile, ("none", "lr"), development)
    return profile, model, final_model.score_test(profile, model)


def test_fit_final_describes_the_columns_and_the_study_of_a_mixed_table(scored):
    _, model, _ = scored
    assert (model.card.study, model.card.words) == ("claims", small_mixed.WORDS)
    assert [column.name for column in model.raw] == list(model.raw_columns)
    assert 0 < model.threshold < 1  # although some amounts are missing


def test_score_test_adds_the_score_on_entities_that_development_does_not_hold(scored):
    _, model, row = scored
    test = np.arange(len(ROWS.frame) * 4 // 5, len(ROWS.frame))
    customers = ROWS.frame["customer"].astype(str).to_numpy()
    is_unseen = ~np.isin(customers[test], customers[: test[0]])
    chosen = test[is_unseen]
    probability = model.predict_proba(ROWS.frame.iloc[chosen])
    measured = measure(ROWS, chosen, probability, probability)
    expected = UnseenEntities(len(chosen), int(ROWS.y.iloc[chosen].sum()), measured.average_precision)
    assert 0 < len(chosen) < len(test)
    assert row.result.unseen == expected
    card = final_model.score_card(row.result, (0.1, 0.2), words=small_mixed.WORDS)
    assert card["average precision on unseen entities"] == expected.average_precision
    assert card["claims of unseen entities"] == expected.n_rows
    assert card["bad claims of unseen entities"] == expected.n_positives


def test_describe_columns_takes_open_spellings_from_the_study(tmp_path):
    frame = small_mixed.table(60).assign(opened="03/02/2024", points="1.234")
    frame.to_csv(tmp_path / "claims.csv", index=False)
    config = replace(ROWS.config, path=tmp_path / "claims.csv", month_first=("opened",), decimal=",")
    raw = {column.name: column for column in describe_columns(load(config), np.arange(50))}
    assert (raw["opened"].day_first, raw["points"].decimal, raw["merchant"].decimal) == (False, ",", None)
    assert raw["points"].maximum == 1234


@pytest.mark.parametrize(("cell", "unit"), [("{} %", "%"), ("€{}", "EUR"), ("{} HKD", "HKD"), ("{}", None)])
def test_describe_columns_keeps_the_unit_of_numbers(tmp_path, cell, unit):
    frame = small_mixed.table(60)
    frame["points"] = [cell.format(number) for number in frame["points"]]
    frame.to_csv(tmp_path / "claims.csv", index=False)
    config = replace(ROWS.config, path=tmp_path / "claims.csv")
    raw = {column.name: column for column in describe_columns(load(config), np.arange(50))}
    assert (raw["points"].unit, raw["balance"].unit) == (unit, None)


@pytest.mark.parametrize(
    ("spell", "unit"),
    [
        (lambda moments: moments.dt.strftime("%Y-%m-%d"), None),
        (lambda moments: moments.dt.strftime("%Y%m%d").astype(int), "digits"),
        (lambda moments: moments.astype("datetime64[s]").astype(int), "s"),
        (lambda moments: moments.astype("datetime64[ms]").astype(int).mask(moments.index == 1), "ms"),
    ],
)
def test_describe_columns_keeps_what_the_numbers_of_dates_are(tmp_path, spell, unit):
    frame = small_mixed.table(60)
    frame["opened"] = spell(pd.to_datetime(frame["opened"], format="%d/%m/%Y"))
    frame.to_csv(tmp_path / "claims.csv", index=False)
    dataset = load(replace(ROWS.config, path=tmp_path / "claims.csv"))
    raw = {column.name: column for column in describe_columns(dataset, np.arange(50))}
    assert (raw["opened"].kind, raw["opened"].unit, raw["when"].unit) == ("date", unit, None)


def test_load_takes_a_model_from_before_the_unit_of_dates_was_kept(tmp_path):
    model = small_mixed.write(tmp_path / "model")
    card = json.loads((tmp_path / "model" / CARD).read_text())
    for column in card["raw_columns"]:
        column.pop("unit", None)
    (tmp_path / "model" / CARD).write_text(json.dumps(card))
    assert bundle.load(tmp_path / "model").raw == model.raw
    served = load_served(tmp_path / "model")
    assert all(row.probability for row in served.score(read_examples(served)))


def test_measure_writes_missing_amounts_as_null():
    positions = np.arange(len(ROWS.frame))
    scores = np.random.default_rng(0).random(len(positions))
    measured = measure(ROWS, positions, scores, scores)
    expected = ROWS.amounts.loc[measured.positives].tolist()
    assert np.isnan(expected).any()
    assert [value is None for value in measured.amounts] == np.isnan(expected).tolist()
    text = json.dumps(to_json(measured), allow_nan=False)
    assert from_json(type(measured), json.loads(text)) == measured


def test_score_card_copes_without_amounts_and_days(scored):
    *_, row = scored
    without = replace(row.result, amounts=None, days=None, unseen=None)
    card = final_model.score_card(without, (0.1, 0.2), words=small_mixed.WORDS)
    assert not [name for name in card.index if "a day" in name or "unseen" in name]
    assert card["share of claims that are alerts"] == round(row.result.n_alerts / row.result.n_rows, 4)
    floors = final_model.score_card(replace(row.result, amounts=[0.0] * len(row.result.ranks)), (0.1, 0.2))
    name = "cost saved, share of the loss without alerts"
    assert card[name] == floors[name]
    assert np.isfinite(final_model.score_card(row.result, (0.1, 0.2))[name])


def test_held_out_values_of_a_mixed_table_score_as_its_rows_do(scored):
    profile, model, _ = scored
    values = final_model.held_out_values(ROWS, profile, model)
    frame = final_model.held_out_rows(ROWS, profile)
    np.testing.assert_allclose(Scorer(model).predict(values), model.predict_proba(frame), rtol=0, atol=1e-12)
