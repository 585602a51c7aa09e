"""Tables of notebooks: labels, estimates with intervals, folded ones."""

import numpy as np
import pandas as pd

from utils.reporting import notebook_tables

LABELS = notebook_tables.Labels(
    {"rf": "Random forest", "xgb": "XGBoost"}, {"none": "No resampling", "cgan": "CGAN", "ros": "Random oversampling"}
)


def test_labels_name_every_pair():
    assert LABELS.pair("rf", "cgan") == LABELS.pairs["rf + cgan"] == "Random forest with CGAN"
    assert LABELS.pairs["xgb + ros"] == "XGBoost with random oversampling" and len(LABELS.pairs) == 6


def test_labelled_replaces_names_in_columns_index_and_headings():
    frame = pd.DataFrame({"model": ["rf"], "against": ["xgb + none"], "verdict": ["harms"], "n": [3]})
    shown = notebook_tables.labelled(frame, LABELS, n="Number")
    assert shown.columns.tolist() == ["Model", "Compared with", "Verdict", "Number"]
    assert shown.iloc[0].tolist() == ["Random forest", "XGBoost with no resampling", "harms", 3]
    wide = pd.DataFrame({"rf": [0.5], "xgb": [0.6]}, index=pd.Index(["cgan"], name="sampler"))
    wide = notebook_tables.labelled(wide, LABELS)
    assert (wide.index.name, *wide.index, *wide.columns) == ("Sampler", "CGAN", "Random forest", "XGBoost")
    assert frame.columns.tolist() == ["model", "against", "verdict", "n"]


def test_estimates_stand_with_their_intervals():
    frame = pd.DataFrame({"verdict": ["helps"], "mean": [0.02], "low": [0.011], "high": [0.0304], "model": ["rf"]})
    shown = notebook_tables.estimates(frame, LABELS, "Difference")
    assert shown.to_dict("records") == [
        {"Model": "Random forest", "Difference": 0.02, "95 % interval": "[0.011, 0.030]", "Verdict": "helps"}
    ]


def test_estimates_never_show_a_p_value_of_zero():
    frame = pd.DataFrame({"mean": [0.1] * 2, "low": [0.0] * 2, "high": [0.2] * 2, "adjusted_p": [0.0004, 0.0012]})
    assert notebook_tables.estimates(frame, LABELS)["Adjusted p"].tolist() == ["<0.001", "0.001"]


def test_table_does_not_break_an_interval_into_two_lines():
    page = notebook_tables.table(pd.DataFrame({"x": ["0.1 [-0.2, 0.3]", "20 (2), 5 (1)"]}))._repr_html_()
    assert "<td>0.1 [-0.2,\u00a00.3]</td>" in page and "<td>20 (2), 5 (1)</td>" in page


def test_table_rounds_its_numbers_and_says_what_is_missing():
    frame = pd.DataFrame(
        {
            "n": [12345, 2],
            "x": [0.12345, np.nan],
            "y": [1234.567, 125948.5],
            "ok": [True, False],
            "why": ["a < b", None],
        }
    )
    shown = notebook_tables.table(frame, "A & B", digits=2)
    cells = [line.split() for line in repr(shown).splitlines()]
    assert cells == [
        ["A", "&", "B"],
        ["n", "x", "y", "ok", "why"],
        ["12,345", "0.12", "1,234.57", "yes", "a", "<", "b"],
        ["2", "–", "125,948", "no", "–"],
    ]
    page = shown._repr_html_()
    assert "<caption>A &amp; B</caption>" in page and "<td>a &lt; b</td>" in page and "style" not in page


def test_table_shows_an_index_that_names_its_rows():
    named = pd.Series({"rows": 3}, name="Number").rename_axis("What")
    assert "<th>What</th>" in notebook_tables.table(named)._repr_html_()
    counted = notebook_tables.table(pd.DataFrame({"x": [7]}))._repr_html_()
    assert counted.count("<th>") == counted.count("<td>") == 1


def test_folded_shows_the_title_of_a_table_alone():
    page = notebook_tables.folded(pd.DataFrame({"x": ["long " * 30]}), "All <rows>")._repr_html_()
    assert page.startswith("<details><summary>All &lt;rows&gt;</summary>") and page.endswith("</details>")
    assert ("long " * 30).strip() in page


def test_estimates_say_where_an_interval_is_too_wide():
    frame = pd.DataFrame({"mean": [0.1, -0.6], "low": [-0.9, -1.0], "high": [1.0, -0.2]})
    shown = notebook_tables.estimates(frame, notebook_tables.Labels({}, {}))
    assert shown["95 % interval"].tolist() == ["[too wide to tell]", "[-1.000, -0.200]"]


def test_family_title_says_where_the_folds_are_too_few():
    family = pd.DataFrame({"mean": [0.0, 0.1], "low": [-0.01, 0.05], "high": [0.01, 0.15], "n_folds": [10, 5]})
    title = "Against no resampling; p-values are adjusted over 2 comparisons"
    assert notebook_tables.family_title(family) == title
    few = notebook_tables.family_title(family.assign(low=-1.0, high=1.0, n_folds=2))
    assert few == f"{title}. 2 folds are too few to tell: hardly any difference could have been detected"
