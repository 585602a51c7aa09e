"""What the columns of anybody's table are, and tables that cannot be studied."""

import copy
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from utils.data.errors import ColumnError, DataError
from utils.data.reading import read_raw
from utils.data.reading.column_types import as_categories, typed
from utils.data.reading.spelled_dates import date_spelling
from utils.data.recognition import NamedColumns, recognise, suspected_leaks, table

N = 1_000
RNG = np.random.default_rng(7)
Y = np.arange(N) % 25 == 3  # 40 positives
MOMENTS = pd.date_range("2023-01-01", periods=N, freq="67min")
SENTENCE = "A long note of somebody who calls to say that the card of this account was lost on day"


def claims(**columns) -> pd.DataFrame:
    """A label, a number and more columns."""
    return pd.DataFrame({"is_fraud": np.where(Y, "yes", "no"), "balance": RNG.normal(size=N)} | columns)


def recognise_as(frame, *, name: str = "claims.csv", **named):
    """What the columns are, with what is named of them."""
    return recognise(frame, NamedColumns(**named), name)


def column_of(values, name: str = "column", **options):
    """Kind and detail of one column."""
    recognised = recognise_as(claims(**{name: values}), label="is_fraud", **options)
    return next((column.kind, column.detail) for column in recognised.columns if column.name == name)


