from typing import Any

from django import forms

from accounts.models import NAME_MAX_LENGTH, NAME_MIN_LENGTH
from common.money import Currency

EMAIL_MAX_LENGTH = 254
PASSWORD_MAX_LENGTH = 128  # a longer one would only make us hash for long


def name_field() -> forms.CharField:
    return forms.CharField(
        label="Your name",
        min_length=NAME_MIN_LENGTH,
        max_length=NAME_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


def email_field() -> forms.EmailField:
    return forms.EmailField(
        label="E-mail address",
        max_length=EMAIL_MAX_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


def password_field(autocomplete: str, **options: Any) -> forms.CharField:
    return forms.CharField(
        label="Password",
        max_length=PASSWORD_MAX_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        **options,
    )


class SignUpForm(forms.Form):
    name = name_field()
    email = email_field()
    password = password_field(
        "new-password", help_text="At least 8 characters, and not a common one."
    )


class SignInForm(forms.Form):
    email = email_field()
    password = password_field("current-password")


class ProfileForm(forms.Form):
    name = name_field()


class CheckoutForm(forms.Form):
    """What the form of a package sends. The key was made with the page: one page, one payment."""

    package = forms.UUIDField()
    plan = forms.UUIDField()
    payment_method = forms.UUIDField()
    currency = forms.ChoiceField(choices=Currency.choices)
    idempotency_key = forms.UUIDField()
