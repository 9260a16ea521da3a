from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.api.serializers import ModelSerializer
from wallets.enums import Direction, TransactionKind
from wallets.models import Account, Entry, Grant


class OpenGrantSerializer(ModelSerializer[Grant]):
    """A lot with something left."""

    class Meta:
        model = Grant
        fields = ("remaining", "source", "expires_at")


class WalletSerializer(ModelSerializer[Account]):
    """A wallet without what has expired by now. ``available`` is ``balance`` less ``held``."""

    id = serializers.UUIDField(read_only=True, allow_null=True)
    user = serializers.UUIDField(source="owner_id", read_only=True)
    balance = serializers.IntegerField(source="balance_at", read_only=True)
    available = serializers.IntegerField(source="available_at", read_only=True)
    grants = OpenGrantSerializer(source="open_grants", many=True, read_only=True)

    class Meta:
        model = Account
        fields: tuple[str, ...] = (
            "id", "user", "asset", "balance", "held", "available", "overdraft_limit", "grants",
        )  # fmt: skip


class StaffWalletSerializer(WalletSerializer):
    email = serializers.EmailField(source="owner.email", read_only=True)

    class Meta(WalletSerializer.Meta):
        fields = (*WalletSerializer.Meta.fields, "email", "created_at", "updated_at")


class CreditsTransactionSerializer(ModelSerializer[Entry]):
    """One change of a wallet."""

    kind = serializers.ChoiceField(
        source="transaction.kind", choices=TransactionKind.choices, read_only=True
    )
    type = serializers.SerializerMethodField()
    credits = serializers.SerializerMethodField()
    reference = serializers.CharField(source="transaction.reference", read_only=True)
    memo = serializers.CharField(source="transaction.memo", read_only=True)

    class Meta:
        model = Entry
        fields: tuple[str, ...] = (
            "id", "kind", "type", "credits", "balance_after", "reference", "memo", "created_at",
        )  # fmt: skip

    @extend_schema_field(serializers.ChoiceField(choices=Direction.choices))
    def get_type(self, entry: Entry) -> Direction:
        return Direction.INCREASE if entry.amount > 0 else Direction.DECREASE

    @extend_schema_field(serializers.IntegerField(min_value=1))
    def get_credits(self, entry: Entry) -> int:
        return abs(entry.amount)


class StaffCreditsTransactionSerializer(CreditsTransactionSerializer):
    user = serializers.UUIDField(source="account.owner_id", read_only=True)
    email = serializers.EmailField(source="account.owner.email", read_only=True)

    class Meta(CreditsTransactionSerializer.Meta):
        fields = (*CreditsTransactionSerializer.Meta.fields, "user", "email")
