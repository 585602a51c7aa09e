"""Figures for print: one theme, and a module for the figures of each subject."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cgan": ["plot_ablation", "plot_embedding", "plot_gan_history", "plot_marginals"],
        "comparison": ["plot_changes", "plot_differences", "plot_fold_scores", "plot_pr_curves"],
        "drift": ["plot_drift", "plot_medians", "plot_periods_by_hour"],
        "eda": ["plot_amounts", "plot_correlations", "plot_effect_sizes", "plot_hours"],
        "final_model": ["plot_calibration", "plot_cost", "plot_test_curve"],
        "model_card": ["card_texts", "plot_attributions", "plot_score_card"],
        "original_study": ["plot_waterfall"],
        "over_datasets": [
            "plot_effects_by_trait",
            "plot_family_differences",
            "plot_probabilities",
            "plot_rank_diagrams",
        ],
        "sensitivity": ["plot_ratios", "plot_scarcity", "plot_settings"],
        "theme": ["save_figure", "use_theme"],
    },
)
