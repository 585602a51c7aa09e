"""Simulated card payments: an example table of any size whose columns everybody understands.

    python -m utils.data.simulator payments.csv --rows 100000 --seed 0
    python -m utils.data.simulator payments.parquet --rows 2000000 --prevalence 0.002

The design follows the description of the simulator in the Fraud Detection Handbook (Le Borgne et al. 2022, chapter 3):
customers with a home, a mean amount and a spending rate pay at terminals within reach, and there are three kinds of
fraud. Merchants, channels, devices, gaps and the other columns are added here.

| column | kind | meaning |
|---|---|---|
| `payment_id` | identifier | number of the payment, in the order of time |
| `timestamp` | ISO text | second at which it was made |
| `customer_id` | group | who paid |
| `terminal_id` | text, thousands of values | where: a terminal (T...) or a shop at a distance (S...) |
| `amount` | number | value in euros |
| `currency` | category | currency of the merchant, or, in some online shops, of the customer |
| `merchant_category` | category | kind of goods; depends on the terminal |
| `merchant_country`, `card_country` | category | where the terminal stands, where the customer lives |
| `channel` | category | chip, contactless (up to 50 euros), online, mail order |
| `card_present` | boolean | whether it is chip or contactless |
| `authentication` | category | how the customer was recognised; depends on the channel |
| `device` | category, gaps | browser and system; a gap unless online, and in 4 % of online payments |
| `postcode_check` | category, gaps | whether the postcode fits; a gap unless at a distance, and in 10 % of those |
| `distance_km` | number, gaps | from home to the terminal; a gap at a distance |
| `hours_since_last` | number, gaps | since the customer's payment before; a gap for the first |
| `account_opened` | date | when the account was opened |
| `age_group` | ordered category, gaps | age of the customer; 5 % gaps at random |
| `balance` | number, gaps | of the account, heavy-tailed, may be negative; 2 % gaps at random |
| `loyalty_points` | integer | earned by the payment; 0 for more than half of them |
| `instalments` | integer | number of instalments, mostly 1 |
| `label` | text | 'fraud' or 'genuine' |

| kind of fraud | share | trace |
|---|---|---|
| large amount | 20 % | every payment above a limit; the limit follows from the prevalence |
| compromised terminal | 40 % | every payment at it for 28 days; they need the chip, and 60 % are signed |
| compromised card | 40 % | a third of the customer's payments for 14 days, most of them at a distance and on another \
device; 5 times the amount, often a wrong postcode |

A customer has some 200 payments and a terminal some 70. The shares hold for some 1,000 payments and more, and up to a
prevalence of about 5 %; where they can't be reached, large amounts make up for it.

References
----------
Y.-A. Le Borgne, W. Siblini, B. Lebichot, G. Bontempi. Reproducible Machine Learning for Credit Card Fraud Detection -
Practical Handbook. Université Libre de Bruxelles, 2022.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from scipy.spatial import cKDTree
from tqdm import tqdm

from utils.data.errors import DataError
from utils.data.features.calendar import SECONDS_PER_DAY
from utils.files import replacing
from utils.seeding import child_seed

PREVALENCE = 0.008
MAX_PREVALENCE = 0.2
DAYS = 183
START = np.datetime64("2025-01-01", "s")
RngFor = Callable[[str], np.random.Generator]  # a generator for each component

PAYMENTS_PER_CUSTOMER = 200
TERMINALS_PER_CUSTOMER = 2
SHOPS_PER_TERMINAL = 0.25
REACH_KM = 5.0
TERMINALS_IN_REACH = 60
CONTACTLESS_LIMIT = 50.0

GENUINE, LARGE_AMOUNT, TERMINAL, CARD = range(4)
KINDS = ("genuine", "large amount", "compromised terminal", "compromised card")
TERMINAL_SHARE, CARD_SHARE = 0.4, 0.4
TERMINAL_DAYS, CARD_DAYS = 28, 14
CARD_RATE = 1 / 3
CARD_FACTOR = 5.0

CHANNELS = np.array(["chip", "contactless", "online", "mail order"], dtype=object)
CHIP, CONTACTLESS, ONLINE, MAIL_ORDER = range(4)
AUTHENTICATION = np.array(["pin", "signature", "none", "phone", "3-D Secure", "password"], dtype=object)
POSTCODE = np.array(["match", "partial", "mismatch"], dtype=object)
AGE_GROUPS = np.array(["18-25", "26-35", "36-45", "46-60", "61-75", "76+"], dtype=object)
AGE_RATES = (0.13, 0.2, 0.2, 0.24, 0.17, 0.06)
INSTALMENTS = np.array([1, 2, 3, 6, 10, 12])

# Category: (weight at terminals, weight at a distance, factor of the amount)
MERCHANTS = {
    "groceries": (30, 4, 0.8),
    "restaurants": (18, 1, 0.7),
    "fuel": (9, 0, 1.1),
    "clothing": (8, 16, 1.3),
    "pharmacy": (7, 3, 0.5),
    "public transport": (6, 4, 0.3),
    "home and garden": (5, 7, 1.6),
    "entertainment": (4, 9, 0.8),
    "electronics": (3, 14, 2.6),
    "sports": (3, 5, 1.2),
    "books": (2, 7, 0.5),
    "hotels": (2, 5, 3.0),
    "travel": (1, 8, 3.5),
    "jewellery": (1, 1, 3.0),
    "charity": (1, 2, 0.6),
    "gaming": (0, 6, 0.5),
    "digital goods": (0, 7, 0.3),
    "utilities": (0, 1, 1.5),
}
CATEGORIES = np.array(list(MERCHANTS), dtype=object)
# Country: (weight, currency)
COUNTRIES = {
    **{"DE": (20, "EUR"), "FR": (17, "EUR"), "GB": (14, "GBP"), "IT": (11, "EUR"), "ES": (9, "EUR"), "NL": (6, "EUR")},
    **{"BE": (5, "EUR"), "PL": (4, "PLN"), "CH": (3, "CHF"), "SE": (3, "SEK"), "AT": (2, "EUR"), "PT": (2, "EUR")},
    **{"DK": (1.5, "DKK"), "NO": (1.5, "NOK"), "CZ": (1, "CZK"), "IE": (1, "EUR"), "FI": (1, "EUR"), "US": (3, "USD")},
    **{"GR": (0.8, "EUR"), "HU": (0.7, "HUF"), "RO": (0.6, "RON"), "LU": (0.4, "EUR"), "JP": (0.3, "JPY")},
}
COUNTRY_NAMES = np.array(list(COUNTRIES), dtype=object)
CURRENCIES = np.array([currency for _, currency in COUNTRIES.values()], dtype=object)
DEVICES = np.array(
    [
        f"{browser} {version} on {system}"
        for browser, systems, versions in (
            ("Chrome", ("Windows", "Android", "macOS", "Linux"), range(124, 132)),
            ("Safari", ("iOS", "macOS"), range(15, 19)),
            ("Firefox", ("Windows", "Linux", "Android"), range(126, 132)),
            ("Edge", ("Windows",), range(125, 131)),
            ("Samsung Internet", ("Android",), range(23, 27)),
        )
        for system in systems
        for version in versions
    ],
    dtype=object,
)


@dataclass(frozen=True, eq=False)
class Simulation:
    """Simulated payments; `kind` (positions in `KINDS`) and `limit` are what made them frauds, and no columns."""

    frame: pd.DataFrame
    kind: np.ndarray
    limit: float


@dataclass(frozen=True, eq=False)
class _Customers:
    """What is drawn once for each customer."""

    home: np.ndarray
    mean_amount: np.ndarray
    rate: np.ndarray
    remote_share: np.ndarray
    first_day: np.ndarray
    opened: np.ndarray
    age_group: np.ndarray
    country: np.ndarray
    device: np.ndarray
    balance: np.ndarray
    points_per_euro: np.ndarray


@dataclass(frozen=True, eq=False)
class _Merchants:
    """Terminals, and after them the shops at a distance, which have no coordinates."""

    coordinates: np.ndarray
    category: np.ndarray
    country: np.ndarray

    @property
    def n_terminals(self) -> int:
        return len(self.coordinates)


@dataclass(frozen=True, eq=False)
class _Payments:
    """Who pays where and when, in the order of time."""

    customer: np.ndarray
    second: np.ndarray
    is_remote: np.ndarray
    merchant: np.ndarray
    amount: np.ndarray
    kind: np.ndarray


def simulate(n_rows: int = 100_000, *, seed: int = 0, prevalence: float = PREVALENCE, days: int = DAYS) -> Simulation:
    """Draw `n_rows` payments of `days` days, in the order of time.

    Parameters
    ----------
    n_rows : int
        Number of payments, at least 100; there is a customer for every 200 of them.
    seed : int
        The same seed gives the same rows.
    prevalence : float
        Share of frauds, above 0 and at most 0.2.
    days : int
        Length of the period, at least 7 days.

    Raises
    ------
    DataError
        If a parameter is out of its range.
    """
    if n_rows < 100 or days < 7 or not 0 < prevalence <= MAX_PREVALENCE:
        raise DataError(
            f"{n_rows} rows, {days} days and a prevalence of {prevalence} cannot be simulated; at least 100 rows and "
            f"7 days are needed, and a prevalence above 0 and up to {MAX_PREVALENCE}."
        )
    rng_for = partial(_generator, seed)
    n_customers = max(20, n_rows // PAYMENTS_PER_CUSTOMER)
    n_terminals = TERMINALS_PER_CUSTOMER * n_customers
    side = REACH_KM * np.sqrt(np.pi * n_terminals / TERMINALS_IN_REACH)
    customers = _draw_customers(n_customers, side, days, rng_for("customers"))
    merchants = _draw_merchants(n_terminals, side, rng_for("merchants"))
    payments, limit = _draw_payments(n_rows, customers, merchants, days, prevalence, rng_for)
    return Simulation(_to_frame(payments, customers, merchants, rng_for), payments.kind, limit)


def _generator(seed: int, component: str) -> np.random.Generator:
    return np.random.default_rng(child_seed(seed, "simulator", component))


def _draw_customers(n: int, side: float, days: int, rng: np.random.Generator) -> _Customers:
    is_new = rng.random(n) < 0.08
    first_day = np.where(is_new, rng.integers(0, max(1, int(0.8 * days)), n), 0)
    home = rng.uniform(0, side, (n, 2))
    return _Customers(
        home=home,
        mean_amount=rng.uniform(5, 100, n),
        rate=rng.uniform(0, 4, n),
        remote_share=rng.beta(2, 5, n),
        first_day=first_day,
        opened=np.where(is_new, first_day, -1 - rng.exponential(2200, n).astype(int)),
        age_group=rng.choice(len(AGE_GROUPS), n, p=AGE_RATES),
        country=_country_at(home, side),
        device=rng.integers(0, len(DEVICES), n),
        balance=rng.lognormal(7, 1.1, n),
        points_per_euro=np.where(rng.random(n) < 0.45, rng.integers(1, 4, n), 0),
    )


def _draw_merchants(n_terminals: int, side: float, rng: np.random.Generator) -> _Merchants:
    n_shops = max(10, int(SHOPS_PER_TERMINAL * n_terminals))
    coordinates = rng.uniform(0, side, (n_terminals, 2))
    at_terminals, at_distance, _ = np.array(list(MERCHANTS.values())).T
    category = [
        rng.choice(len(MERCHANTS), n, p=weights / weights.sum())
        for n, weights in ((n_terminals, at_terminals), (n_shops, at_distance))
    ]
    shop_country = rng.choice(len(COUNTRIES), n_shops, p=_country_shares())
    country = np.concatenate([_country_at(coordinates, side), shop_country])
    return _Merchants(coordinates=coordinates, category=np.concatenate(category), country=country)


def _country_shares() -> np.ndarray:
    weights = np.array([weight for weight, _ in COUNTRIES.values()])
    return weights / weights.sum()


def _country_at(coordinates: np.ndarray, side: float) -> np.ndarray:
    """Countries are stripes of the map, so customers near a border also pay abroad."""
    return np.searchsorted(np.cumsum(_country_shares())[:-1], coordinates[:, 0] / side)


def _draw_payments(
    n: int, customers: _Customers, merchants: _Merchants, days: int, prevalence: float, rng_for: RngFor
) -> tuple[_Payments, float]:
    """Payments in the order of time, and the limit above which an amount is a fraud."""
    n_frauds = max(1, round(prevalence * n))
    customer, second = _draw_times(n, customers, days, rng_for("times"))
    day = second // SECONDS_PER_DAY
    kind = np.zeros(n, dtype=np.int8)
    card_frauds = _compromise(
        customer, day, n_days=CARD_DAYS, rate=CARD_RATE, target=CARD_SHARE * n_frauds, rng=rng_for("cards")
    )
    kind[card_frauds] = CARD
    remote_share = np.where(kind == CARD, 0.8, customers.remote_share[customer])
    is_remote = rng_for("remote").random(n) < remote_share
    merchant = _choose_merchants(customer, is_remote, customers, merchants, rng_for("places"))
    amount = _draw_amounts(customer, merchant, customers, merchants, rng_for("amounts"))
    amount[kind == CARD] = (CARD_FACTOR * amount[kind == CARD]).round(2)
    at_terminal = np.flatnonzero(~is_remote & (kind == GENUINE))
    terminal_frauds = _compromise(
        merchant[at_terminal],
        day[at_terminal],
        n_days=TERMINAL_DAYS,
        rate=1.0,
        target=TERMINAL_SHARE * n_frauds,
        rng=rng_for("terminals"),
    )
    kind[at_terminal[terminal_frauds]] = TERMINAL
    limit = _limit_of_amounts(amount[kind == GENUINE], n_frauds - np.count_nonzero(kind))
    kind[(kind == GENUINE) & (amount > limit)] = LARGE_AMOUNT
    return _Payments(customer, second, is_remote, merchant, amount, kind), limit


def _limit_of_amounts(amount: np.ndarray, n_above: int) -> float:
    """The amount that `n_above` are larger than, or fewer where amounts are equal."""
    return float(np.partition(amount, -n_above - 1)[-n_above - 1])


def _draw_times(n: int, customers: _Customers, days: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Customer and second of every payment; each customer pays as often as their rate says, mostly by day."""
    active = customers.rate * (days - customers.first_day)
    customer = np.repeat(np.arange(len(active)), rng.multinomial(n, active / active.sum()))
    first_day = customers.first_day[customer]
    day = first_day + (rng.random(n) * (days - first_day)).astype(int)
    by_day = rng.normal(14 * 3600, 4 * 3600, n) % SECONDS_PER_DAY
    second_of_day = np.where(rng.random(n) < 0.15, rng.uniform(0, SECONDS_PER_DAY, n), by_day).astype(int)
    second = day * SECONDS_PER_DAY + second_of_day
    order = np.argsort(second, kind="stable")
    return customer[order], second[order]


