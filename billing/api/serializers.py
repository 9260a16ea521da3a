from typing import Any

from rest_framework import serializers

from billing import metering
from billing.enums import Refusal, SessionFlag, SessionState
from billing.metering import EndRequest, StartRequest, UsageReport
from billing.models import CreditsUsage
from billing.pricing import plain
from common.api.serializers import ModelSerializer, Serializer


class PlainDecimalField(serializers.DecimalField):
    """All digits, as a string, without zeros at the end."""

    def to_representation(self, value: Any) -> str:
        return plain(value)


def fraction(**kwargs: Any) -> PlainDecimalField:
    return PlainDecimalField(max_digits=None, decimal_places=None, read_only=True, **kwargs)


# --- Requests -------------------------------------------------------------


class StartSerializer(Serializer):
    """May this user run this endpoint? It is named by id, by value, or by both."""

    user_id = serializers.UUIDField()
    feature_endpoint_id = serializers.UUIDField(required=False)
    feature_endpoint_value = serializers.CharField(required=False, max_length=100)
    estimated_credits = serializers.IntegerField(
        required=False, min_value=0, max_value=metering.MAX_ESTIMATE
    )
    options = serializers.ListField(
        child=serializers.CharField(max_length=100),
        required=False,
        max_length=metering.MAX_OPTIONS,
    )
    word_count = serializers.IntegerField(required=False, min_value=0, max_value=metering.MAX_WORDS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.keys() & {"feature_endpoint_id", "feature_endpoint_value"}:
            raise serializers.ValidationError(
                {"feature_endpoint_id": "Name the endpoint by id or by value."}
            )
        return attrs

    def to_request(self) -> StartRequest:
        values = dict(self.validated_data)
        return StartRequest(options=tuple(values.pop("options", ())), **values)


class UsageReportSerializer(Serializer):
    ai_model = serializers.CharField(
        required=False, max_length=100, help_text="Without it, the initial model."
    )
    input_tokens = serializers.IntegerField(min_value=0, max_value=metering.MAX_TOKENS)
    output_tokens = serializers.IntegerField(min_value=0, max_value=metering.MAX_TOKENS)


class EndSerializer(Serializer):
    """What a started call used. The same report again is answered with the first result."""

    usage_key = serializers.UUIDField()
    user_id = serializers.UUIDField()
    feature_endpoint_id = serializers.UUIDField(required=False)
    feature_endpoint_value = serializers.CharField(required=False, max_length=100)
    usages = serializers.ListField(child=UsageReportSerializer(), max_length=metering.MAX_USAGES)
    word_count = serializers.IntegerField(required=False, min_value=0, max_value=metering.MAX_WORDS)

    def to_request(self) -> EndRequest:
        values = dict(self.validated_data)
        usages = tuple(UsageReport(**usage) for usage in values.pop("usages"))
        return EndRequest(usages=usages, **values)


class BatchSerializer(Serializer):
    """Ends, each as for the single route. They are judged one by one."""

    items = serializers.ListField(
        child=serializers.JSONField(), min_length=1, max_length=metering.MAX_BATCH
    )


# --- Answers --------------------------------------------------------------


class StartAnswerSerializer(Serializer):
    user_id = serializers.UUIDField()
    credits = serializers.IntegerField(help_text="Available, after the hold of this call.")
    status = serializers.ChoiceField(choices=["accessible", "not-accessible"])
    usage_key = serializers.UUIDField(required=False, help_text="When accessible.")
    expires_at = serializers.DateTimeField(required=False, help_text="When accessible.")
    reason = serializers.ChoiceField(
        choices=Refusal.choices, required=False, help_text="When not accessible."
    )
    message = serializers.CharField(required=False, help_text="When not accessible.")
    config = serializers.DictField(help_text="The resolved limits and options.")


class DetailSerializer(Serializer):
    """What one model of the call cost. Fractions of credits."""

    ai_model = serializers.CharField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    base_credits = fraction(help_text="Before margin.")
    profit_credits = fraction()
    cost_credits = fraction(help_text="Base and profit.")
    rounding_credits = fraction(help_text="Of the whole call, on its last row.")
    price = fraction(help_text="USD, rounding included.")


class EndAnswerSerializer(Serializer):
    user_id = serializers.UUIDField()
    usage_key = serializers.UUIDField()
    status = serializers.ChoiceField(choices=[SessionState.SETTLED.value])
    charged = serializers.IntegerField(help_text="What was taken.")
    cost_credits = serializers.IntegerField(help_text="What the call costs, uncapped.")
    shortfall = serializers.IntegerField(help_text="What was owed and not there.")
    credits = serializers.IntegerField(help_text="Available afterwards.")
    balance = serializers.IntegerField(help_text="Afterwards.")
    flags = serializers.ListField(child=serializers.ChoiceField(choices=SessionFlag.choices))
    details = DetailSerializer(many=True)


class BatchResultSerializer(Serializer):
    """One item: a result, or a problem as the single route would answer it."""

    usage_key = serializers.CharField(allow_null=True)
    status_code = serializers.IntegerField()
    replayed = serializers.BooleanField(required=False)
    result = EndAnswerSerializer(required=False)
    problem = serializers.DictField(required=False)


class BatchAnswerSerializer(Serializer):
    results = BatchResultSerializer(many=True)


class SessionAnswerSerializer(Serializer):
    usage_key = serializers.UUIDField()
    user_id = serializers.UUIDField()
    feature_endpoint_id = serializers.UUIDField()
    feature_endpoint_value = serializers.CharField()
    state = serializers.ChoiceField(choices=SessionState.choices)
    held_credits = serializers.IntegerField()
    config = serializers.DictField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    result = EndAnswerSerializer(allow_null=True)


class ProfitSerializer(Serializer):
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    percentage = fraction()


class ExplainedModelSerializer(Serializer):
    """The customer sees ``credits``; staff and the partner see everything else."""

    ai_model = serializers.CharField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    credits = fraction(required=False, help_text="Margin included.")
    input_token_price = fraction(required=False, help_text="USD.")
    output_token_price = fraction(required=False, help_text="USD.")
    base_price = fraction(required=False, help_text="USD.")
    input_credits = fraction(required=False)
    output_credits = fraction(required=False)
    base_credits = fraction(required=False)
    profit_credits = fraction(required=False)
    cost_credits = fraction(required=False)


class ExplanationSerializer(Serializer):
    """The calculation of one charge, in its order."""

    usage_key = serializers.UUIDField()
    user_id = serializers.UUIDField()
    feature_endpoint_value = serializers.CharField()
    rate_card_version = serializers.IntegerField()
    credit_price = fraction(help_text="USD per credit.")
    models = ExplainedModelSerializer(many=True)
    profits = ProfitSerializer(many=True, required=False)
    profit_percentage = fraction(required=False)
    sum_credits = fraction()
    rounding_credits = fraction(help_text="What rounding up added.")
    cost_credits = serializers.IntegerField()
    max_credits = serializers.IntegerField(allow_null=True)
    held_credits = serializers.IntegerField()
    charged = serializers.IntegerField()
    shortfall = serializers.IntegerField()
    flags = serializers.ListField(child=serializers.ChoiceField(choices=SessionFlag.choices))
    transaction_id = serializers.UUIDField(allow_null=True)
    settled_at = serializers.DateTimeField()


class OwnUsageSerializer(ModelSerializer[CreditsUsage]):
    """What a user sees of a usage: no cost, no margin."""

    usage_key = serializers.UUIDField(source="session_id", read_only=True)
    feature_endpoint_value = serializers.CharField(
        source="session.feature_endpoint_value", read_only=True
    )
    ai_model = serializers.CharField(source="ai_model_value", read_only=True)
    credits = fraction(source="cost_credits", help_text="Before rounding up.")

    class Meta:
        model = CreditsUsage
        fields: tuple[str, ...] = (
            "id", "usage_key", "feature_endpoint_value", "ai_model", "input_tokens",
            "output_tokens", "credits", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class UsageSerializer(OwnUsageSerializer):
    """What staff see of a usage: everything."""

    input_token_price = fraction()
    output_token_price = fraction()
    credit_price = fraction()
    profit_percentage = fraction()
    input_credits = fraction()
    output_credits = fraction()
    base_credits = fraction()
    profit_credits = fraction()
    cost_credits = fraction()
    rounding_credits = fraction()
    base_price = fraction()
    price = fraction()

    class Meta(OwnUsageSerializer.Meta):
        fields = (
            *OwnUsageSerializer.Meta.fields, "user", "position", "input_token_price",
            "output_token_price", "credit_price", "profit_percentage", "input_credits",
            "output_credits", "base_credits", "profit_credits", "cost_credits",
            "rounding_credits", "base_price", "price",
        )  # fmt: skip
        read_only_fields = fields
