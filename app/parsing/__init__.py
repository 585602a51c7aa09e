"""From bytes to rows of numbers: JSON, CSV and Parquet, labels, and numbers as people type them."""