def _compromise(
    entity: np.ndarray, day: np.ndarray, *, n_days: int, rate: float, target: float, rng: np.random.Generator
) -> np.ndarray:
    """Mask of frauds: payments, at this rate, of cards or terminals while they are compromised, for some days each.

    These are drawn at random until their frauds reach the target; none of them has more than a tenth of it.
    """
    n_entities = entity.max() + 1
    start = (rng.random(n_entities) * max(1, day.max() + 2 - n_days)).astype(int)[entity]
    is_candidate = (start <= day) & (day < start + n_days) & (rng.random(len(day)) < rate)
    n_frauds = np.bincount(entity[is_candidate], minlength=n_entities)
    candidates = rng.permutation(np.flatnonzero((n_frauds > 0) & (n_frauds <= max(1, target / 10))))
    is_compromised = np.zeros(n_entities, dtype=bool)
    is_compromised[candidates[np.cumsum(n_frauds[candidates]) <= target]] = True
    return is_candidate & is_compromised[entity]


def _choose_merchants(
    customer: np.ndarray,
    is_remote: np.ndarray,
    customers: _Customers,
    merchants: _Merchants,
    rng: np.random.Generator,
) -> np.ndarray:
    """A terminal within reach of the customer's home (the closest one if there is none), or any shop at a distance."""
    tree = cKDTree(merchants.coordinates)
    reachable = tree.query_ball_point(customers.home, REACH_KM)
    closest = tree.query(customers.home)[1]
    reachable = [terminals or [nearest] for terminals, nearest in zip(reachable, closest, strict=True)]
    n_reachable = np.array([len(terminals) for terminals in reachable])
    first = np.cumsum(n_reachable) - n_reachable
    draw = rng.random(len(customer))
    chosen = np.concatenate(reachable)[first[customer] + (draw * n_reachable[customer]).astype(int)]
    n_shops = len(merchants.category) - merchants.n_terminals
    popularity = np.cumsum(1 / (np.arange(n_shops) + 5))
    shop = np.searchsorted(popularity, draw * popularity[-1], side="right")
    return np.where(is_remote, merchants.n_terminals + np.minimum(shop, n_shops - 1), chosen)


