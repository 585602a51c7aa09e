"""Files that are written completely or not at all."""

import os

import pytest

from utils import files


def test_write_text_makes_the_folder_and_replaces_the_file(tmp_path):
    path = tmp_path / "new" / "page.md"
    for text in ("first, längere", "second"):
        files.write_text(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_replacing_keeps_the_old_file_and_leaves_nothing_else_when_it_fails(tmp_path, error):
    path = tmp_path / "numbers.json"
    files.write_bytes(path, b"old")
    with pytest.raises(error), files.replacing(path) as temporary:
        temporary.write_bytes(b"ne")
        raise error
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_replacing_has_the_content_on_disk_before_it_has_the_final_name(tmp_path, monkeypatch):
    """Else a power failure could leave an empty file in place of, say, a packed ledger whose rows are gone."""
    path, flushed = tmp_path / "rows.jsonl.gz", []
    files.write_bytes(path, b"old")
    monkeypatch.setattr(
        files.os, "fsync", lambda descriptor: flushed.append((os.fstat(descriptor).st_size, path.read_bytes()))
    )
    files.write_bytes(path, b"newer")
    assert flushed == [(5, b"old")] and path.read_bytes() == b"newer"


def test_replacing_fails_where_nothing_was_written(tmp_path):
    with pytest.raises(FileNotFoundError), files.replacing(tmp_path / "figure.svg"):
        pass
    assert list(tmp_path.iterdir()) == []
