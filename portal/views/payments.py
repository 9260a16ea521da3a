from typing import TYPE_CHECKING
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.auth import signed_in
from accounts.models import User
from common.errors import NotFound
from payments.enums import PaymentStatus
from payments.selectors import payments_visible_to
from payments.services.status import look_again
from portal.pages import SeeOther, SignedInPage
from portal.paging import slice_of

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from payments.models import PaymentTransaction


def own_payments(user: User) -> "QuerySet[PaymentTransaction]":
    return payments_visible_to(user).filter(user=user)  # staff see others' in the back office


class PaymentsPage(SignedInPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        payments = slice_of(own_payments(signed_in(request)), before=request.GET.get("before"))
        return render(request, "portal/payments.html", {"payments": payments})


class ReturnPage(SignedInPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        """Lead from the provider's page to the payment. Nothing else of the address is believed."""
        try:
            payment_id = UUID(request.GET.get("payment_id", ""))
        except ValueError as error:
            raise Http404 from error
        return SeeOther(reverse("portal:payment", args=[payment_id]))


class PaymentPage(SignedInPage):
    def get(self, request: HttpRequest, payment_id: UUID) -> HttpResponse:
        """Show how a payment stands; the provider is asked where that can change it."""
        if not own_payments(signed_in(request)).filter(pk=payment_id).exists():
            raise NotFound("There is no such payment.")
        payment = look_again(payment_id=payment_id)
        context = {
            "payment": payment,
            "events": payment.events.order_by("version"),
            "is_final": _is_final(payment),
        }
        return render(request, "portal/payment.html", context)


def _is_final(payment: "PaymentTransaction") -> bool:
    """Whether waiting on the page is over: nothing more is expected to happen by itself."""
    if payment.status == PaymentStatus.SUCCEEDED:
        return payment.fulfilled_at is not None
    return not payment.is_open
