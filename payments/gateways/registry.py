"""Which adapter speaks for which payment method."""

from collections.abc import Mapping

from common.errors import Invalid
from payments.enums import GatewayName
from payments.gateways.base import Gateway
from payments.gateways.simulator import SimulatorGateway
from payments.models import PaymentMethod

CREDENTIAL_KEYS: Mapping[str, tuple[str, ...]] = {
    GatewayName.SIMULATOR: ("base_url", "secret_key", "webhook_secret"),
}
_ADAPTERS = {GatewayName.SIMULATOR: SimulatorGateway}


def gateway_for(method: PaymentMethod) -> Gateway:
    """Return the adapter of ``method``.

    Raises:
        Invalid: the stored credentials cannot work.
    """
    return gateway_with(value=method.value, is_test=method.is_test, credentials=method.credentials)


def gateway_with(*, value: str, is_test: bool, credentials: Mapping[str, str]) -> Gateway:
    """Return the adapter, if its credentials are what it needs.

    Raises:
        Invalid: a credential is missing, unknown or cannot work; names it, never shows it.
    """
    keys = CREDENTIAL_KEYS[value]
    for key in (*credentials, *keys):
        if key not in keys:
            raise Invalid("This gateway has no such credential.", field=key)
        if not credentials.get(key):
            raise Invalid("This gateway needs this credential.", field=key)
    return _ADAPTERS[GatewayName(value)].from_credentials(credentials, is_test=is_test)
