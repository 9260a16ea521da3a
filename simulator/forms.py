from calendar import monthrange
from datetime import date
from typing import Any

from django import forms

from common import clock
from simulator.cards import BY_NUMBER, Card, passes_luhn

CENTURY = 2000


class NeverEchoed(forms.PasswordInput):
    """A text input whose value is never written back into the page."""

    input_type = "text"


class CardForm(forms.Form):
    """The card form of the hosted page. After ``is_valid``, ``card`` is the published card."""

    number = forms.CharField(
        label="Card number",
        max_length=30,
        widget=NeverEchoed(
            attrs={
                "autocomplete": "cc-number",
                "inputmode": "numeric",
                "placeholder": "4242 4242 4242 4242",
            }
        ),
        error_messages={"required": "Enter the card number."},
    )
    expiry = forms.RegexField(
        r"^(0[1-9]|1[0-2])\s?/?\s?(20[0-9]{2}|[0-9]{2})$",
        label="Expiry",
        widget=forms.TextInput(
            attrs={"autocomplete": "cc-exp", "inputmode": "numeric", "placeholder": "MM / YY"}
        ),
        error_messages={
            "required": "Enter the expiry date.",
            "invalid": "Enter the expiry date as MM / YY.",
        },
    )
    cvc = forms.RegexField(
        r"^[0-9]{3,4}$",
        label="CVC",
        widget=NeverEchoed(
            attrs={
                "autocomplete": "cc-csc",
                "inputmode": "numeric",
                "maxlength": 4,
                "placeholder": "123",
            }
        ),
        error_messages={
            "required": "Enter the security code.",
            "invalid": "Enter the security code: 3 digits, or 4 on American Express.",
        },
    )
    name = forms.CharField(
        label="Name on card",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "cc-name"}),
        error_messages={"required": "Enter the name on the card."},
    )

    def clean_number(self) -> Card:
        number = self.cleaned_data["number"].replace(" ", "").replace("-", "")
        if card := BY_NUMBER.get(number):
            return card
        if not (number.isascii() and number.isdigit() and passes_luhn(number)):
            raise forms.ValidationError("This is not a card number. Check the digits.")
        raise forms.ValidationError(
            "Use a published test card: real cards are never accepted here."
        )

    def clean_expiry(self) -> str:
        expiry: str = self.cleaned_data["expiry"]
        digits = "".join(character for character in expiry if character.isdigit())
        month, year = int(digits[:2]), CENTURY + int(digits[-2:])
        if date(year, month, monthrange(year, month)[1]) < clock.now().date():
            raise forms.ValidationError("This card has expired.")
        return expiry

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        card, cvc = cleaned.get("number"), cleaned.get("cvc")
        if card and cvc and len(cvc) != card.cvc_digits:
            self.add_error("cvc", f"The security code of this card has {card.cvc_digits} digits.")
        return cleaned

    @property
    def card(self) -> Card:
        card: Card = self.cleaned_data["number"]
        return card