CATEGORY = RNG.choice([f"shop {number}" for number in range(412)], N)
COLUMNS = {
    "float": ("x", RNG.normal(size=N), ("number", "")),
    "whole": ("x", RNG.poisson(3, N), ("number", "")),
    "gaps": ("x", np.where(np.arange(N) % 25 == 0, np.nan, RNG.normal(size=N)), ("number", "4 % missing")),
    "rare gaps": ("x", np.where(np.arange(N) == 5, np.nan, RNG.normal(size=N)), ("number", "under 1 % missing")),
    "numbers in text": ("x", [f"{value},5" for value in range(N)], ("number", "")),
    "two numbers": ("x", RNG.integers(0, 2, N), ("category", "2 values")),
    "booleans": ("x", RNG.random(N) < 0.3, ("category", "2 values")),
    "text": ("merchant", CATEGORY, ("category", f"{len(set(CATEGORY))} values")),
    "codes with points": (
        "x",
        [f"0{number % 10}.{number}" for number in RNG.integers(10, 60, N)],
        ("category", "50 values, codes, as digits follow a zero in '0"),
    ),
    "weights": (
        "x",
        [f"{number} kg" for number in RNG.integers(10, 60, N)],
        ("category", "50 values, numbers with 'kg'; leave it out of these cells to use it as a number"),
    ),
    "numbers that a file calls categories": (
        "region",
        pd.Categorical(RNG.integers(1, 31, N)),
        ("category", "30 values"),
    ),
    "days that a file calls categories": (
        "x",
        pd.Categorical(MOMENTS.strftime("%Y-%m-%d")),
        ("date", "2023-01-01 to 2023-02-16"),
    ),
    "a word for missing": (
        "x",
        np.where(np.arange(N) % 9, RNG.integers(850, 1500, N), -999),
        ("number", "-999 in 112"),
    ),
    "a large word for missing": (
        "x",
        np.where(np.arange(N) % 9, -RNG.integers(1, 9000, N), 365243),
        ("number", "36524"),
    ),
    "an only negative value": (
        "x",
        np.where(np.arange(N) % 9, RNG.integers(0, 9000, N), -1),
        ("number", "-1 in 112 rows, the only negative value"),
    ),
    "a rare far value": ("x", np.where(np.arange(N) == 9, 1e6, RNG.integers(0, 100, N)), ("number", "")),
    "a repeated edge": ("x", np.minimum(RNG.integers(0, 200, N), 100), ("number", "")),
    "numbers of contracts": (
        "policy_number",
        7_000_000 + RNG.permutation(N) % 300,
        ("dropped", "300 values with 3.3 rows each, as of an entity"),
    ),
    "unique numbers of contracts": ("claim number", RNG.permutation(3 * N)[:N] * 7, ("dropped", "a different value")),
    "small numbers of something": ("room_number", RNG.integers(1, 40, N), ("number", "")),
    "a shuffled index": ("column 1", RNG.permutation(90 * N)[:N], ("dropped", "a different value in every row")),
    "an index of pandas": ("Unnamed: 0", RNG.permutation(90 * N)[:N], ("dropped", "a different value in every row")),
    "codes": ("x", [f"0{number}" for number in RNG.integers(10, 60, N)], ("category", "50 values")),
    "numbers but for a word": (
        "age",
        ["k.A." if i % 9 == 0 else str(20 + i % 50) for i in range(N)],
        ("category", "51 values, numbers but for 'k.A.'; leave these cells empty"),
    ),
    "prices but for a word": (
        "x",
        ["n.a." if i == 7 else f"{i * 1.37 + 0.5:.2f}" for i in range(N)],
        (
            "dropped",
            "a different value in every row, numbers but for 'n.a.'; leave these cells empty to use it as a number",
        ),
    ),
    "prices but for many words": (
        "x",
        [f"about {i}" if i % 50 == 7 else f"{i * 1.37 + 0.5:.2f}" for i in range(N)],
        ("dropped", "a different value in every row, numbers but for 'about 7', 'about 57' and 18 more; leave these"),
    ),
    "a few numbers but for a word": (
        "x",
        ["unknown" if i % 9 == 0 else str(i % 6) for i in range(N)],
        ("category", "7 values, numbers but for 'unknown'; leave these cells empty to use it as a number"),
    ),
    "grades": ("x", np.array(["1", "2", "3", "4", "5", "6", "6+"])[np.arange(N) % 7], ("category", "7 values")),
    "a date in the other order": (
        "x",
        ["27/10/2024 10:00" if i == 7 else moment for i, moment in enumerate(MOMENTS.strftime("%m/%d/%Y %H:%M"))],
        ("dropped", "a different value in every row, dates but for '27/10/2024 10:00'; leave these cells empty"),
    ),
    "dates in both orders": (
        "x",
        np.where(np.arange(N) % 3, MOMENTS.strftime("%m/%d/%Y %H:%M"), MOMENTS.strftime("%d/%m/%Y %H:%M")),
        ("dropped", "a different value in every row, dates, some with the day first and others with the month first;"),
    ),
    "moments but for a word": (
        "x",
        ["unknown" if i == 7 else moment for i, moment in enumerate(MOMENTS.strftime("%d/%m/%Y %H:%M"))],
        (
            "dropped",
            "a different value in every row, dates but for 'unknown'; leave these cells empty to use it as a d",
        ),
    ),
    "days but for a word": (
        "x",
        ["unknown" if i % 9 == 0 else day for i, day in enumerate(MOMENTS.strftime("%Y-%m-%d"))],
        ("category", "48 values, dates but for 'unknown'; leave these cells empty to use it as a date"),
    ),
    "one value or none": ("x", np.where(RNG.random(N) < 0.5, "x", None), ("category", "1 value, 5")),
    "ISO": ("x", MOMENTS.strftime("%Y-%m-%d"), ("date", "2023-01-01 to 2023-02-16")),
    "day first": ("x", MOMENTS.strftime("%d/%m/%Y"), ("date", "2023-01-01 to 2023-02-16")),
    "typed dates": ("x", MOMENTS, ("date", "2023-01-01 to 2023-02-16")),
    "days in digits": ("x", MOMENTS.strftime("%Y%m%d").astype(int), ("date", "2023-01-01 to 2023-02-16")),
    "days in digits and open ends": (
        "valid_to",
        np.where(np.arange(N) % 4, 99991231, MOMENTS.strftime("%Y%m%d").astype(int)),
        ("date", "2023-01-01 to 2023-02-16, 75 % missing"),
    ),
    "hours in digits": ("x", MOMENTS.strftime("%Y%m%d%H").astype(int), ("date", "2023-01-01 to 2023-02-16")),
    "seconds in digits": ("x", MOMENTS.strftime("%Y%m%d%H%M%S").astype(int), ("date", "2023-01-01 to 2023-02-16")),
    "days in digits, year last": (
        "x",
        MOMENTS.strftime("%d%m%Y").astype(int),
        ("number", "but written like days"),
    ),
    "days with a short year first": (
        "x",
        MOMENTS.strftime("%y-%m-%d"),
        ("category", "47 values, written like days with two digits of the year first; write its days like 2024-12-31"),
    ),
    "moments with a short year first": ("x", MOMENTS.strftime("%y/%m/%d %H:%M"), ("dropped", "a different value in")),
    "days with a short year last": ("x", MOMENTS.strftime("%d.%m.%y"), ("date", "2023-01-01 to 2023-02-16")),
    "texts of days, year last": ("x", MOMENTS.strftime("%d%m%Y"), ("category", "47 values, written like days with")),
    "epoch with a name": ("created_at", MOMENTS.astype("int64") // 10**9 // 9_000 * 9_000, ("date", "2022-12-31 to")),
    "epoch without": ("x", MOMENTS.astype("int64") // 10**9 // 9_000 * 9_000, ("number", "")),
    "epoch milliseconds": ("created_ms", MOMENTS.astype("int64") // 10**6, ("time", "2023-01-01 to 2023-02-16")),
    "epoch nanoseconds": ("end_time", MOMENTS.astype("int64"), ("date", "2023-01-01 to 2023-02-16")),
    "epoch seconds with decimals": ("event_time", MOMENTS.astype("int64") / 1e9 + 0.25, ("time", "2023-01-01 to 2023")),
    "ticks of .NET": (
        "event_time",
        621_355_968_000_000_000 + MOMENTS.astype("int64") // 100,
        ("number", "but they seem to be ticks of .NET (100 nanoseconds since the year 1); write its times like"),
    ),
    "milliseconds in digits": (
        "event_time",
        MOMENTS.strftime("%Y%m%d%H%M%S123").astype(int),
        ("number", "but they seem to be dates in digits with milliseconds; write its times like"),
    ),
    "durations": ("run_time_ns", 400_000_000 + np.arange(N) * 7919 % 500 * 7_000_001, ("number", "")),
    "durations by name": ("time_since_start", 400_000_000 + np.arange(N) * 7919 % 500 * 1001, ("number", "")),
    "seconds since 1960": ("event_time", 2_023_574_400 + RNG.integers(0, 10**7, N), ("number", "")),
    "milliseconds since 1960": ("ts", (2_023_574_400 + RNG.integers(0, 10**7, N)) * 1000, ("number", "")),
    "row numbers": ("x", RNG.permutation(N) + 17, ("dropped", "a different value in every row")),
    "keys": ("x", [f"P{number:07}" for number in RNG.permutation(N)], ("dropped", "a different value in every row")),
    "almost keys": ("x", [f"P{max(number, 20)}" for number in range(N)], ("dropped", "a different value in almost ev")),
    "ids": ("trans_id", RNG.integers(0, 10**12, N), ("dropped", "a different value in every row")),
    "large numbers": ("size", RNG.integers(0, 10**12, N), ("number", "")),
    "constant": ("x", ["a"] * N, ("dropped", "the same value in every row")),
    "empty": ("x", [None] * N, ("dropped", "no values")),
    "free text": ("x", [f"{SENTENCE} {number % 700}" for number in range(N)], ("dropped", "long free text")),
    "entity": ("customer_id", RNG.permutation(N) % 100, ("dropped", "100 values with 10.0 rows each, as of an entity")),
    "entity in text": ("Card", [f"c{number % 100}" for number in range(N)], ("dropped", "100 values with 10.0 rows")),
    "rare entity": ("account", np.arange(N) * 2 // 3, ("dropped", "667 values with 1.5 rows each, as of an entity")),
    "codes by name": ("zone_id", RNG.permutation(N) % 15, ("category", "15 values, whole numbers that its name calls")),
    "numbers with 'id' inside": ("id_count", RNG.permutation(N) % 100, ("number", "")),
    "age of an entity": ("age_client", 20 + RNG.permutation(N) % 60, ("number", "")),
    "revenue of an entity": ("revenu_client", RNG.permutation(70_000)[:N] + 20_000, ("number", "")),
    "limit of an entity": ("credit_limit_per_account", RNG.permutation(N) % 100 * 500, ("number", "")),
    "count of an entity": ("purchasesPerCustomer", RNG.permutation(N) % 100, ("number", "")),
    "one of two entities": ("sender account", RNG.permutation(N) % 100, ("dropped", "100 values with 10.0 rows each")),
    "rupees": ("salary_inr", np.random.default_rng(1).lognormal(9, 1, N).astype(int), ("number", "")),
    "numbers of vouchers": ("belegnr", 4_711_000 + np.arange(N) * 5 + np.arange(N) % 3, ("dropped", "a different")),
    "id in front": ("id_transaction", np.arange(N) * 5 + np.arange(N) % 3, ("dropped", "a different value in every")),
    "number behind": ("TransactionNo", np.arange(N) * 5 + np.arange(N) % 3, ("dropped", "a different value in every")),
    "row numbers in tens": ("x", np.arange(N) * 10, ("number", "rises or falls from each row to the next")),
    "different numbers": ("x", RNG.permutation(N) * 10, ("number", "")),
    "rising numbers": ("x", np.arange(N) * 50 + np.arange(N) % 3 * 16, ("number", "rises or falls from each row to t")),
    "falling numbers": ("x", -np.cumsum(RNG.gamma(2, 3, N)), ("number", "rises or falls from each row to the next")),
    "phone numbers": ("contact", [f"+4917612{i % 400:05}" for i in range(N)], ("category", "400 values")),
    "postal codes": ("zip", RNG.integers(10_000, 10_400, N), ("category", "")),
    "codes with 'code' in the name": (
        "merchant_category_code",
        RNG.choice([5411, 5812, 5999, 4829], N),
        ("category", "4 values, whole numbers that its name calls codes"),
    ),
    "different codes": ("postcode", RNG.permutation(9 * N)[:N] + 10_000, ("dropped", "a different value in every row")),
    "an age of codes": ("code_age", RNG.integers(1, 90, N), ("number", "")),
    "numbers of patients": ("patient_nbr", RNG.permutation(90 * N)[:N] + 10_000, ("dropped", "a different value in")),
    "telephone": (
        "tel",
        RNG.permutation(N) % 100 + 10**9,
        ("dropped", "100 values with 10.0 rows each, as of an enti"),
    ),
    "months": ("x", [f"{2010 + i % 9}-{1 + i % 12:02d}" for i in range(N)], ("date", "2010-01-01 to 2018-12-01")),
    "months in digits": (
        "x",
        [(2010 + i % 9) * 100 + 1 + i % 12 for i in range(N)],
        ("number", "but written like months with the year first; write its dates like 2024-12-31, to use it as a d"),
    ),
    "days of a spreadsheet": (
        "date",
        44_927 + np.arange(N) * 7 % 400,
        ("number", "but they seem to be days as spreadsheets count them; write its times like"),
    ),
    "numbers of the size of days": ("x", 44_927 + np.arange(N) * 7 % 400, ("number", "")),
    "label in other words": ("x", np.where(Y, "bad", "good"), ("dropped", "says the same as the label")),
    "label turned round": ("x", (~Y).astype(int), ("dropped", "says the same as the label")),
    "label as a gap": ("x", np.where(Y, "chargeback", None), ("dropped", "says the same as the label")),
}


@pytest.mark.parametrize(("name", "values", "expected"), COLUMNS.values(), ids=COLUMNS.keys())
def test_recognise_tells_the_kind_of_a_column(name, values, expected):
    kind, detail = column_of(values, name)
    assert kind == expected[0]
    assert detail.startswith(expected[1]) and (detail or not expected[1])


@pytest.mark.parametrize(
    ("name", "values", "role", "expected"),
    [
        ("x", RNG.poisson(3, N), "categorical", "category"),
        ("x", RNG.integers(0, 2, N), "numeric", "number"),
        ("x", np.arange(N), "numeric", "number"),
        ("customer_id", np.arange(N) % 100, "categorical", "category"),
        ("x", RNG.normal(size=N), "drop", "dropped"),
        ("x", ["a"] * N, "categorical", "category"),
    ],
)
def test_recognise_lets_the_user_decide(name, values, role, expected):
    assert column_of(values, name, **{role: (name,)})[0] == expected


@pytest.mark.parametrize("role", ["time", "amount", "group"])
def test_recognise_gives_the_roles_that_the_user_names(role):
    assert column_of(np.arange(N) // 2, "x", **{role: "x"})[0] == role


def roles(**columns) -> tuple[str | None, str | None]:
    """The columns that are recognised as time and amount."""
    recognised = recognise_as(claims(**columns), label="is_fraud")
    assert len([note for note in recognised.notes if "is taken as the" in note]) == len(
        [role for role in ("time", "amount") if recognised.role(role)]
    )
    return recognised.role("time"), recognised.role("amount")


def test_recognise_takes_a_time_only_if_it_is_hardly_in_doubt():
    assert roles(date_opened=MOMENTS.strftime("%d/%m/%Y %H:%M")) == ("date_opened", None)
    assert roles(timestamp=MOMENTS.astype("int64") // 10**9) == ("timestamp", None)
    assert roles(datetime=MOMENTS.strftime("%Y%m%d%H").astype(int)) == ("datetime", None)
    assert roles(date=MOMENTS.strftime("%Y-%m-%d")) == (None, None)  # many rows share a day
    assert roles(created=MOMENTS, time=MOMENTS[::-1]) == (None, None)
    assert roles(created=MOMENTS.where(np.arange(N) > 0)) == (None, None)
    assert roles(born=MOMENTS) == (None, None)
    assert roles(created=MOMENTS, end_date=MOMENTS[::-1]) == ("created", None)


@pytest.mark.parametrize(
    "name",
    [
        "date_of_birth",
        "Datum der Geburt",
        "contract_end_date",
        "dueDate",
        "valid until date",
        "last_payment_date",
        "settlement_time",
        "dateClosed",
    ],
)
def test_recognise_takes_no_other_moment_of_a_row_as_its_time(name):
    assert roles(**{name: MOMENTS}) == (None, None)


@pytest.mark.parametrize(
    "dates",
    [
        pd.date_range("1940-01-01", periods=N, freq="20D"),
        pd.Timestamp.now().normalize() + pd.to_timedelta(np.arange(N) - N // 2, unit="D"),
    ],
    ids=["of many decades", "of the future"],
)
def test_recognise_takes_no_dates_as_the_time_that_can_hardly_have_been_recorded(dates):
    assert roles(date=dates) == (None, None)


def test_recognise_takes_an_amount_only_if_one_number_is_named_like_one():
    money = RNG.gamma(2, 50, N)
    assert roles(amount=money) == (None, "amount")
    assert roles(txBetrag=money) == (None, "txBetrag")
    assert roles(amount=money, price=money[::-1]) == (None, None)
    assert roles(amount=CATEGORY, summary=money) == (None, None)


def test_recognise_takes_no_amount_with_negative_values_and_says_so():
    recognised = recognise_as(claims(sensor_value=RNG.normal(size=N)), label="is_fraud")
    assert recognised.role("amount") is None and "sensor_value" in recognised.numeric
    assert any(
        "Column 'sensor_value' has negative values and is not taken as the amount" in n for n in recognised.notes
    )


@pytest.mark.parametrize(
    ("rare", "common"),
    [("yes", "no"), ("Y", "N"), ("fraud", "genuine"), (1, 0), (0, 1), (1, -1), (True, False), (2, 1), (1.0, 0.0)],
)
def test_recognise_takes_the_rarer_of_any_two_labels_as_positive(rare, common):
    frame = pd.DataFrame({"y": np.where(Y, rare, common), "x": RNG.normal(size=N)})
    recognised = recognise_as(frame, label="y")
    spelled = [as_categories(pd.Series([value]))[0] for value in (rare, common)]
    assert [recognised.positive, recognised.negative] == spelled
    assert recognised.notes[0].startswith(
        f"The label '{spelled[0]}' of column 'y' is the positive class, as it is rarer"
    )


def test_recognise_lets_upper_and_lower_case_of_labels_count_as_equal():
    frame = pd.DataFrame({"y": np.where(Y, "Yes", np.where(np.arange(N) % 10, "no", "NO ")), "x": RNG.normal(size=N)})
    recognised = recognise_as(frame, label="y")
    assert (recognised.positive, recognised.negative) == ("Yes", "no")


def test_recognise_takes_one_of_several_labels_as_positive_if_the_user_names_it():
    labels = np.where(Y, "fraud", np.where(np.arange(N) % 2, "genuine", "unclear"))
    recognised = recognise_as(claims(y=labels).drop(columns="is_fraud"), label="y", positive="Fraud")
    assert (recognised.positive, recognised.notes[0][:18]) == ("fraud", "The other 2 values")


def test_recognise_notes_entities_and_dates_without_an_order():
    notes = recognise_as(
        claims(card=np.arange(N) % 100, born=[f"0{1 + i % 5}/0{1 + i % 7}/2024" for i in range(N)]),
        label="is_fraud",
        name="claims.csv",
    ).notes
    assert any(note.startswith("Column 'card': left out, as entities") for note in notes)
    assert any("no date shows whether '01/01/2024' has the day first" in note for note in notes)


@pytest.mark.parametrize(
    ("days", "order", "span"),
    [
        ([f"{1 + i // 92:02d}/01/2024 {i % 24:02d}:{i % 60:02d}" for i in range(N)], "day", "2024-01-01 to 2024-01-11"),
        (
            [f"01/{1 + i // 92:02d}/2024 {i % 24:02d}:{i % 60:02d}" for i in range(N)],
            "month",
            "2024-01-01 to 2024-01-11",
        ),
        ([f"{1 + i // 92:02d}/01/2024" for i in range(N)], "month", "2024-01-01 to 2024-11-01"),
        ([f"01/{1 + i // 92:02d}/2024" for i in range(N)], "day", "2024-01-01 to 2024-11-01"),
        ([f"05/01/2024 {i % 24:02d}:{i % 60:02d}" for i in range(N)], "day", "2024-01-05 to 2024-01-05"),
    ],
)
def test_recognise_marks_an_order_of_day_and_month_as_assumed_where_no_date_shows_it(days, order, span):
    recognised = recognise_as(claims(billed=days), label="is_fraud")
    assert recognised.columns[-1].detail == f"{span}, {order} first (assumed)"
    assert f"the {order} first was assumed, and `{order}_first` of the study's file" in " ".join(recognised.notes)
    assert getattr(recognised.spellings, f"{order}_first") == ("billed",)


CERTAIN = MOMENTS.strftime("%m/%d/%Y")


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ({"sent": CERTAIN}, "month first (as in other columns)"),
        ({"sent": pd.Categorical(CERTAIN)}, "month first (as in other columns)"),
        ({"sent": CERTAIN, "due": MOMENTS.strftime("%d/%m/%Y")}, "day first (assumed)"),
        ({"sent": MOMENTS.strftime("%Y-%m-%d")}, "day first (assumed)"),
    ],
)
def test_recognise_lets_other_columns_decide_the_order_of_day_and_month(others, reason):
    days = [f"0{1 + i % 5}/0{1 + i % 7}/2024" for i in range(N)]
    for values in (days, pd.Categorical(days)):
        recognised = recognise_as(claims(billed=values, **others), label="is_fraud")
        is_day_first = reason.startswith("day")
        last = "2024-07-05" if is_day_first else "2024-05-07"
        assert recognised.columns[2].detail == f"2024-01-01 to {last}, {reason}"
        assert recognised.spellings.has_day_first("billed") is is_day_first
        loaded = typed(claims(billed=values), dates=("billed",), spellings=recognised.spellings)
        assert f"{loaded['billed'].max():%Y-%m-%d}" == last


def test_recognise_names_a_decimal_comma_only_where_there_are_decimals(tmp_path):
    lines = "".join(f"{i % 50};1.{i % 900 + 100};{i % 9},5;{int(positive)}\n" for i, positive in enumerate(Y))
    (tmp_path / "own.csv").write_text("age;sum;fee;fraud\n" + lines)
    recognised = recognise_as(read_raw(tmp_path / "own.csv"), label="fraud", amount="sum")
    assert [column.detail for column in recognised.columns[:3]] == ["", "", "decimal comma"]


def test_recognise_counts_the_words_for_missing_values_among_the_categories_of_a_file(tmp_path):
    words = np.array(["NA", "-", "web", "shop", "None"])[np.arange(N) % 5]
    claims(channel=pd.Categorical(words)).to_parquet(tmp_path / "own.parquet")
    frame = read_raw(tmp_path / "own.parquet", label="is_fraud")
    recognised = recognise_as(frame, label="is_fraud")
    assert recognised.columns[-1].detail == "2 values, 60 % missing"
    assert recognised.columns[-1].share_missing == as_categories(frame["channel"]).isna().mean()
    listed = "200 cells 'NA' and 200 cells '-' and 200 cells 'None' are all read as missing"
    assert any(listed in note for note in recognised.notes)


def test_recognise_says_nothing_of_missing_values_where_infinity_is_a_class(tmp_path):
    (tmp_path / "own.csv").write_text("x,y\n" + "".join(f"{i % 7},{'inf' if i % 5 else 0}\n" for i in range(N)))
    recognised = recognise_as(read_raw(tmp_path / "own.csv", label="y"), label="y")
    assert (recognised.positive, recognised.negative) == ("0", "inf")
    assert not any("missing" in note for note in recognised.notes)


def test_recognise_notes_numbers_that_rise_with_the_rows():
    rising = np.cumsum(RNG.integers(1, 50, N))
    notes = recognise_as(claims(voucher=rising, other=rising[::-1]), label="is_fraud").notes
    assert any(
        note.startswith("Columns 'voucher', 'other': rises or falls from each row to the next") for note in notes
    )


def test_table_prints_one_line_for_a_label_with_a_line_break():
    recognised = recognise_as(claims(is_fraud=np.where(Y, "ba\nd", "good")), label="is_fraud")
    lines = table(recognised).splitlines()
    assert lines[0].startswith("is_fraud  label, 'ba d' in") and len(lines) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A title,,\nof 2024,,\nx,y,k\n1,0,a\n2,1,b\n", "row 2 below the first line has this name; remove"),
        ("x y k\n1 0 a\n2 1 b\n", "the only one is 'x y k'; separate names and values by one of"),
        ("x y\n1,5 0\n2,5 1\n", "the only one is 'x y'; separate names and values by one of"),
        ("x~y~k\n1~0~a\n2~1~b\n", "the only one is 'x~y~k'; separate names and values by one of"),
    ],
)
def test_recognise_says_why_a_table_does_not_have_its_columns(tmp_path, text, words):
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(ColumnError, match=f"^own.csv: there is no column 'y' for label, .*{words}"):
        recognise_as(read_raw(tmp_path / "own.csv"), label="y", name="own.csv")


def test_recognise_repeats_what_the_reader_noted_where_a_table_is_refused(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    data = book.create_sheet("Data")
    for sheet, row in ((book.active, ["Report", "of"]), (book.active, ["2024", 5]), (data, ["x", "y"]), (data, [1, 0])):
        sheet.append(row)
    book.save(tmp_path / "own.xlsx")
    with pytest.raises(ColumnError, match=r"no column 'y' for label; .* Sheet 'Sheet' was read; .*\('Data'\), move"):
        recognise_as(read_raw(tmp_path / "own.xlsx"), label="y", name="own.xlsx")


def test_recognise_repeats_no_note_on_a_column_that_is_not_the_reason():
    frame = claims(is_fraud=np.where(np.arange(N) == 9, None, np.where(Y, "yes", "no")))
    frame.attrs["notes"] = [
        "Column 'balance': '$1,000' is read as 1000.",
        "Column 'is_fraud': 1 infinite value is read as missing.",
        "claims.csv is not UTF-8.",
    ]
    with pytest.raises(DataError) as caught:
        recognise_as(frame, label="is_fraud")
    assert str(caught.value).endswith(f"remove these rows. {frame.attrs['notes'][1]} {frame.attrs['notes'][2]}")


def test_recognise_notes_values_that_may_mean_a_missing_one_and_times_without_a_zone():
    days = MOMENTS.strftime("%Y-%m-%d %H:%M")
    moments = [f"{day}+09:00" if i % 10 else day for i, day in enumerate(days)]
    income = np.where(np.arange(N) % 9, RNG.integers(850, 1500, N).astype(float), -999)
    table = claims(income=np.where(np.arange(N) == 4, np.nan, income), sent=moments, seen=days)
    notes = recognise_as(table, label="is_fraud").notes
    stands = "a value stands apart from all others; if it means a missing one, leave these cells empty."
    assert f"Column 'income': {stands}" in notes
    zones = [note for note in notes if "have no zone" in note]
    assert zones == [
        "Column 'sent': 100 times have no zone and are taken as UTC, while others have one; write the zone of every "
        "time, or of none."
    ]


def test_recognise_names_the_currencies_of_amounts_that_are_no_numbers():
    amounts = [f"{5 + i * 1.37:.2f}" for i in range(2 * N)]
    currencies = ["USD", "JPY", "EUR"]
    frame = pd.DataFrame(
        {
            "y": np.tile(Y, 2),
            "price": [f"{amount} {currencies[i % 3]}" for i, amount in enumerate(amounts)],
            "fee": [f"{'$€'[i % 2]}{i % 9}" for i in range(2 * N)],
            "late": [*(f"{i % 7} EUR" for i in range(2 * N - 1)), "2 GBP"],
            "paid": [f"{i * 37 % 101} USD" for i in range(2 * N)],
        }
    )
    recognised = recognise_as(frame, label="y")
    details = {column.name: (column.kind, column.detail) for column in recognised.columns[1:]}
    advice = "convert them to one currency to use it as a number"
    assert details == {
        "price": ("dropped", f"a different value in every row, amounts in EUR and JPY and USD; {advice}"),
        "fee": ("category", f"18 values, amounts in EUR and USD; {advice}"),
        "late": ("category", f"8 values, amounts in EUR and GBP; {advice}"),
        "paid": ("number", ""),
    }


def test_recognise_notes_what_is_read_as_missing():
    days = [f"{1600 + i % 450}-01-{1 + i % 28:02d}" for i in range(N)]
    table = claims(born=days, size=np.where(np.arange(N) % 100, RNG.normal(size=N), 1e300))
    notes = recognise_as(table, label="is_fraud").notes
    n_old = sum(day < "1678" for day in days)
    assert f"Column 'born': {n_old} values such as '1600-01-01' are read as missing, as they are not dates of" in str(
        notes
    )
    assert "Column 'size': 10 values beyond 1e30 are read as missing." in notes


SECONDS = pd.Series(MOMENTS.astype("datetime64[s]"))
OUT_OF_RANGE = {
    "a day that does not exist": (MOMENTS.strftime("%d/%m/%Y %H:%M"), "30/02/2024 10:00"),
    "zeros": (MOMENTS.strftime("%Y-%m-%d %H:%M:%S"), "0000-00-00 00:00:00"),
    "an open end": (MOMENTS.strftime("%Y-%m-%d %H:%M"), "9999-12-31 00:00"),
    "an open end in Parquet": (SECONDS, "9999-12-31"),
    "an open end in Parquet, with a zone": (SECONDS.dt.tz_localize("UTC"), "9999-12-31"),
    "month and day exchanged": (MOMENTS.strftime("%d/%m/%Y %H:%M"), "31/13/1990 10:00"),
}


@pytest.mark.parametrize(("moments", "value"), OUT_OF_RANGE.values(), ids=OUT_OF_RANGE.keys())
def test_recognise_takes_no_date_as_the_time_that_the_loader_refuses(moments, value):
    """The loader refuses a time with gaps, and a value that it cannot hold is one."""
    values = pd.Series(moments)
    values.iloc[[1, 500]] = value if values.dtype == object else pd.Timestamp(value, tz=values.dt.tz)
    recognised = recognise_as(claims(opened=values), label="is_fraud")
    column = recognised.columns[-1]
    assert (column.kind, column.share_missing) == ("date", 0.002)
    assert column.detail.startswith("2023-01-01 to 2023-02-16, under 1 % missing")
    (note,) = [note for note in recognised.notes if "opened" in note]
    assert (
        note.startswith(f"Column 'opened': 2 values such as '{value}")
        and "read as missing, as they are not dates of" in note
    )
    typed_dates = typed(claims(opened=values), dates=("opened",), spellings=recognised.spellings)
    assert typed_dates["opened"].isna().sum() == 2


def test_recognise_leaves_out_dates_of_which_none_can_be_held():
    ends = np.array(["9999-12-31", "9999-12-30", "9999-12-29"], dtype="datetime64[s]")
    assert column_of(ends[np.arange(N) % 3]) == ("dropped", "no dates of the years 1678 to 2261")


CODES = {
    "ATECO": ["62.01.00", "47.11.40", "01.11.10", "56.10.11"],
    "customs": ["8471.30.00", "8517.62.00", "1806.10.20", "6109.10.00"],
    "versions": ["1.0.10", "2.13.11", "2.14.12", "3.7.12", "3.20.15", "4.1.20"],
    "years first": ["45-01-24", "24-02-25", "61-07-01", "12-12-12"],
}


@pytest.mark.parametrize("codes", CODES.values(), ids=CODES.keys())
def test_recognise_takes_codes_of_which_few_are_days_for_categories(codes):
    assert column_of(np.array(codes)[np.arange(N) % len(codes)]) == ("category", f"{len(codes)} values")


@pytest.mark.parametrize("days", [["45-01-24", "24-02-25"], ["24/13/45", "25/01/45"], ["32/01/2024"]])
def test_date_spelling_is_none_where_no_order_gives_days_of_months(days):
    assert date_spelling(pa.array(days)) is None


def test_recognise_passes_on_what_the_reader_noted(tmp_path):
    lines = "".join(f"{'ja' if positive else 'nein'};1.{i % 900 + 100}\n" for i, positive in enumerate(Y))
    (tmp_path / "own.csv").write_text("y;x\n" + lines)
    notes = recognise_as(read_raw(tmp_path / "own.csv"), label="y", name="own.csv").notes
    assert notes[0] == "Column 'x': '1.100' is read as 1100, as is usual where ';' separates cells."


def test_recognise_gives_what_typed_accepts():
    frame = pd.DataFrame({name: values for name, (_, values, _) in COLUMNS.items()})
    recognised = recognise_as(claims(**frame), label="is_fraud")
    kinds = {"numeric": recognised.numeric, "categorical": recognised.categorical, "dates": recognised.dates}
    result = typed(claims(**frame), **kinds)
    assert len(result.columns) == sum(map(len, kinds.values())) == len(recognised.columns) - len(recognised.drop) - 1


def test_table_aligns_a_line_per_column():
    recognised = recognise_as(claims(merchant=CATEGORY, id=np.arange(N)), label="is_fraud", positive="yes")
    assert table(recognised).splitlines() == [
        "is_fraud  label, 'yes' in 4.00% of the rows, 'no' in the others",
        "balance   number",
        f"merchant  category, {len(set(CATEGORY))} values",
        "id        dropped, a different value in every row",
    ]


def test_table_counts_the_last_of_many_columns():
    frame = claims(**{f"x{number}": RNG.normal(size=N) for number in range(60)}, **{"n" * 90: CATEGORY})
    lines = table(recognise_as(frame, label="is_fraud", positive="yes")).splitlines()
    assert len(lines) == 41 and lines[-1] == "and 23 more: 22 numbers, 1 category"
    assert max(map(len, lines)) < 100


MIXED = claims(ok=CATEGORY)
SMALL = np.arange(N) < 19
REFUSED = {
    "no such label": (
        MIXED,
        {"label": "fraud"},
        "there is no column 'fraud' for label; the closest name is 'is_fraud'.",
    ),
    "no name like it": (MIXED, {"label": "q"}, "the columns are 'is_fraud', 'balance', 'ok'."),
    "a name a little like it": (MIXED, {"label": "bc"}, "the columns are 'balance', 'is_fraud', 'ok'."),
    "many other names": (
        claims(**{f"x{number}": 1.0 for number in range(40)}, target_of_all=CATEGORY),
        {"label": "oall"},
        "the columns are 'target_of_all', 'balance', 'is_fraud', 'x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6' and 33 more.",
    ),
    "long other names": (
        claims(**{str(digit) * 100: 1.0 for digit in range(9)}),
        {"label": "q"},
        f"the columns are 'is_fraud', 'balance', '{'0' * 100}', '{'1' * 100}' and 7 more.",
    ),
    "no such time": (MIXED, {"time": "OKAY"}, "there is no column 'OKAY' for time; the closest name is 'ok'."),
    "two roles": (MIXED, {"time": "ok", "drop": ("ok",)}, "column 'ok' is named as time and as drop; name it once."),
    "one class": (claims(is_fraud="no"), {}, "column 'is_fraud': every row has the label 'no'; give a file with both"),
    "third value": (
        claims(is_fraud=np.where(Y, "yes", np.where(SMALL, "maybe", "no"))),
        {},
        "column 'is_fraud' has 3 values and a label needs two: the third, 'maybe', stands in rows 1, 2, 3 and 15 more;",
    ),
    "number as a label": (MIXED, {"label": "balance"}, "column 'balance' has 1,000 values and a label needs two"),
    "missing labels": (
        claims(is_fraud=np.where(SMALL, None, np.where(Y, "yes", "no"))),
        {},
        "column 'is_fraud' has no label in rows 1, 2, 3 and 16 more; write it, or remove these rows.",
    ),
    "a missing label": (claims(is_fraud=[None, *np.where(Y, 1, 0)[1:]]), {}, "has no label in row 1; write it"),
    "19 positives": (
        claims(is_fraud=np.where(SMALL, 1, 0)),
        {},
        "column 'is_fraud': only 19 of 1,000 rows have the label '1', and 20 are needed for five folds and a test set",
    ),
    "common positive": (MIXED, {"positive": "no"}, "96% of the rows have the label 'no', and the positive class must"),
    "words for a missing label": (
        claims(is_fraud=["none", "NA", *np.where(Y, "fraud", "none")[2:]]).assign(),
        {},
        "and 'none', of which each may be a class or a missing label; write one word for the other class.",
    ),
    "several words for a missing label": (
        claims(is_fraud=["-", "NA", *np.where(Y, "bad", "ok")[2:]]),
        {},
        "has no label in rows 1, 2 ('-' and 'NA' mean a missing one); write it",
    ),
    "a word for a missing label": (
        claims(is_fraud=["-", *np.where(Y, "bad", "ok")[1:]]),
        {},
        "has no label in row 1 ('-' means a missing one); write it",
    ),
    "no such positive": (MIXED, {"positive": "fraud"}, "has no label 'fraud'; name one of its values, such as"),
    "only the label": (MIXED[["is_fraud"]], {}, "claims.csv has no column besides the label and the time; add columns"),
    "only keys": (
        pd.DataFrame({"is_fraud": Y, "id": np.arange(N), "key": [f"k{i}" for i in range(N)], "text": SENTENCE}),
        {},
        "has no column to learn from, as all 3 were left out (id: a different value in every row; key: a different",
    ),
    "constant time": (claims(t="2024-02-13"), {"time": "t"}, "column 't' has the same time, 2024-02-13, in every row"),
    "constant seconds": (claims(t=5), {"time": "t"}, "column 't' has the same time, 5, in every row, so it cannot"),
    "gaps in the time": (
        claims(t=MOMENTS.where(np.arange(N) > 3)),
        {"time": "t"},
        "has no time in 4 rows, first in row 1",
    ),
    "a number that is no day as a time": (
        claims(t=np.where(np.arange(N) == 4, 20240230, MOMENTS.strftime("%Y%m%d").astype(int))),
        {"time": "t"},
        "has no time in 1 row, first in row 5",
    ),
    "truths as a time": (claims(t=RNG.random(N) < 0.5), {"time": "t"}, "column 't' holds true and false, which say"),
    "durations as a time": (claims(t=MOMENTS - MOMENTS[0]), {"time": "t"}, "column 't' holds durations, which say"),
    "a short year first as a time": (
        claims(t=MOMENTS.strftime("%y-%m-%d")),
        {"time": "t"},
        "Column 't' holds dates such as '23-01-01', whose two digits of the year seem to be the first; write its days",
    ),
    "numbers with the year last as a time": (
        claims(t=MOMENTS.strftime("%d%m%Y").astype(int)),
        {"time": "t"},
        "holds numbers such as 1012023, which leave open whether the day or the month is first; write its days like",
    ),
    "text as a time": (MIXED, {"time": "ok"}, "is not a date; write all dates alike"),
    "text as an amount": (MIXED, {"amount": "ok"}, "is not a number; correct it"),
    "no number as an amount": (
        claims(paid=np.nan),
        {"amount": "paid"},
        "column 'paid' has no number; name another column as the amount, or none.",
    ),
    "a date in the other order as a time": (
        claims(t=np.where(np.arange(N) == 7, "27/10/2024", MOMENTS.strftime("%m/%d/%Y"))),
        {"time": "t"},
        "and others with the month first (as '27/10/2024' in row 8); write all of them alike",
    ),
    "text as numbers": (MIXED, {"numeric": ("ok",)}, "is not a number; correct it"),
    "group of all positives": (
        claims(card=np.where(Y, 0, np.arange(N))),
        {"group": "card"},
        "column 'card': a single group holds all rows with the label 'yes', and 6 groups are needed",
    ),
    "five groups of positives": (
        claims(card=np.arange(N) % 125),
        {"group": "card"},
        "column 'card': only 5 groups hold",
    ),
    "gaps in the group": (
        claims(card=np.where(SMALL, None, "a")),
        {"group": "card"},
        "no value in 19 rows, first in row 1",
    ),
}


@pytest.mark.parametrize(("frame", "options", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_recognise_refuses_a_table_with_one_sentence(frame, options, words):
    with pytest.raises(DataError) as caught:
        recognise_as(frame, **({"label": "is_fraud"} | options))
    message = str(caught.value)
    assert message.startswith("claims.csv") and words in message
    assert message.endswith(".") and "\n" not in message and len(message) < 600


def test_recognise_names_the_column_of_a_column_error():
    with pytest.raises(ColumnError) as caught:
        recognise_as(MIXED, label="fraud")
    assert caught.value.columns == ("fraud",)


def test_recognise_accepts_exactly_twenty_positives():
    recognised = recognise_as(claims(is_fraud=np.where(np.arange(N) < 20, 1, 0)), label="is_fraud")
    assert recognised.positive == "1"


def test_recognise_does_not_copy_what_the_reader_noted_for_every_column(tmp_path):
    """Pandas copies the attributes of a frame with each of its columns, which takes a minute if there are many."""
    names = [f"c{number}" for number in range(3_000)]
    lines = [
        ",".join([*names, "y"]),
        *(",".join([*["1.5", "2.5"][i % 2 : i % 2 + 1] * 3_000, str(i % 3)]) for i in range(90)),
    ]
    (tmp_path / "wide.csv").write_text("\n".join(lines))
    frame = read_raw(tmp_path / "wide.csv")
    assert copy.deepcopy(frame.attrs["signs"]) is frame.attrs["signs"] and len(frame.attrs["signs"]) == 3_000


def test_recognise_takes_wide_tables_many_categories_and_long_texts():
    start = time.process_time()
    wide = pd.DataFrame(RNG.normal(size=(200, 5_000))).rename(columns=str).assign(y=np.arange(200) % 5 == 0)
    assert len(recognise_as(wide, label="y").numeric) == 5_000
    numbers = np.arange(120_000)
    long = pd.DataFrame({"y": numbers % 9 == 0, "many": [f"c{i}" for i in numbers // 2], "long": "x" * 10_000})
    long["free"] = [f"{'y' * 10_000}{i}" if i < 400 else None for i in numbers]
    recognised = recognise_as(long, label="y")
    assert [(column.kind, column.n_values) for column in recognised.columns] == [
        ("label", 2),
        ("category", 60_000),
        ("dropped", 1),
        ("dropped", 400),
    ]
    assert time.process_time() - start < 20


def leak_scores(values, y=Y, **options) -> list[tuple[str, float]]:
    column = values if isinstance(values, pd.Series) else pd.Series(values)
    X = pd.DataFrame({"noise": np.random.default_rng(0).normal(size=len(y)), "x": column})
    return suspected_leaks(X, y.astype(int), **options)


LEAKS = {
    "category": as_categories(pd.Series(np.where(Y, "chargeback", CATEGORY))),
    "category that is filled for positives": as_categories(pd.Series(np.where(Y, CATEGORY, None))),
    "number": np.where(Y, 1_000, 0) + RNG.normal(size=N),
    "number in the middle": np.where(Y, 0.5, RNG.choice([-5, 5], N) + RNG.normal(size=N)),
    "gap": np.where(Y, np.nan, RNG.normal(size=N)),
    "filled": np.where(Y, RNG.normal(size=N), np.nan),
    "date": pd.Series(MOMENTS).where(Y),
}


@pytest.mark.parametrize("values", LEAKS.values(), ids=LEAKS.keys())
def test_suspected_leaks_names_a_column_that_separates_the_classes(values):
    ((name, score),) = leak_scores(values)
    assert name == "x" and score >= 0.98


FAIR = {
    "a different category in every row": as_categories(pd.Series([f"k{i}" for i in range(N)])),
    "many categories": as_categories(pd.Series(CATEGORY)),
    "good number": Y * 2 + np.random.default_rng(1).normal(size=N),
    "every number different": np.random.default_rng(2).permutation(N).astype(float),
    "nothing but gaps": np.full(N, np.nan),
}


@pytest.mark.parametrize("values", FAIR.values(), ids=FAIR.keys())
def test_suspected_leaks_names_no_other_column(values):
    assert leak_scores(values) == []


def test_suspected_leaks_keeps_the_rows_of_a_group_together():
    groups = np.arange(N) // 10
    y = groups % 5 == 0
    memory = as_categories(pd.Series(groups))  # knows the label of each group, which is worth nothing for another one
    assert [name for name, _ in leak_scores(memory, y)] == ["x"]
    assert leak_scores(memory, y, groups=groups) == []


def test_suspected_leaks_has_positives_of_some_group_in_the_test_fold_and_of_another_to_learn_from():
    y = np.repeat([1, 0], [20, N - 20])
    groups = np.concatenate([np.repeat([0, 1], 10), np.arange(2, N - 18)])
    scores = [leak_scores(1.0 * y, y, groups=groups, seed=seed) for seed in range(20)]
    assert scores == 20 * [[("x", 1.0)]]


def test_suspected_leaks_does_not_depend_on_the_order_of_columns():
    frame = pd.DataFrame({"a": np.where(Y, 9.0, 0) + RNG.normal(size=N), "b": Y * 1_000.0})
    scores = [dict(suspected_leaks(frame[order], Y.astype(int), seed=3)) for order in (["a", "b"], ["b", "a"])]
    assert scores[0] == scores[1] and scores[0]["b"] == 1


@pytest.mark.parametrize(("time", "n_notes"), [(None, 1), ("admitted", 0)])
def test_recognise_suggests_a_date_without_gaps_as_the_time(time, n_notes):
    days = pd.date_range("2023-01-01", periods=100).strftime("%Y-%m-%d")
    table = pd.DataFrame({"admitted": days, "left": [*days[:-1], None], "ward": ["a", "b"] * 50})
    table["again"] = np.repeat(["yes", "no"], [30, 70])
    notes = [
        note
        for note in recognise_as(table, label="again", time=time, name="stays.csv").notes
        if "a date in every row" in note
    ]
    assert len(notes) == n_notes and all(note.startswith("Column 'admitted': a date") for note in notes)
