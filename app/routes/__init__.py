"""What answers a request: pages, files, the JSON API, the KServe protocol and their description."""
