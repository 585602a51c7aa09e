"""What workers of the server share and watch: processes and limits, key and folder, counters."""