def _draw_amounts(
    customer: np.ndarray,
    merchant: np.ndarray,
    customers: _Customers,
    merchants: _Merchants,
    rng: np.random.Generator,
) -> np.ndarray:
    """Amounts around the customer's mean, with half of it as standard deviation, by the merchant's factor."""
    factor = np.array([factor for *_, factor in MERCHANTS.values()])[merchants.category[merchant]]
    mean = customers.mean_amount[customer] * factor
    return np.maximum(rng.gamma(4.0, mean / 4.0), 0.01).round(2)


def _to_frame(payments: _Payments, customers: _Customers, merchants: _Merchants, rng_for: RngFor) -> pd.DataFrame:
    """All columns of the payments; see the table of this module."""
    customer, merchant = payments.customer, payments.merchant
    channel = _draw_channels(payments, customers, rng_for("channels"))
    opened = START.astype("datetime64[D]") + customers.opened
    columns = {
        "payment_id": np.arange(1, len(customer) + 1),
        "timestamp": np.datetime_as_string(START + payments.second).astype(object),
        "customer_id": _names("C", len(customers.rate))[customer],
        "terminal_id": _merchant_names(merchants)[merchant],
        "amount": payments.amount,
        "currency": _draw_currencies(payments, customers, merchants, rng_for("currencies")),
        "merchant_category": CATEGORIES[merchants.category[merchant]],
        "merchant_country": COUNTRY_NAMES[merchants.country[merchant]],
        "card_country": COUNTRY_NAMES[customers.country[customer]],
        "channel": CHANNELS[channel],
        "card_present": ~payments.is_remote,
        "authentication": _draw_authentication(channel, payments.kind, rng_for("authentication")),
        "device": _draw_devices(channel, payments, customers, rng_for("devices")),
        "postcode_check": _draw_postcodes(payments, rng_for("postcodes")),
        "distance_km": _distances(payments, customers, merchants),
        "hours_since_last": _hours_since_last(customer, payments.second),
        "account_opened": np.datetime_as_string(opened).astype(object)[customer],
        "age_group": _with_gaps(AGE_GROUPS[customers.age_group[customer]], 0.05, rng_for("age gaps")),
        "balance": _draw_balances(customers.balance[customer], rng_for("balances")),
        "loyalty_points": np.floor(payments.amount * customers.points_per_euro[customer]).astype(int),
        "instalments": _draw_instalments(payments, rng_for("instalments")),
        "label": np.where(payments.kind == GENUINE, "genuine", "fraud").astype(object),
    }
    return pd.DataFrame(columns)


