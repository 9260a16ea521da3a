from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from common.errors import Invalid
from common.money import Currency
from payments.enums import GatewayName
from payments.gateways.registry import gateway_with
from payments.models import PaymentMethod


def check_credentials(*, value: str, is_test: bool, credentials: Mapping[str, str]) -> None:
    """Refuse credentials that the gateway's adapter cannot work with.

    Raises:
        Invalid: names the credential at fault, and never shows it.
    """
    gateway_with(value=value, is_test=is_test, credentials=credentials)


@transaction.atomic
def ensure_payment_method(
    *, value: str, is_test: bool, currencies: Sequence[str], credentials: Mapping[str, str]
) -> PaymentMethod:
    """Create the method of this gateway and mode, or bring it up to date and switch it on.

    Raises:
        Invalid: a currency is unknown or there is none, or a credential cannot work.
    """
    if not currencies or not set(currencies) <= set(Currency.values):
        raise Invalid("Name at least one of our currencies, and no other.", field="currency")
    check_credentials(value=value, is_test=is_test, credentials=credentials)
    terms: dict[str, Any] = {
        "currencies": list(dict.fromkeys(currencies)),
        "credentials": dict(credentials),
        "is_active": True,
    }
    method, _ = PaymentMethod.objects.update_or_create(
        value=value,
        is_test=is_test,
        defaults=terms,
        create_defaults={**terms, "name": GatewayName(value).label},
    )
    return method
