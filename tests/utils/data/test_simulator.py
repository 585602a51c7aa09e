import hashlib

import numpy as np
import pandas as pd
import pytest

from utils.data import simulator
from utils.data.errors import DataError
from utils.data.simulator import CARD, GENUINE, LARGE_AMOUNT, TERMINAL, simulate


@pytest.fixture(scope="module")
def payments() -> simulator.Simulation:
    return simulate(50_000, seed=1)


@pytest.mark.parametrize("prevalence", [0.001, 0.008, 0.05, 0.2])
def test_simulate_has_the_prevalence_that_is_asked_for(prevalence):
    frame = simulate(20_000, prevalence=prevalence).frame
    assert len(frame) == 20_000
    assert (frame["label"] == "fraud").mean() == pytest.approx(prevalence, rel=0.02)


def test_simulate_mixes_kinds_of_fraud_as_documented(payments):
    frauds = payments.kind[payments.kind != GENUINE]
    assert (payments.frame["label"] == "fraud").equals(pd.Series(payments.kind != GENUINE))
    shares = np.bincount(frauds, minlength=4) / len(frauds)
    assert shares[[LARGE_AMOUNT, TERMINAL, CARD]] == pytest.approx([0.2, 0.4, 0.4], abs=0.03)


def test_simulate_has_a_fraud_in_every_payment_above_the_limit(payments):
    is_large = payments.frame["amount"] > payments.limit
    assert (payments.kind[is_large] != GENUINE).all()
    assert is_large[payments.kind == LARGE_AMOUNT].all()


def test_simulate_has_frauds_in_all_payments_at_a_compromised_terminal(payments):
    frame = payments.frame.assign(day=pd.to_datetime(payments.frame["timestamp"]).dt.floor("D"), kind=payments.kind)
    frauds = frame[frame["kind"] == TERMINAL]
    assert frauds["terminal_id"].nunique() > 5 and frauds["terminal_id"].str.startswith("T").all()
    for terminal, of_terminal in frauds.groupby("terminal_id"):
        first, last = of_terminal["day"].min(), of_terminal["day"].max()
        assert (last - first).days < 28
        meanwhile = frame[(frame["terminal_id"] == terminal) & frame["day"].between(first, last)]
        assert (meanwhile["kind"] != GENUINE).all()


def test_simulate_signs_frauds_at_compromised_terminals(payments):
    by_chip = payments.frame["channel"] == "chip"
    signed = payments.frame["authentication"] == "signature"
    assert by_chip[payments.kind == TERMINAL].all()
    assert signed[payments.kind == TERMINAL].mean() == pytest.approx(0.6, abs=0.15)
    assert signed[by_chip & (payments.kind == GENUINE)].mean() < 0.02


def test_simulate_multiplies_amounts_of_compromised_cards(payments):
    frame = payments.frame.assign(kind=payments.kind)
    frauds = frame[frame["kind"] == CARD]
    usual = frame[frame["kind"] == GENUINE].groupby("customer_id")["amount"].mean()
    ratio = frauds["amount"] / frauds["customer_id"].map(usual)
    assert 4 < ratio.mean() < 7
    days = pd.to_datetime(frauds["timestamp"]).dt.floor("D").groupby(frauds["customer_id"]).agg(["min", "max"])
    assert (days["max"] - days["min"]).dt.days.max() < 14
    assert frauds["card_present"].mean() == pytest.approx(0.2, abs=0.12)
    assert (frauds["postcode_check"] == "mismatch").mean() > 5 * (frame["postcode_check"] == "mismatch").mean()


def test_simulate_has_gaps_that_depend_on_the_channel(payments):
    frame = payments.frame
    online, remote = frame["channel"] == "online", ~frame["card_present"]
    assert (frame["channel"].isin(["online", "mail order"]) == remote).all()
    assert frame.loc[~online, "device"].isna().all()
    assert frame.loc[online, "device"].isna().mean() == pytest.approx(0.04, abs=0.01)
    assert frame.loc[~remote, "postcode_check"].isna().all()
    assert frame.loc[remote, "postcode_check"].isna().mean() == pytest.approx(0.1, abs=0.01)
    assert (frame["distance_km"].isna() == remote).all()


def test_simulate_has_gaps_at_random(payments):
    for column, rate in {"age_group": 0.05, "balance": 0.02}.items():
        is_gap = payments.frame[column].isna()
        by_channel = is_gap.groupby(payments.frame["channel"]).mean()
        assert is_gap.mean() == pytest.approx(rate, abs=0.005)
        assert by_channel.to_numpy() == pytest.approx(rate, abs=0.025)
    known = payments.frame.drop(columns=["age_group", "balance", "device", "postcode_check", "distance_km"])
    is_first = ~known["customer_id"].duplicated()
    assert (known["hours_since_last"].isna() == is_first).all()
    assert not known.drop(columns="hours_since_last").isna().any(axis=None)


