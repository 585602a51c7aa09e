"""What the columns of a table are: kinds, the label's two classes, and columns that give the label away."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "columns": ["recognise"],
        "named_columns": ["NamedColumns"],
        "recognised": ["Recognised", "table"],
        "leaks": ["suspected_leaks"],
    },
)
