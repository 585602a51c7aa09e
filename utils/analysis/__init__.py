"""Analysis of ledger rows: intervals, corrected tests, verdicts, comparisons and mean ranks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "alerts": ["alert_intervals"],
        "bootstrap": ["bootstrap_differences", "bootstrap_means", "interval_of_ranks"],
        "comparisons": [
            "compare_pairs",
            "compare_samplers",
            "compare_variants",
            "ratio_differences",
            "select_verdicts",
            "with_usage",
        ],
        "corrected_tests": ["corrected_difference", "holm"],
        "fault_decomposition": ["PUBLISHED", "effects", "replica_figures"],
        "scarcity": ["gains_of_frauds", "generator_differences", "scarcity_differences", "scarcity_trends"],
        "searches": ["search_gains"],
        "seeds": ["seed_differences"],
        "summaries": ["lead_over_model_alone", "paired_scores", "rank_samplers", "replacements", "summarise"],
        "verdicts": ["claim_verdict", "detectable_difference", "recommended", "verdict"],
    },
)
