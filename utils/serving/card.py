"""The card of a saved model: its methods, its scores and where it comes from.

Only `records.to_json` and `records.from_json` convert these classes. Cards of other releases may lack fields, or have
others, which are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass

from utils.benchmark.records import Method
from utils.study_file import Words


@dataclass(frozen=True)
class MethodCard:
    """A sampler or a model on a card: a `records.Method` of which only the name must be known."""

    name: str
    params: dict[str, object] | None = None
    library: str | None = None
    revision: int | None = None

    @classmethod
    def of(cls, method: Method) -> MethodCard:
        """The card's entry for a method of a task."""
        return cls(method.name, method.params, method.library, method.revision)


@dataclass(frozen=True)
class FoldScore:
    """Score of a model that was fitted on one development fold.

    Attributes
    ----------
    repeat, fold : int
        Number of the fold.
    average_precision : float
        On the held-out rows of the fold.
    ledger_average_precision : float or None
        What the ledger has recorded for this task; None if nothing.
    remark : str, optional
        Why the two differ.
    """

    repeat: int
    fold: int
    average_precision: float
    ledger_average_precision: float | None
    remark: str | None = None


@dataclass(frozen=True)
class Card:
    """Description of a model.

    Attributes
    ----------
    ledger_key : str, optional
        Key of its task in the ledger.
    profile : str, optional
        Profile of the study that chose it.
    sampler, model : MethodCard, optional
        How it was trained.
    label : str, optional
        Printed name of model and sampler.
    test : dict of str to float, optional
        Metrics on the test set by name; see `final_model.score_card`.
    test_interval : (float, float), optional
        95 % interval of the average precision on the test set.
    fold : FoldScore, optional
        Score on the development fold that it was fitted on.
    study : str, optional
        Name of the study, if it is one of a table of the user's own.
    words : Words, optional
        What that study calls its rows and classes.
    """

    ledger_key: str | None = None
    profile: str | None = None
    sampler: MethodCard | None = None
    model: MethodCard | None = None
    label: str | None = None
    test: dict[str, float | None] | None = None
    test_interval: tuple[float | None, float | None] | None = None
    fold: FoldScore | None = None
    study: str | None = None
    words: Words | None = None

    @classmethod
    def of_methods(cls, sampler: Method, model: Method, **fields: object) -> Card:
        """The card of a model that was trained with these methods, with other fields by name."""
        return cls(sampler=MethodCard.of(sampler), model=MethodCard.of(model), **fields)

    @property
    def pair(self) -> str:
        """Sampler and model, such as 'cgan+rf'."""
        return "+".join(method.name if method else "unnamed" for method in (self.sampler, self.model))
