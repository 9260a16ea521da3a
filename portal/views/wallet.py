from datetime import datetime
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.auth import signed_in
from billing import answers
from billing import selectors as metering
from billing.enums import SessionState
from catalog.selectors import current_subscription
from common import clock
from common.errors import NotFound
from portal.pages import SignedInPage
from portal.paging import slice_of
from wallets import selectors as wallets

LATEST_CALLS = 5


class WalletPage(SignedInPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        user, now = signed_in(request), clock.now()
        movements = slice_of(wallets.transactions_for(user.id), before=request.GET.get("before"))
        usage_keys = metering.usage_keys_of([row.transaction_id for row in movements.rows])
        context = {
            "wallet": wallets.wallets_at(now).filter(owner=user).first(),
            "subscription": _subscription(user.id, now),
            "movements": movements,
            "lines": [(row, usage_keys.get(row.transaction_id)) for row in movements.rows],
            "calls": metering.latest_calls_of(user_id=user.id)[:LATEST_CALLS],
        }
        return render(request, "portal/wallet.html", context)


def _subscription(user_id: UUID, at: datetime) -> object | None:
    try:
        return current_subscription(user_id=user_id, at=at)
    except NotFound:
        return None


class UsagePage(SignedInPage):
    def get(self, request: HttpRequest, usage_key: UUID) -> HttpResponse:
        """Show how one charge came about."""
        viewer = signed_in(request)
        call = metering.session_of_viewer(usage_key=usage_key, viewer=viewer)
        if call.user_id != viewer.id:
            raise NotFound("There is no such call.")  # staff see others' in the back office
        explanation = None
        if call.state == SessionState.SETTLED:
            usages = metering.usages_of(call)
            explanation = answers.explanation(call, usages, with_margin=False)
        return render(request, "portal/usage.html", {"call": call, "explanation": explanation})
