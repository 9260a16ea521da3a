from rest_framework import serializers

from common.api.serializers import ModelSerializer, Serializer
from common.money import Currency
from payments.models import PaymentEvent, PaymentMethod, PaymentTransaction

ADDRESS_MAX_LENGTH = 500


class PaymentMethodSerializer(ModelSerializer[PaymentMethod]):
    class Meta:
        model = PaymentMethod
        fields = ("id", "name", "value", "description", "currencies", "is_test")


class PaymentTransactionSerializer(ModelSerializer[PaymentTransaction]):
    is_quarantined = serializers.BooleanField(read_only=True)
    checkout_url = serializers.SerializerMethodField(
        help_text="Empty when there is nothing to pay."
    )

    class Meta:
        model = PaymentTransaction
        fields = (
            "id",
            "user",
            "payment_method",
            "package_history",
            "package_name",
            "plan",
            "plan_name",
            "credits",
            "amount_minor",
            "currency",
            "is_test",
            "status",
            "is_quarantined",
            "gateway_status",
            "failure_code",
            "failure_message",
            "checkout_url",
            "return_url",
            "cancel_url",
            "expires_at",
            "paid_at",
            "failed_at",
            "fulfilled_at",
            "created_at",
            "updated_at",
        )
        expandable = {"payment_method": PaymentMethodSerializer}

    def get_checkout_url(self, payment: PaymentTransaction) -> str:
        return payment.checkout_url if payment.is_open and not payment.is_quarantined else ""


class PaymentEventSerializer(ModelSerializer[PaymentEvent]):
    class Meta:
        model = PaymentEvent
        fields = ("version", "from_status", "to_status", "source", "reason", "created_at")


class StaffPaymentEventSerializer(ModelSerializer[PaymentEvent]):
    class Meta:
        model = PaymentEvent
        fields = (*PaymentEventSerializer.Meta.fields, "actor", "evidence")


class PaymentEventsSerializer(Serializer):
    """What staff get; the owner's events have no actor and no evidence."""

    results = StaffPaymentEventSerializer(many=True, read_only=True)


class InitiateSerializer(Serializer):
    package = serializers.UUIDField()
    plan = serializers.UUIDField()
    payment_method = serializers.UUIDField()
    currency = serializers.ChoiceField(choices=Currency.choices)
    return_url = serializers.CharField(max_length=ADDRESS_MAX_LENGTH)
    cancel_url = serializers.CharField(max_length=ADDRESS_MAX_LENGTH)


class CheckoutSerializer(Serializer):
    """The payment, and the page where the customer pays."""

    payment = PaymentTransactionSerializer(read_only=True)
    checkout_url = serializers.CharField(read_only=True)
