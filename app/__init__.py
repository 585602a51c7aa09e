"""The web page: scores transactions with the registered champion."""
