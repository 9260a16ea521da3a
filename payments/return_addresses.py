"""Where browsers may be sent after a checkout: to the shop's own pages and nowhere else."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings

from common.errors import Invalid
from payments.enums import PaymentStatus
from payments.models import PaymentTransaction

_DEFAULT_PORTS = {"http": 80, "https": 443}


def require_own_address(url: str, *, field: str) -> None:
    """Refuse every address outside the origins of CHECKOUT_RETURN_ORIGINS.

    Raises:
        Invalid: names ``field``.
    """
    # Browsers drop or turn round what is refused here before they read the address.
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise Invalid("This address has characters that do not belong there.", field=field)
    origin = _origin(url)
    if origin is None or origin not in map(_origin, settings.CHECKOUT_RETURN_ORIGINS):
        raise Invalid("This address is not one of this shop's.", field=field)


def _origin(url: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    return (parts.scheme, parts.hostname, port)


def landing_url(payment: PaymentTransaction) -> str:
    """Choose the stored address by the status; ``payment_id`` and ``status`` are added to it."""
    gone = payment.status in {PaymentStatus.FAILED, PaymentStatus.EXPIRED}
    parts = urlsplit(payment.cancel_url if gone else payment.return_url)
    query = [
        *parse_qsl(parts.query, keep_blank_values=True),
        ("payment_id", str(payment.id)),
        ("status", payment.status),
    ]
    return urlunsplit(parts._replace(query=urlencode(query)))
