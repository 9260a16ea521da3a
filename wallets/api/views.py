from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth import signed_in
from accounts.permissions import IsAdmin, IsSignedIn
from common import clock
from common.api.viewsets import ReadOnlyViewSet
from wallets import selectors
from wallets.api.filters import CreditsTransactionFilter, WalletFilter
from wallets.api.serializers import (
    CreditsTransactionSerializer,
    StaffCreditsTransactionSerializer,
    StaffWalletSerializer,
    WalletSerializer,
)
from wallets.enums import CREDIT
from wallets.models import Account, Entry

NO_WALLET = {
    "id": None,
    "asset": CREDIT,
    "balance_at": 0,
    "held": 0,
    "available_at": 0,
    "overdraft_limit": 0,
    "open_grants": (),
}


class UserWalletViewSet(ReadOnlyViewSet[Any]):
    """Staff see every wallet; a user sees their own at ``self``."""

    permission_classes = (IsAdmin,)
    serializer_class = StaffWalletSerializer
    queryset = Account.objects.none()
    filterset_class = WalletFilter
    search_fields = ("owner__email",)
    ordering_fields = ("created_at", "balance", "held")

    def get_queryset(self) -> QuerySet[Account]:
        return selectors.wallets_at(clock.now()).select_related("owner")

    @extend_schema(responses=WalletSerializer, filters=False)
    @action(detail=False, url_path="self", permission_classes=[IsSignedIn])
    def own(self, request: Request) -> Response:
        """Zeros for whoever has no wallet yet; looking does not make one."""
        user = signed_in(request)
        wallet = self.get_queryset().filter(owner=user).first()
        shown: Any = wallet or {**NO_WALLET, "owner_id": user.id}
        return Response(WalletSerializer(shown).data)


class CreditsTransactionViewSet(ReadOnlyViewSet[Any]):
    """Every change of a wallet: a user's own, or for staff everybody's."""

    permission_classes = (IsSignedIn,)
    queryset = Entry.objects.none()
    filterset_class = CreditsTransactionFilter
    search_fields = ("transaction__reference", "transaction__memo", "account__owner__email")
    ordering_fields = ("created_at",)

    def get_queryset(self) -> QuerySet[Entry]:
        user = signed_in(self.request)
        rows = selectors.wallet_entries() if user.is_staff else selectors.transactions_for(user.id)
        return rows.select_related("transaction", "account__owner")

    def get_serializer_class(self) -> Any:
        user = self.request.user  # anonymous while the schema is drawn
        is_staff = user.is_authenticated and user.is_staff
        return StaffCreditsTransactionSerializer if is_staff else CreditsTransactionSerializer
