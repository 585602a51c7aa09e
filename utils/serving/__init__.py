"""The served model: selection, calibration, saving, scoring and explanation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "bundle": ["BundleError", "FraudModel", "apply_calibrator", "load", "save"],
        "card": ["Card", "FoldScore", "MethodCard"],
        "explanations": ["Explainer"],
        "final_model": [
            "amounts_at",
            "choose",
            "final_task",
            "fit_final",
            "held_out_rows",
            "held_out_values",
            "out_of_fold",
            "recorded_threshold",
            "score_card",
            "score_test",
            "study_of",
        ],
        "raw_columns": ["RawColumn", "encode_rows"],
        "scorer": ["Scorer"],
    },
)
