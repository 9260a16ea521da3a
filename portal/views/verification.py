"""Confirming an address: the page behind the link of the mail."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts import selectors, services
from accounts.auth import signed_in
from common import clock
from portal.pages import SeeOther, SignedInPage

PAGE = "portal/verify_email.html"


@method_decorator(never_cache, name="dispatch")
class VerifyEmailPage(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        """Offer a button. Opening the link confirms nothing: scanners of mail open links too."""
        token = request.GET.get("token", "")
        account = selectors.account_of_link(token=token, now=clock.now())
        if account is None:
            return _invalid(request)
        return render(request, PAGE, {"account": account, "token": token})

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            services.verify_email(token=request.POST.get("token", ""))
        except services.VerificationTokenInvalid:
            return _invalid(request)
        messages.success(request, "Thank you. Your e-mail address is confirmed.")
        is_signed_in = request.user.is_authenticated
        return SeeOther(reverse("portal:wallet" if is_signed_in else "portal:sign-in"))


def _invalid(request: HttpRequest) -> HttpResponse:
    return render(request, PAGE, {"account": None}, status=HTTPStatus.GONE)


class ResendAction(SignedInPage):
    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            services.request_verification(user_id=signed_in(request).id)
        except services.AlreadyVerified as error:
            messages.info(request, error.message)
        else:
            messages.success(request, "We have sent you a new link. Please look into your mailbox.")
        return SeeOther(reverse("portal:account"))
