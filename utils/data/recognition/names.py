"""What the name of a column says of its values, in a few languages."""

from __future__ import annotations

import re

TIME_WORDS = {"time", "date", "datetime", "timestamp", "datum", "zeit", "opened", "created", "moment", "ts", "fecha"}
# Of dates that say something of a person or a contract, and not when a row was recorded.
OTHER_DATES = {"birth", "birthday", "born", "dob", "geburt", "geboren", "naissance", "nacimiento", "nascita", "death"}
OTHER_DATES |= {"expiry", "expires", "expiration", "end", "ende", "fin", "due", "until", "bis", "valid", "maturity"}
OTHER_DATES |= {"deadline", "scheduled", "planned", "next"}
# Of what happened before or after the row was recorded; the latter may give the label away.
OTHER_DATES |= {"last", "latest", "previous", "prev", "letzte", "letzter", "letztes", "ultimo", "ultima", "dernier"}
OTHER_DATES |= {"closed", "closing", "close", "closure", "settled", "settlement", "resolved", "resolution", "completed"}
OTHER_DATES |= {"finished", "discharge", "discharged", "updated", "update", "modified", "cancelled", "canceled"}
OTHER_DATES |= {"cancellation", "terminated", "termination", "churn", "chargeoff", "default", "returned", "refund"}
DURATION_WORDS = {"elapsed", "duration", "since", "dauer"}
AMOUNT_WORDS = {"amount", "amt", "amnt", "sum", "value", "price", "betrag", "preis", "summe", "montant", "importe"}
KEY_WORDS = {"id", "ids", "uuid", "guid", "key", "no", "nr", "nummer", "iban", "ref", "mrn", "ssn"}
KEY_WORDS |= {"identifier", "identifiant", "identificador", "kennung", "imei", "msisdn", "cpf"}
KEY_ENDING = re.compile(r"\w{2,}nr|.*nummer")  # of one German word, such as 'belegnr', but not the rupee's 'inr'
ENTITY_WORDS = {"customer", "client", "card", "account", "terminal", "user", "device", "patient", "kunde", "konto"}
ENTITY_WORDS |= {"email", "phone", "telephone", "tel", "telefon", "telefono", "teléfono"}
ENTITY_WORDS |= {"cliente", "paciente", "cuenta", "tarjeta"}
# Beside the word for an entity these say which one, where others, as in 'age_client', say what is measured of it.
NUMBER_WORDS = {"number", "num", "nbr", "nro", "numero", "número", "numéro", "reference"}
# Of numbers that stand for something and measure nothing.
CODE_WORDS = {"code", "código", "codigo", "zip", "zipcode", "postcode", "postal", "plz", "mcc", "sic", "naics", "cep"}
ROW_WORDS = {"index", "row", "rows", "rownum", "unnamed", "column", "number", "no", "nr"}  # 'column 1' has no name
WHICH = {
    "number",
    "nbr",
    "num",
    "code",
    "código",
    "codigo",
    "bank",
    "credit",
    "debit",
    "sender",
    "receiver",
    "recipient",
    "source",
    "src",
    "destination",
    "dest",
}
WHICH |= {"from", "to", "origin", "orig", "target"}
QUANTITIES = {"count", "counts", "age", "days", "limit", "per", "revenue", "income", "balance", "total"} | AMOUNT_WORDS


def words_of(name: object) -> list[str]:
    """Words of a name such as 'customer_id', 'customerId' or 'Customer ID', in lower case."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", str(name))
    return re.findall(r"[^\W\d_]+", spaced.casefold())


def names_moment(name: object) -> bool:
    """Whether a name is that of moments, and not of durations."""
    words = set(words_of(name))
    return bool(words & TIME_WORDS) and not words & DURATION_WORDS


def is_like_time(name: object) -> bool:
    """Whether a name is that of the time at which a row was recorded."""
    return names_moment(name) and not set(words_of(name)) & OTHER_DATES


def is_like_amount(name: object) -> bool:
    """Whether a name is that of an amount."""
    return bool(set(words_of(name)) & AMOUNT_WORDS)


def names_number(name: object) -> bool:
    """Whether a name is that of the numbers of something, as 'policy_number' is."""
    words = words_of(name)
    return len(words) > 1 and words[-1] in NUMBER_WORDS


def names_code(name: object) -> bool:
    """Whether a name is that of codes.

    Examples
    --------
    >>> [names_code(name) for name in ("zip", "Postal code", "zip_from", "zip_population")]
    [True, True, True, False]
    """
    words = [word for word in words_of(name) if word in CODE_WORDS or word not in WHICH]
    return bool(words) and words[-1] in CODE_WORDS


def names_row(name: object) -> bool:
    """Whether a name is that of the numbers of rows, or says nothing."""
    return bool(words_of(name)) and set(words_of(name)) <= ROW_WORDS


def names_entity(name: object, *, of_numbers: bool) -> bool:
    """Whether a name is that of entities, such as customers; one of numbers must leave no doubt.

    Examples
    --------
    >>> [names_entity(name, of_numbers=True) for name in ("customer_id", "Card", "age_client")]
    [True, True, False]
    """
    words = words_of(name)
    if not words:
        return False
    is_key = words[-1] in KEY_WORDS or KEY_ENDING.fullmatch(words[-1]) is not None
    is_key |= words[0] == "id" and not QUANTITIES & set(words)
    if of_numbers:
        return is_key or (bool(ENTITY_WORDS & set(words)) and set(words) <= ENTITY_WORDS | WHICH)
    return is_key or words[-1] in ENTITY_WORDS
