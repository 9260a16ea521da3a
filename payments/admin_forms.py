from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from common.errors import DomainError
from common.money import Currency
from payments.gateways.registry import CREDENTIAL_KEYS
from payments.models import PaymentMethod
from payments.services.methods import check_credentials

SHOWN_CHARACTERS = 4


class NeverEchoed(UnfoldAdminTextInputWidget):
    """A text input whose value is never written back into the page."""

    def format_value(self, value: Any) -> None:
        return None


class CredentialField(forms.CharField):
    def __init__(self) -> None:
        super().__init__(required=False, widget=NeverEchoed(attrs={"autocomplete": "off"}))


class PaymentMethodForm(forms.ModelForm[PaymentMethod]):
    """Credentials go in and never come out; a field that stays blank keeps what is stored."""

    currencies = forms.MultipleChoiceField(
        choices=Currency.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    base_url = CredentialField()
    secret_key = CredentialField()
    webhook_secret = CredentialField()

    class Meta:
        model = PaymentMethod
        fields = ("name", "value", "description", "is_test", "is_active", "sequence")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored: dict[str, str] = self.instance.credentials or {}
        for key in (name for name, field in self.fields.items() if _is_credential(field)):
            stored = _masked(self.stored.get(key, ""))
            self.fields[key].help_text = f"Stored: {stored}. Leave blank to keep it."

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "value" not in cleaned:
            return cleaned
        value, is_test = cleaned["value"], cleaned["is_test"]
        keys = CREDENTIAL_KEYS[value]
        credentials = {key: cleaned.get(key) or self.stored.get(key, "") for key in keys}
        self.instance.credentials = credentials
        self.instance.currencies = cleaned.get("currencies", [])
        same = PaymentMethod.objects.filter(value=value, is_test=is_test)
        if same.exclude(pk=self.instance.pk).exists():
            self.add_error("value", "This gateway has a method of this mode already.")
        try:
            check_credentials(value=value, is_test=is_test, credentials=credentials)
        except DomainError as error:
            self.add_error(error.field, error.message)
        return cleaned


def _is_credential(field: forms.Field) -> bool:
    return isinstance(field, CredentialField)


def _masked(secret: str) -> str:
    return f"…{secret[-SHOWN_CHARACTERS:]}" if secret else "nothing"
