"""Reads rows of numbers from JSON, CSV and Parquet, labels, and numbers as people type them."""
