"""The hosted pages: what a customer of a merchant sees. They work without JavaScript."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from common import clock
from common.api.problems import problem_response
from common.errors import NotFound
from simulator import selectors
from simulator.cards import CARDS
from simulator.currencies import format_amount
from simulator.enums import ChallengeOutcome, PaymentStatus
from simulator.forms import CardForm
from simulator.models import Payment
from simulator.services import payments
from simulator.state import OPEN, REFUNDABLE
from simulator.web_addresses import with_query

# Browsers hold every redirect after a form to form-action, and those lead to the merchant.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' http: https:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
PAID = (*REFUNDABLE, PaymentStatus.REFUNDED)
API_PATH = "/v1/"
Page = Callable[..., HttpResponse]


class SeeOther(HttpResponseRedirect):
    status_code = HTTPStatus.SEE_OTHER


def _hosted(page: Page) -> Page:
    """Guard a page about one payment: 404 without its token, and never cached."""

    @never_cache
    @sensitive_post_parameters("number", "cvc")
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(page)
    def checked(request: HttpRequest, payment_id: str) -> HttpResponse:
        try:
            payment = selectors.get_checkout(
                payment_id=payment_id, token=request.GET.get("token", "")
            )
        except NotFound:
            return not_found(request, None)
        return page(request, payment)

    return checked


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    return _render(request, "index", {"cards": CARDS})


@require_safe
def live(_: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@_hosted
def checkout(request: HttpRequest, payment: Payment) -> HttpResponse:
    if request.method == "POST" and request.POST.get("action") == "cancel":
        return SeeOther(_next_url(payments.cancel_payment(payment_id=payment.id)))
    form = CardForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        return SeeOther(_next_url(payments.submit_card(payment_id=payment.id, card=form.card)))
    status = _shown_status(payment)
    if status == PaymentStatus.REQUIRES_ACTION:
        return SeeOther(_page_url("challenge", payment))
    if status != PaymentStatus.PENDING:
        return _result(request, payment, status)
    return _render(
        request,
        "checkout",
        {"form": form, "cards": CARDS, **_shown(payment)},
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK,
    )


@_hosted
def challenge(request: HttpRequest, payment: Payment) -> HttpResponse:
    outcome = request.POST.get("outcome")
    if outcome in ChallengeOutcome.values:
        answered = payments.answer_challenge(
            payment_id=payment.id, outcome=ChallengeOutcome(outcome)
        )
        return SeeOther(_next_url(answered))
    if _shown_status(payment) != PaymentStatus.REQUIRES_ACTION:
        return SeeOther(_page_url("checkout", payment))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if request.method == "POST" else HTTPStatus.OK
    return _render(request, "challenge", _shown(payment), status=status)


def not_found(
    request: HttpRequest,
    exception: Exception | None,
) -> HttpResponse:
    if request.path.startswith(API_PATH):
        return problem_response(HTTPStatus.NOT_FOUND, "not_found", "There is nothing here.")
    return _render(request, "not_found", {}, status=HTTPStatus.NOT_FOUND)


def _shown_status(payment: Payment) -> str:
    # The sweep may be late; the page does not offer what would be refused.
    is_over = payment.status in OPEN and payment.expires_at <= clock.now()
    return PaymentStatus.EXPIRED if is_over else payment.status


def _result(request: HttpRequest, payment: Payment, status: str) -> HttpResponse:
    is_paid = status in PAID
    context = {
        **_shown(payment),
        "status": status,
        "is_paid": is_paid,
        "refunded": format_amount(amount=payment.amount_refunded, currency=payment.currency),
        "back_url": _return_url(payment) if is_paid else payment.cancel_url,
    }
    is_gone = status == PaymentStatus.EXPIRED
    return _render(request, "result", context, status=HTTPStatus.GONE if is_gone else HTTPStatus.OK)


def _next_url(payment: Payment) -> str:
    """Where the customer goes after a form."""
    match payment.status:
        case PaymentStatus.SUCCEEDED:
            return _return_url(payment)
        case PaymentStatus.REQUIRES_ACTION:
            return _page_url("challenge", payment)
        case PaymentStatus.CANCELED:
            return payment.cancel_url
        case _:
            return _page_url("checkout", payment)


def _return_url(payment: Payment) -> str:
    return with_query(payment.return_url, payment_id=payment.id, reference=payment.reference)


def _page_url(page: str, payment: Payment) -> str:
    return with_query(reverse(page, args=[payment.id]), token=payment.checkout_token)


def _shown(payment: Payment) -> dict[str, Any]:
    return {
        "payment": payment,
        "merchant": payment.merchant,
        "amount": format_amount(amount=payment.amount, currency=payment.currency),
    }


def _render(
    request: HttpRequest, page: str, context: dict[str, Any], status: int = HTTPStatus.OK
) -> HttpResponse:
    response = render(request, f"simulator/{page}.html", context, status=status)
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
