"""What is on sale, and the way to the payment provider."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views import View

from accounts.auth import signed_in
from common.errors import DomainError, Unavailable
from common.money import Currency
from payments.services.checkout import KeyReused, Order, start_checkout
from portal.forms import CheckoutForm
from portal.pages import SeeOther, SignedInPage
from portal.shop_window import shop_window

INCOMPLETE = "Please choose a plan and a way to pay, and try again."
ANOTHER_ORDER = "Your choice has changed. Please check it and press the button once more."
NO_ANSWER = "The payment provider does not answer at the moment. Nothing was charged; try again."


class LandingPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        """Show strangers what there is; lead those who are signed in to their wallet."""
        if request.user.is_authenticated:
            return SeeOther(reverse("portal:wallet"))
        return render(request, "portal/landing.html", {"window": _window(request)})


class PackagesPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "portal/packages.html", {"window": _window(request)})


def _window(request: HttpRequest) -> object:
    return shop_window(currency=request.GET.get("currency", Currency.USD))


class CheckoutAction(SignedInPage):
    def post(self, request: HttpRequest) -> HttpResponse:
        """Open the provider's page. A repeat with the same key opens the same one."""
        form = CheckoutForm(request.POST)
        if not form.is_valid():
            return _again(request, INCOMPLETE)
        wanted = form.cleaned_data
        try:
            payment = start_checkout(
                user=signed_in(request),
                order=_order(wanted),
                idempotency_key=str(wanted["idempotency_key"]),
            )
        except Unavailable:
            return _again(request, NO_ANSWER, status=HTTPStatus.SERVICE_UNAVAILABLE)
        except KeyReused:
            return _again(request, ANOTHER_ORDER)
        except DomainError as error:
            return _again(request, error.message)
        if payment.is_open and not payment.is_quarantined:
            return SeeOther(payment.checkout_url)
        return SeeOther(reverse("portal:payment", args=[payment.id]))


def _order(wanted: Mapping[str, Any]) -> Order:
    back = settings.BASE_URL + reverse("portal:payment-return")
    return Order(
        payment_method_id=wanted["payment_method"],
        package_id=wanted["package"],
        plan_id=wanted["plan"],
        currency=wanted["currency"],
        return_url=back,
        cancel_url=back,
    )


def _again(
    request: HttpRequest, reason: str, status: int = HTTPStatus.UNPROCESSABLE_ENTITY
) -> HttpResponse:
    """Show the packages with the same choice. Only the same attempt keeps its key."""
    chosen = request.POST.dict()
    if status != HTTPStatus.SERVICE_UNAVAILABLE:
        chosen.pop("idempotency_key", None)
    messages.error(request, reason)
    window = shop_window(currency=chosen.get("currency", ""), chosen=chosen)
    return render(request, "portal/packages.html", {"window": window}, status=status)
