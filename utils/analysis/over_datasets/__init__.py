"""Comparisons of samplers over many datasets, with the mean of a family of tables as the unit.

References
----------
Benavoli, A., Corani, G., Mangili, F., Zaffalon, M. and Ruggeri, F. (2014). A Bayesian Wilcoxon signed-rank test based
on the Dirichlet process.
Benavoli, A., Corani, G., Demšar, J. and Zaffalon, M. (2017). Time for a change: a tutorial for comparing multiple
classifiers through Bayesian analysis.
Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "effects": [
            "OUTCOMES",
            "decide",
            "deciding_families",
            "effects",
            "posterior",
            "smallest_detectable",
            "verdicts",
        ],
        "families": ["differences_to", "family_scores", "leads_of", "table_scores", "with_ratio"],
        "ranks": ["friedman_p_values", "ranks_over_families"],
        "traits": ["associations"],
        "usage": [
            "NOT_USED",
            "hard_differences",
            "hard_scores",
            "share_replaced",
            "share_unused",
            "used_differences",
            "without_easy_tables",
        ],
    },
)
