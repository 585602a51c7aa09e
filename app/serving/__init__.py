"""Models that are served: their files, what is known of each, and the catalog that exchanges them."""
