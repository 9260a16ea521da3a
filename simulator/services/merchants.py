import re
import secrets
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from common.errors import Conflict, Invalid
from simulator import signing
from simulator.models import Merchant
from simulator.selectors import key_hash
from simulator.web_addresses import validate_web_address

KEY_PREFIX = "sk_test_"
KEY_BYTES = 24
SHOWN_CHARACTERS = 12
_KEY_FORM = re.compile(rf"{KEY_PREFIX}[A-Za-z0-9_-]{{16,120}}")


class SecretKeyTaken(Conflict):
    code = "secret_key_taken"


@dataclass(frozen=True, kw_only=True)
class MerchantKeys:
    """What was set by this call, to be shown once; ``None`` is what stayed as it was."""

    merchant: Merchant
    secret_key: str | None
    webhook_secret: str | None


@transaction.atomic
def register_merchant(
    *, name: str, webhook_url: str, secret_key: str | None = None, webhook_secret: str | None = None
) -> MerchantKeys:
    """Create the merchant called ``name``, or bring it up to date.

    A new merchant gets fresh keys for those that are not given; an existing one keeps its own.

    Raises:
        Invalid: ``webhook_url``, ``secret_key`` or ``webhook_secret`` has the wrong form.
        SecretKeyTaken: another merchant has this key.
    """
    _check_form(webhook_url=webhook_url, secret_key=secret_key, webhook_secret=webhook_secret)
    merchant = Merchant.objects.select_for_update().filter(name=name).first()
    if merchant is None:
        merchant = Merchant(name=name)
        secret_key = secret_key or KEY_PREFIX + secrets.token_hex(KEY_BYTES)
        webhook_secret = webhook_secret or signing.new_secret()
    merchant.webhook_url = webhook_url
    if secret_key:
        merchant.secret_key_hash = key_hash(secret_key)
        merchant.secret_key_prefix = secret_key[:SHOWN_CHARACTERS]
    if webhook_secret:
        merchant.webhook_secret = webhook_secret
    try:
        with transaction.atomic():
            merchant.save()
    except IntegrityError as error:
        raise SecretKeyTaken("Another merchant has this key.", field="secret_key") from error
    return MerchantKeys(merchant=merchant, secret_key=secret_key, webhook_secret=webhook_secret)


def _check_form(*, webhook_url: str, secret_key: str | None, webhook_secret: str | None) -> None:
    try:
        validate_web_address(webhook_url)
    except ValidationError as error:
        raise Invalid(error.messages[0], field="webhook_url") from error
    if secret_key is not None and not _KEY_FORM.fullmatch(secret_key):
        raise Invalid(
            f"A secret key is {KEY_PREFIX} and 16 to 120 letters, digits, - or _.",
            field="secret_key",
        )
    if webhook_secret is not None:
        try:
            signing.signing_key(webhook_secret)
        except ValueError as error:
            raise Invalid(str(error), field="webhook_secret") from error
