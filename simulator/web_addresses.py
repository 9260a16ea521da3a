from urllib.parse import urlencode, urlsplit, urlunsplit

from django.core.exceptions import ValidationError

MAX_LENGTH = 2000  # characters


def validate_web_address(value: str) -> None:
    """Accept absolute http and https addresses only; single-label hosts are fine.

    Raises:
        ValidationError: it is anything else, or carries a user name.
    """
    if any(character <= " " or character in "\\\x7f" for character in value):
        raise ValidationError("Enter a web address without spaces or backslashes.")
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValidationError("Enter a valid web address.") from None
    if parts.scheme not in {"http", "https"} or not has_host:
        raise ValidationError("Enter an absolute http or https address.")
    if "@" in parts.netloc:
        raise ValidationError("Enter a web address without a user name.")


def with_query(url: str, **extra: str) -> str:
    """``url`` with parameters appended after those that it has.

    >>> with_query("https://shop.example/back?cart=7#top", reference="A 1")
    'https://shop.example/back?cart=7&reference=A+1#top'
    """
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, urlencode(extra)]))
    return urlunsplit(parts._replace(query=query))
