"""From results to text: recorded numbers, tables, claims, the README's results, executed notebooks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "findings": ["findings"],
        "notebook_tables": ["Labels", "estimates", "family_title", "folded", "labelled", "table"],
        "numbers": ["record"],
        "tables": [
            "alone_grid",
            "chosen_ratios",
            "markdown_table",
            "phrase",
            "ratio_counts",
            "ratio_grid",
            "score_grid",
            "search_spaces",
        ],
    },
)
