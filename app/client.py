"""A client of the running server: `python -m app.client` sends an example and a small file."""

from __future__ import annotations

import argparse
import csv
import http.client
import io
import json
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

URL = "http://127.0.0.1:5000"
# The server is on this machine: a proxy configured for the outside must not get in between.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class RequestFailed(Exception):
    """The server did not answer, or answered with an error."""


def call(url: str, body: bytes | None = None, content_type: str = "application/json") -> dict[str, object]:
    """The server's JSON answer; a body is sent by POST. RequestFailed says what went wrong."""
    if not url.startswith(("http://", "https://")):
        raise RequestFailed(f"{url} is no address of a server; give one such as --url {URL}.")
    try:
        request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type})
        with OPENER.open(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise RequestFailed(f"The server answered {error.code}: {_reason(error)}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise RequestFailed(f"{url} does not answer ({error}); start it with `python -m app.app`.") from None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return json.loads(error.read())["error"]
    except (ValueError, KeyError, TypeError):
        return error.reason


def small_file(model: dict[str, object]) -> bytes:
    """A CSV of three rows: both examples, and one with a cell too many."""
    text = io.StringIO()
    rows = [[_spell(row[name]) for name in model["columns"]] for row in model["examples"].values()]
    csv.writer(text).writerows([model["columns"], *rows, [*rows[-1], "one too many"]])
    return text.getvalue().encode()


def _spell(value: object) -> object:
    """The value as a cell; with one more digit where the point of three decimals could be one of thousands."""
    return f"{value}0" if isinstance(value, float) and re.fullmatch(r"-?\d{1,3}\.\d{3}", str(value)) else value


def report(answer: dict[str, object]) -> str:
    """One line per row of a prediction."""
    lines = [f"model {answer['model']}, threshold {answer['threshold']:.4g}"]
    for entry in answer["predictions"]:
        outcome = entry.get("error") or f"probability {entry['probability']:.4g}, {entry['decision']}"
        lines.append(f"  row {entry['row']}: {outcome}")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Send and print; 1 if the server does not answer or refuses."""
    parser = argparse.ArgumentParser(description="Send an example and a small file to the running server.")
    parser.add_argument("--url", default=URL)
    parser.add_argument("--file", type=Path, help="a CSV of your own, in place of the small file")
    options = parser.parse_args(argv)
    try:
        model = call(f"{options.url}/api/v1/models")["models"][0]
        predict = f"{options.url}/api/v1/predict"
        kind, example = next(iter(model["examples"].items()))
        print(f"One row, a known {kind}, as JSON:")
        print(report(call(predict, json.dumps([example]).encode())))
        print(f"{options.file or 'A small file whose last row is broken'}, as CSV:")
        content = options.file.read_bytes() if options.file else small_file(model)
        print(report(call(predict, content, "text/csv")))
    except (RequestFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
