from typing import Any

from rest_framework import serializers

from common.api.serializers import Serializer
from simulator.currencies import EXPONENTS
from simulator.models import MAX_AMOUNT
from simulator.web_addresses import MAX_LENGTH, validate_web_address

MAX_METADATA_KEYS = 50
MAX_METADATA_KEY_LENGTH = 40  # characters
MAX_METADATA_VALUE_LENGTH = 500  # characters


class MinorUnits(serializers.IntegerField):
    """A JSON integer. Text, fractions and booleans are refused, not converted."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=1, max_value=MAX_AMOUNT, **options)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """A JSON string; numbers are refused, not converted."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class WebAddress(Text):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=MAX_LENGTH, validators=[validate_web_address], **options)


class Metadata(serializers.DictField):
    child = Text(max_length=MAX_METADATA_VALUE_LENGTH, allow_blank=True, trim_whitespace=False)

    default_error_messages = {
        "too_many": f"At most {MAX_METADATA_KEYS} keys.",
        "bad_key": f"A key has 1 to {MAX_METADATA_KEY_LENGTH} printable characters.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        values: dict[str, str] = super().to_internal_value(data)
        if len(values) > MAX_METADATA_KEYS:
            self.fail("too_many")
        for key in values:
            if not (0 < len(key) <= MAX_METADATA_KEY_LENGTH and key.isprintable()):
                self.fail("bad_key")
        return values


class NewPaymentSerializer(Serializer):
    amount = MinorUnits()
    currency = serializers.ChoiceField(choices=sorted(EXPONENTS))
    reference = Text(max_length=100)
    description = Text(max_length=500, required=False, allow_blank=True)
    customer_email = serializers.EmailField(max_length=254, required=False, allow_blank=True)
    return_url = WebAddress()
    cancel_url = WebAddress()
    metadata = Metadata(required=False)


class NewRefundSerializer(Serializer):
    amount = MinorUnits(required=False)
    reason = Text(max_length=500, required=False, allow_blank=True)


class PaymentQuerySerializer(Serializer):
    reference = Text(max_length=100)
