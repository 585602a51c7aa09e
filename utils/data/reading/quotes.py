"""Quotes in delimited text as RFC 4180 has them, where a program wrote them in another way."""

from __future__ import annotations

import re

FIRST_LINES = re.compile(rb"\s*[^\r\n]*\s*[^\r\n]*")  # the header and the first row
SPACED = rb'(?:\A|[%s\r\n]) +"'
ESCAPED = (
    rb'(?:\A|[%s\r\n])%s"[^"]*+(?<=\\)"(?! *(?:["%s\r\n]|\Z))'  # it does not end its cell, nor is it written twice
)
CELL = rb'(?P<start>\A|[%s\r\n])%s"(?P<text>%s)"(?= *(?:[%s\r\n]|\Z))'
WITH_DOUBLED_QUOTES = rb'[^"]*+(?:""[^"]*+)*+'
WITH_ESCAPED_QUOTES = rb'[^"\\]*+(?:(?:\\(?s:.)|"")[^"\\]*+)*+'


def with_usual_quotes(content: bytes, separator: str) -> bytes:
    r"""Text in which quotes begin where their cells do, and a quote within them is written twice.

    Spaces before quotes are removed if the header or the first row has some, as `"a", "b"` does. A backslash escapes
    the quote after it if this occurs where a quote can neither end its cell nor be one of two, as in `"say \"hi\""`.

    Parameters
    ----------
    content : bytes
        From the header on.
    separator : str
        Between two cells.

    Examples
    --------
    >>> with_usual_quotes(rb'"x", "an \"a\" or a b"', ",")
    b'"x","an ""a"" or a b"'
    """
    sign = re.escape(separator.encode())
    spaces = b" *" if re.search(SPACED % sign, FIRST_LINES.match(content)[0]) else b""
    if b'\\"' in content and re.search(ESCAPED % (sign, spaces, sign), content):
        return re.sub(CELL % (sign, spaces, WITH_ESCAPED_QUOTES, sign), _with_doubled_quotes, content)
    if spaces:
        return re.sub(CELL % (sign, spaces, WITH_DOUBLED_QUOTES, sign), rb'\g<start>"\g<text>"', content)
    return content


def _with_doubled_quotes(cell: re.Match[bytes]) -> bytes:
    text = re.sub(rb'(\\\\)|\\"', lambda escaped: escaped[1] or b'""', cell["text"])
    return cell["start"] + b'"' + text + b'"'
