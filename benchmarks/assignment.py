"""Assign the tables of KEEL to design, verdict and reserve, by their properties: `benchmarks/tables.toml`.

    python -m benchmarks.assignment

The rule stands at the head of that file. No result of any method enters it, and a test repeats the assignment.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, replace

from utils.data import keel
from utils.data.tables import PATH, ROLES, Table
from utils.files import replacing

LEFT_OUT_BEFOREHAND = (
    "abalone9-18",
    "ecoli3",
    "page-blocks0",
    "segment0",
    "vowel0",
    "winequality-white-3-9_vs_5",
    "yeast4",
    "yeast6",
)
TUNED_ON_BEFORE = ("car", "credit-approval", "flare", "german", "kddcup")
MINORITY = 20
IMBALANCE = 5
ROWS_PER_COLUMN = 5
TABLES_PER_FAMILY = 3

EXCLUDED = "excluded beforehand"
SMALL = f"fewer than {MINORITY} positives"
COPY = "its rows stand in another table of its family"
SURPLUS = "beside the tables that its family has for verdicts"
REASONS = (EXCLUDED, SMALL, COPY, SURPLUS)

# Tables whose family is not the name without its classes: the same rows, or the same study of one hospital or bank.
FAMILIES = {
    "australian": "credit-approval",
    "crx": "credit-approval",
    "cleveland-0_vs_4": "heart-disease",
    "heart": "heart-disease",
    "wdbc": "breast-cancer-wisconsin",
    "wisconsin": "breast-cancer-wisconsin",
}
COMPOUND = ("hayes-roth", "kr-vs-k", "monk-2", "new-thyroid", "page-blocks", "tic-tac-toe")

HEAD = """# Which table may be used for what. Written by `python -m benchmarks.assignment`; don't edit it by hand.
#
# design    anything may be tuned on it
# verdict   for the benchmark over many datasets alone: nothing is tuned, chosen or tried on it beforehand
# reserve   not used yet: for what has to be tried on tables that nobody has seen
#
# The rule uses properties of the tables (size, minority, imbalance, kinds of columns, families) and no result:
#  1. Two classes: a table of more stands for its rarest class against the rest (of equally rare ones the last by
#     name), unless tables of two classes from the same family were kept already. Positive is the rarer class.
#  2. Left out: tables that were excluded beforehand, tables with fewer than {minority} positives, and second copies.
#  3. Families (tables that share rows or an origin) are never divided between roles.
#  4. Design: the families that were used for tuning before this file was written:
#     {tuned}.
#  5. A family with a table of imbalance {imbalance} or more is for verdicts, with at most {per_family} such tables:
#     those with the smallest, the middle and the largest minority. Its other tables are left out. Fewer than {rows}
#     rows for each column are too few for a verdict: such a family is for design.
#  6. The other families, sorted by their rows (the longest first; those with columns of text apart from those of
#     numbers alone), go to design and to reserve in turn, with all their tables.
# So no design table shares rows with a table that was excluded beforehand.
#
# `positive` is the text of the rarer class, `distinct_minority` the number of its rows that differ in a column,
# `numbers` and `categories` count columns, and `sha256` is the hash of the file in the wheel {wheel}.
"""


def family_of(name: str) -> str:
    """Family of a table of the wheel: its name without classes, or as `FAMILIES` says."""
    if name in FAMILIES:
        return FAMILIES[name]
    compound = next((prefix for prefix in COMPOUND if name.startswith(prefix)), None)
    return compound or re.match(r"[a-z_]+(7digit)?", name).group()


def describe(source: str, content: bytes) -> Table:
    """The table with its properties, and no role yet; of many classes the rarest is positive."""
    frame = keel.parse(content, source)
    labels, features = frame[keel.LABEL], frame.drop(columns=keel.LABEL)
    counts = labels.value_counts()
    positive = max(counts.index[counts == counts.min()], key=_by_number_or_text)
    is_positive = labels == positive
    n_text = features.select_dtypes(object).shape[1]
    name = source.partition("/")[2]
    return Table(
        name=name if len(counts) == 2 else f"{name}-{positive}",
        family=family_of(name),
        role="",
        source=source,
        positive=positive,
        rows=len(frame),
        minority=int(is_positive.sum()),
        distinct_minority=len(features[is_positive].drop_duplicates()),
        numbers=features.shape[1] - n_text,
        categories=n_text,
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _by_number_or_text(label: str) -> tuple[float, str]:
    return (float(label) if re.fullmatch(r"-?[\d.]+", label) else 0.0, label)


def assign(tables: Iterable[Table]) -> tuple[list[Table], dict[str, list[str]]]:
    """Tables with their roles, and the sources of those left out by reason.

    Tables of two classes have to come before those of many, as they do in the wheel: a family that has some needs no
    class against the rest.
    """
    left_out = {reason: [] for reason in REASONS}
    families: dict[str, list[Table]] = {}
    for table in tables:
        relatives = families.get(table.family, [])
        if reason := _reason_to_leave_out(table, relatives):
            left_out[reason].append(table.source)
        else:
            families[table.family] = [*relatives, table]
    assigned = []
    for family, role in _roles(families).items():
        members = _for_verdicts(families[family]) if role == "verdict" else families[family]
        left_out[SURPLUS] += [table.source for table in families[family] if table not in members]
        assigned += [replace(table, role=role) for table in members]
    assigned.sort(key=lambda table: (ROLES.index(table.role), table.family, table.name))
    return assigned, left_out


def _reason_to_leave_out(table: Table, relatives: list[Table]) -> str | None:
    """Why a table is not used, given those kept of its family before; None if it is."""
    if table.name in LEFT_OUT_BEFOREHAND:
        return EXCLUDED
    if table.minority < MINORITY:
        return SMALL
    is_one_of_many = table.name != table.source.partition("/")[2]
    if (is_one_of_many and relatives) or table.name in {relative.name for relative in relatives}:
        return COPY
    return None


def _roles(families: dict[str, list[Table]]) -> dict[str, str]:
    """Role of every family."""
    roles, others = {}, {}
    for family, members in families.items():
        largest = max(members, key=lambda table: table.rows)
        if family in TUNED_ON_BEFORE:
            roles[family] = "design"
        elif all(table.imbalance < IMBALANCE for table in members):
            others[family] = (any(table.categories for table in members), -largest.rows, family)
        elif largest.rows < ROWS_PER_COLUMN * (largest.numbers + largest.categories):
            roles[family] = "design"
        else:
            roles[family] = "verdict"
    for has_text in (True, False):
        ordered = sorted((family for family in others if others[family][0] == has_text), key=others.get)
        roles |= {family: ("design", "reserve")[number % 2] for number, family in enumerate(ordered)}
    return roles


def _for_verdicts(members: list[Table]) -> list[Table]:
    """At most three tables of enough imbalance: those with the smallest, the middle and the largest minority."""
    ordered = sorted(
        (table for table in members if table.imbalance >= IMBALANCE),
        key=lambda table: (table.minority, table.rows, table.name),
    )
    if len(ordered) <= TABLES_PER_FAMILY:
        return ordered
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]]


def to_toml(assigned: list[Table], left_out: dict[str, list[str]]) -> str:
    """The assignment file."""
    head = HEAD.format(
        minority=MINORITY,
        tuned=", ".join(TUNED_ON_BEFORE),
        imbalance=IMBALANCE,
        per_family=TABLES_PER_FAMILY,
        rows=ROWS_PER_COLUMN,
        wheel=keel.WHEEL.requirement,
    )
    blocks = [
        "[left_out]\n"
        + "\n".join(
            f"{json.dumps(reason)} = [\n" + "".join(f"  {json.dumps(name)},\n" for name in sorted(sources)) + "]"
            for reason, sources in left_out.items()
        )
    ]
    for table in assigned:
        lines = (f"{key} = {json.dumps(value)}" for key, value in asdict(table).items())
        blocks.append("\n".join(["[[table]]", *lines]))
    return head + "\n" + "\n\n".join(blocks) + "\n"


def main() -> None:
    """Write the assignment file and print what came out."""
    assigned, left_out = assign(describe(*member) for member in keel.read_members().items())
    with replacing(PATH) as temporary:
        temporary.write_text(to_toml(assigned, left_out), encoding="utf-8")
    for role in ROLES:
        chosen = [table for table in assigned if table.role == role]
        n_mixed = sum(table.categories > 0 for table in chosen)
        n_families = len({table.family for table in chosen})
        print(f"{role}: {len(chosen)} tables of {n_families} families, {n_mixed} of them with columns of text")


if __name__ == "__main__":
    main()
