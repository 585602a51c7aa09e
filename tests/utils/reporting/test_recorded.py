"""The file of recorded numbers: what is wrong with it is said in a sentence."""

import pytest

from utils.reporting.recorded import NumbersError, read


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"^There is no numbers\.json; run the notebooks, which record it\.$"),
        (
            "{",
            r"^numbers\.json cannot be read \(Expecting property name .*\); delete it, and run the notebooks again\.$",
        ),
        ("[]", r"^numbers\.json holds no sections; delete it, and run the notebooks again\.$"),
    ],
)
def test_read_says_what_is_wrong_with_the_file(tmp_path, content, message):
    if content is not None:
        (tmp_path / "numbers.json").write_text(content)
    with pytest.raises(NumbersError, match=message):
        read(tmp_path / "numbers.json")


def test_read_takes_a_file_of_no_chapter_yet(tmp_path):
    (tmp_path / "numbers.json").write_text("{}")
    assert not read(tmp_path / "numbers.json").complete