def _names(prefix: str, n: int) -> np.ndarray:
    return np.array([f"{prefix}{number:06d}" for number in range(n)], dtype=object)


def _merchant_names(merchants: _Merchants) -> np.ndarray:
    n_shops = len(merchants.category) - merchants.n_terminals
    return np.concatenate([_names("T", merchants.n_terminals), _names("S", n_shops)])


def _draw_channels(payments: _Payments, customers: _Customers, rng: np.random.Generator) -> np.ndarray:
    """Small amounts are mostly contactless, but at compromised terminals; older customers order by mail more often."""
    draw = rng.random(len(payments.amount))
    by_mail = np.where(customers.age_group[payments.customer] >= 4, 0.25, 0.06)
    is_contactless = (payments.amount <= CONTACTLESS_LIMIT) & (payments.kind != TERMINAL) & (draw < 0.75)
    return np.where(
        payments.is_remote,
        np.where(draw < by_mail, MAIL_ORDER, ONLINE),
        np.where(is_contactless, CONTACTLESS, CHIP),
    )


def _draw_currencies(
    payments: _Payments, customers: _Customers, merchants: _Merchants, rng: np.random.Generator
) -> np.ndarray:
    """The merchant's currency; half of the payments at a distance are in the customer's."""
    is_customers = payments.is_remote & (rng.random(len(payments.amount)) < 0.5)
    country = np.where(is_customers, customers.country[payments.customer], merchants.country[payments.merchant])
    return CURRENCIES[country]


