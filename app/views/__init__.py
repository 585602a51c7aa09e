"""What the pages show: summaries, formatted numbers, and the study's results."""
