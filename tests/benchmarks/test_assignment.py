"""Which table may be used for what: the committed assignment keeps its promises and follows from its rule."""

import tomllib
from collections import Counter
from dataclasses import replace

import pytest

from benchmarks import assignment
from utils.data import keel
from utils.data.tables import PATH, Table, read_tables

TABLES = list(read_tables().values())
LEFT_OUT = tomllib.loads(PATH.read_text())["left_out"]


def of_role(role: str) -> list[Table]:
    return [table for table in TABLES if table.role == role]


def test_assignment_names_every_table_once():
    sources = [table.source for table in TABLES] + [source for names in LEFT_OUT.values() for source in names]
    assert len(sources) == len(set(sources)) == 143
    assert len({table.name for table in TABLES}) == len(TABLES)
    assert len({table.sha256 for table in TABLES}) == len(TABLES)


def test_assignment_never_divides_a_family():
    roles = {}
    for table in TABLES:
        assert roles.setdefault(table.family, table.role) == table.role
        assert assignment.family_of(table.source.partition("/")[2]) == table.family


def test_assignment_leaves_out_what_was_excluded_beforehand():
    excluded = {
        *("page-blocks0", "yeast4", "yeast6", "abalone9-18"),
        *("segment0", "vowel0", "winequality-white-3-9_vs_5", "ecoli3"),
    }
    assert {source.partition("/")[2] for source in LEFT_OUT[assignment.EXCLUDED]} == excluded
    assert not excluded & {table.name for table in TABLES}
    families = {assignment.family_of(name) for name in excluded}
    assert not families & {table.family for table in TABLES if table.role != "verdict"}


def test_assignment_has_enough_tables_for_verdicts():
    verdict = of_role("verdict")
    per_family = Counter(table.family for table in verdict)
    assert len(verdict) >= 30 and len(per_family) >= 20 and max(per_family.values()) <= 3
    assert min(table.imbalance for table in verdict) >= 5 and min(table.minority for table in verdict) >= 20
    assert sum(table.categories > 0 for table in verdict) >= 5


def test_assignment_has_enough_tables_for_design():
    design = of_role("design")
    assert sum(table.categories > 0 for table in design) >= 8
    assert sum(table.categories == 0 for table in design) >= 8
    assert {"car", "flare", "german", "credit-approval", "kddcup"} <= {table.family for table in design}


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("yeast-0-2-5-6_vs_3-7-8-9", "yeast"),
        ("shuttle-c0-vs-c4", "shuttle"),
        ("kr-vs-k-one_vs_fifteen", "kr-vs-k"),
        ("kddcup-rootkit-imap_vs_back", "kddcup"),
        ("led7digit-0-2-4-5-6-7-8-9_vs_1", "led7digit"),
        ("winequality-red-4", "winequality"),
        ("cleveland-0_vs_4", "heart-disease"),
        ("heart", "heart-disease"),
        ("movement_libras", "movement_libras"),
    ],
)
def test_family_of_known_names(name, family):
    assert assignment.family_of(name) == family


def test_describe_takes_the_rarest_class_as_positive():
    rows = b"1,a,2\n2,a,2\n1,a,10\n1,a,10\n3,b,1\n3,b,1\n3,b,1\n"
    table = assignment.describe("balanced/letter", rows)
    assert (table.name, table.positive, table.rows) == ("letter-10", "10", 7)
    assert (table.minority, table.distinct_minority, table.numbers, table.categories) == (2, 1, 1, 1)


def made_up(source: str, minority: int = 50, imbalance: int = 10, **changes) -> Table:
    rows = minority * (imbalance + 1)
    table = Table(
        source, assignment.family_of(source), "", f"imbalanced/{source}", "1", rows, minority, minority, 5, 0, "a hash"
    )
    return replace(table, **changes)


def test_assign_follows_its_rule():
    yeasts = [made_up(f"yeast{number}", minority=20 + number) for number in (1, 2, 3, 5, 7)]
    tables = [
        *yeasts,
        made_up("yeast4"),
        made_up("yeast8", imbalance=4),
        made_up("car-good"),
        made_up("zoo-3", minority=19),
        made_up("sonar", imbalance=1, minority=90),
        made_up("ring", imbalance=1, minority=80),
        made_up("splice", imbalance=1, categories=3),
        made_up("texture", numbers=200),
        made_up("iris0", imbalance=2, minority=57),
        made_up("iris", name="iris-a", imbalance=2, minority=57),
    ]
    assigned, left_out = assignment.assign(tables)
    assert {table.name: table.role for table in assigned} == {
        **dict.fromkeys(("car-good", "texture", "splice", "sonar", "ring"), "design"),
        **dict.fromkeys(("yeast1", "yeast3", "yeast7"), "verdict"),
        "iris0": "reserve",
    }
    assert left_out == {
        assignment.EXCLUDED: ["imbalanced/yeast4"],
        assignment.SMALL: ["imbalanced/zoo-3"],
        assignment.COPY: ["imbalanced/iris"],
        assignment.SURPLUS: ["imbalanced/yeast2", "imbalanced/yeast5", "imbalanced/yeast8"],
    }


@pytest.mark.skipif(not keel.PATH.exists(), reason="the wheel with KEEL's tables was not fetched")
def test_assignment_follows_from_the_wheel():
    tables = [assignment.describe(*member) for member in keel.read_members().items()]
    assert assignment.to_toml(*assignment.assign(tables)) == PATH.read_text()