def test_simulate_orders_payments_in_time(payments):
    time = pd.to_datetime(payments.frame["timestamp"], format="%Y-%m-%dT%H:%M:%S")
    assert time.is_monotonic_increasing and payments.frame["payment_id"].tolist() == list(range(1, 50_001))
    assert time.min() >= pd.Timestamp("2025-01-01") and time.max() < pd.Timestamp("2025-01-01") + pd.Timedelta(days=183)
    hours = time.groupby(payments.frame["customer_id"]).diff().dt.total_seconds() / 3600
    assert np.allclose(hours, payments.frame["hours_since_last"], atol=0.006, equal_nan=True)
    assert (time.dt.floor("D") >= pd.to_datetime(payments.frame["account_opened"])).all()


def test_simulate_pays_within_reach(payments):
    distance = payments.frame["distance_km"].dropna()
    assert distance.min() >= 0 and (distance <= simulator.REACH_KM).mean() > 0.99
    abroad = payments.frame["merchant_country"] != payments.frame["card_country"]
    assert abroad[payments.frame["card_present"]].mean() < abroad[~payments.frame["card_present"]].mean()


def test_simulate_has_a_spike_limits_and_rare_categories(payments):
    frame = payments.frame
    assert (frame["loyalty_points"] == 0).mean() == pytest.approx(0.57, abs=0.1)
    assert frame.loc[frame["channel"] == "contactless", "amount"].max() <= 50
    assert set(frame["merchant_category"]) <= set(simulator.MERCHANTS)
    assert 0 < frame["merchant_category"].value_counts(normalize=True).min() < 0.01
    assert frame["amount"].min() > 0 and np.allclose(frame["amount"].round(2), frame["amount"])
    assert 240 < frame["customer_id"].nunique() <= 250  # the rarest customers may not pay at all


def test_simulate_repeats_itself_by_seed():
    first, again, other = (simulate(2_000, seed=seed).frame for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    assert not first["amount"].equals(other["amount"])


@pytest.mark.parametrize(
    "options", [{"n_rows": 99}, {"days": 6}, {"prevalence": 0.0}, {"prevalence": 0.3}, {"prevalence": float("nan")}]
)
def test_simulate_refuses_what_it_cannot_do(options):
    with pytest.raises(DataError, match=r"cannot be simulated; at least 100 rows and 7 days"):
        simulate(**options)


@pytest.mark.parametrize("n_rows", [100, 1_000])
@pytest.mark.parametrize("days", [7, 400])
@pytest.mark.parametrize("prevalence", [0.001, 0.2])
def test_simulate_works_at_the_limits_of_its_parameters(n_rows, days, prevalence):
    simulation = simulate(n_rows, days=days, prevalence=prevalence)
    assert np.count_nonzero(simulation.kind) == max(1, round(prevalence * n_rows))


@pytest.mark.parametrize("name", ["payments.csv", "payments.parquet"])
def test_main_writes_the_same_bytes_for_the_same_seed(tmp_path, name, capsys):
    digests = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        simulator.main([str(folder / name), "--rows", "1500", "--seed", "5"])
        assert [path.name for path in folder.iterdir()] == [name]
        digests.append(hashlib.sha256((folder / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    assert "1,500 payments, 12 of them frauds (" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["payments.csv", "payments.parquet"])
def test_write_keeps_every_value(tmp_path, name):
    frame = simulate(1_000).frame
    simulator.write(frame, tmp_path / name, rows_per_batch=300)
    read = pd.read_csv(tmp_path / name) if name.endswith("csv") else pd.read_parquet(tmp_path / name)
    pd.testing.assert_frame_equal(read.fillna("a gap"), frame.fillna("a gap"), check_dtype=False)


def test_write_leaves_nothing_half_written(tmp_path, monkeypatch):
    def interrupted(batches, **options):
        yield next(iter(batches))
        raise KeyboardInterrupt

    monkeypatch.setattr(simulator, "tqdm", interrupted)
    with pytest.raises(KeyboardInterrupt):
        simulator.write(simulate(500).frame, tmp_path / "payments.csv", rows_per_batch=100)
    assert list(tmp_path.iterdir()) == []


def test_main_says_in_a_sentence_what_is_wrong_before_it_simulates(tmp_path, monkeypatch):
    monkeypatch.setattr(simulator, "_draw_customers", None)
    with pytest.raises(SystemExit, match=r"payments.xlsx ends in neither \.csv nor \.parquet"):
        simulator.main([str(tmp_path / "payments.xlsx"), "--rows", "200"])
    with pytest.raises(SystemExit, match="1 rows, 183 days"):
        simulator.main([str(tmp_path / "payments.csv"), "--rows", "1"])
    with pytest.raises(SystemExit, match=r"folder .*nowhere does not exist"):
        simulator.main([str(tmp_path / "nowhere" / "payments.csv"), "--rows", "200"])
    assert list(tmp_path.iterdir()) == []