def _draw_authentication(channel: np.ndarray, kind: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How the customer was recognised; frauds are signed, or need nothing online, more often."""
    shares = np.zeros((len(CHANNELS), len(AUTHENTICATION)))
    shares[CHIP, :2] = 0.99, 0.01
    shares[CONTACTLESS, 2:4] = 0.7, 0.3
    shares[ONLINE, [2, 4, 5]] = 0.08, 0.77, 0.15
    shares[MAIL_ORDER, 2] = 1
    of_frauds = shares.copy()
    of_frauds[CHIP, :2] = 0.4, 0.6
    of_frauds[ONLINE, [2, 4, 5]] = 0.55, 0.3, 0.15
    is_stolen = (kind == TERMINAL) | (kind == CARD)
    draw = rng.random(len(channel))
    return AUTHENTICATION[_draw_rows(np.stack([shares, of_frauds]), (is_stolen.astype(int), channel), draw)]


def _draw_rows(shares: np.ndarray, index: tuple[np.ndarray, ...], draw: np.ndarray) -> np.ndarray:
    """A position for each row, drawn with the shares that `index` names along the last axis."""
    bounds = np.cumsum(shares, axis=-1)
    position = np.zeros(len(draw), dtype=int)
    for number in range(shares.shape[-1] - 1):
        position += draw >= bounds[..., number][index]
    return position


def _draw_devices(
    channel: np.ndarray, payments: _Payments, customers: _Customers, rng: np.random.Generator
) -> np.ndarray:
    """The customer's own device, or any one with a stolen card; only known online."""
    foreign = rng.integers(0, len(DEVICES), len(channel))
    device = DEVICES[np.where(payments.kind == CARD, foreign, customers.device[payments.customer])]
    device[channel != ONLINE] = None
    return _with_gaps(device, 0.04, rng)


def _draw_postcodes(payments: _Payments, rng: np.random.Generator) -> np.ndarray:
    """Whether the postcode fits that was given; only asked for at a distance."""
    shares = np.array([[0.88, 0.1, 0.02], [0.4, 0.25, 0.35]])
    is_card = (payments.kind == CARD).astype(int)
    result = POSTCODE[_draw_rows(shares, (is_card,), rng.random(len(is_card)))]
    result[~payments.is_remote] = None
    return _with_gaps(result, 0.1, rng)


def _distances(payments: _Payments, customers: _Customers, merchants: _Merchants) -> np.ndarray:
    n_terminals = merchants.n_terminals
    coordinates = merchants.coordinates[np.minimum(payments.merchant, n_terminals - 1)]
    distance = np.linalg.norm(coordinates - customers.home[payments.customer], axis=1).round(2)
    return np.where(payments.is_remote, np.nan, distance)


def _hours_since_last(customer: np.ndarray, second: np.ndarray) -> np.ndarray:
    order = np.argsort(customer, kind="stable")
    hours = np.full(len(second), np.nan)
    is_same = customer[order][1:] == customer[order][:-1]
    hours[order[1:]] = np.where(is_same, np.diff(second[order]) / 3600, np.nan)
    return hours.round(2)


def _draw_balances(level: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    balance = level * rng.normal(1, 0.3, len(level)) - rng.exponential(150, len(level))
    return np.where(rng.random(len(level)) < 0.02, np.nan, balance.round(2))


def _draw_instalments(payments: _Payments, rng: np.random.Generator) -> np.ndarray:
    """Nearly always 1; larger amounts at a distance are also paid in several instalments."""
    shares = np.array([[0.99, 0.0, 0.01, 0.0, 0.0, 0.0], [0.6, 0.05, 0.15, 0.1, 0.04, 0.06]])
    is_large = (payments.is_remote & (payments.amount > 100)).astype(int)
    return INSTALMENTS[_draw_rows(shares, (is_large,), rng.random(len(is_large)))]


def _with_gaps(values: np.ndarray, rate: float, rng: np.random.Generator) -> np.ndarray:
    """The text values, of which some at random are gaps."""
    values[rng.random(len(values)) < rate] = None
    return values


def write(frame: pd.DataFrame, path: Path, rows_per_batch: int = 100_000) -> None:
    """Save the payments as CSV or Parquet, by the ending of `path`, which appears only when it is complete.

    Raises
    ------
    DataError
        If the ending is neither .csv nor .parquet, or the folder does not exist.
    """
    _check_path(path)
    schema = pa.Schema.from_pandas(frame, preserve_index=False).remove_metadata()
    with replacing(path) as temporary, _open_writer(temporary, schema) as writer:
        for first in tqdm(range(0, len(frame), rows_per_batch), desc=path.name, leave=False, disable=None):
            batch = frame.iloc[first : first + rows_per_batch]
            writer.write_table(pa.Table.from_pandas(batch, schema=schema, preserve_index=False))


def _check_path(path: Path) -> None:
    if path.suffix not in (".csv", ".parquet"):
        raise DataError(f"{path} ends in neither .csv nor .parquet.")
    if not path.parent.is_dir():
        raise DataError(f"The folder {path.parent} does not exist.")


def _open_writer(path: Path, schema: pa.Schema) -> pa.csv.CSVWriter | pq.ParquetWriter:
    if path.suffix == ".csv":
        return pa.csv.CSVWriter(path, schema, write_options=pa.csv.WriteOptions(quoting_style="none"))
    return pq.ParquetWriter(path, schema)


def main(arguments: list[str] | None = None) -> None:
    """Write a file of simulated payments."""
    parser = argparse.ArgumentParser(description="Write a file of simulated card payments.")
    parser.add_argument("path", type=Path, help="file to write: .csv or .parquet")
    parser.add_argument("--rows", type=int, default=100_000, help="number of payments (default: 100000)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same file (default: 0)")
    parser.add_argument("--prevalence", type=float, default=PREVALENCE, help="share of frauds (default: 0.008)")
    parser.add_argument("--days", type=int, default=DAYS, help="length of the period (default: 183)")
    options = parser.parse_args(arguments)
    try:
        _check_path(options.path)
        simulation = simulate(options.rows, seed=options.seed, prevalence=options.prevalence, days=options.days)
        write(simulation.frame, options.path)
    except (DataError, OSError) as error:
        sys.exit(str(error))
    kinds = np.bincount(simulation.kind, minlength=len(KINDS))[1:]
    counts = ", ".join(f"{count:,} {name}" for name, count in zip(KINDS[1:], kinds, strict=True))
    print(f"{options.path}: {options.rows:,} payments, {kinds.sum():,} of them frauds ({counts}).")


if __name__ == "__main__":
    main()
