"""A sample of the ledger's rows is computed again, and told from rows that hold another score."""

from dataclasses import replace

import pytest

from tests.small import small_profile
from utils.benchmark import ledger, runner
from utils.experiments import recompute


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    profile = small_profile(tmp_path_factory.mktemp("recomputed"))
    runner.run(profile, samplers=["none", "rus"], models=["lr"], n_jobs=1)
    return profile


@pytest.fixture
def rows(profile):
    return recompute.rows_to_compare(profile)


def test_sample_draws_every_pair_before_any_pair_twice(rows):
    assert len(rows) == 4  # two pairs on two folds
    for seed in range(5):
        drawn = recompute.sample(rows, 3, seed)
        assert {row.task.sampler.name for row in drawn[:2]} == {"none", "rus"}
        assert len({row.key for row in drawn}) == 3
    assert [row.key for row in recompute.sample(rows, 9)] == [row.key for row in recompute.sample(rows, 4)]


def test_recompute_gets_the_scores_of_the_ledger_and_does_not_touch_it(profile, rows):
    before = runner.ledger_of(profile).read_bytes()
    compared = recompute.recompute(profile, rows, n_jobs=1)
    assert list(compared["in_ledger"]) == [row.result.average_precision for row in rows]
    assert (compared["difference"] == 0).all()
    assert runner.ledger_of(profile).read_bytes() == before


@pytest.mark.parametrize(
    ("shift", "status", "sentence"), [(0.0, 0, "0 of 4 rows differ"), (0.1, 1, "1 of 4 rows differ")]
)
def test_main_fails_if_a_row_holds_another_score(shift, status, sentence, profile, rows, tmp_path, monkeypatch, capsys):
    own = replace(profile, results=tmp_path)
    changed = replace(rows[0].result, average_precision=rows[0].result.average_precision - shift)
    for row in (replace(rows[0], result=changed), *rows[1:]):
        ledger.append(runner.ledger_of(own), row)
    monkeypatch.setattr(recompute, "load_profile", lambda name: own)
    monkeypatch.setattr("sys.argv", ["recompute", "--rows", "9", "--jobs", "1"])
    with pytest.raises(SystemExit) as ended:
        recompute.main()
    assert ended.value.code == status
    assert sentence in capsys.readouterr().out


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "few"])
def test_main_refuses_what_is_no_number_of_rows(number, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["recompute", f"--rows={number}"])
    with pytest.raises(SystemExit, match="2"):
        recompute.main()
    assert f"--rows: must be a whole number of 1 or more, and not '{number}'" in capsys.readouterr().err


def test_main_says_that_there_is_nothing_to_compare(profile, tmp_path, monkeypatch):
    monkeypatch.setattr(recompute, "load_profile", lambda name: replace(profile, results=tmp_path))
    monkeypatch.setattr("sys.argv", ["recompute"])
    with pytest.raises(SystemExit, match="has no row of rows; run the study first"):
        recompute.main()
