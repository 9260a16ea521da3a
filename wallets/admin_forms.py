from typing import Any

from django import forms
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextareaWidget

from common.ids import uuid7
from wallets.services import REASON_MAX_LENGTH


class ReasonForm(BaseDialogForm):
    """Whatever staff do to the books, they say why."""

    reason = forms.CharField(
        max_length=REASON_MAX_LENGTH, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


class AdjustForm(ReasonForm):
    amount = forms.IntegerField(
        help_text="Credits to give; negative to take.", widget=UnfoldAdminIntegerFieldWidget
    )
    # Makes the adjustment happen once, however often the button is pressed.
    token = forms.UUIDField(initial=uuid7, widget=forms.HiddenInput)

    field_order = ("amount", "reason", "token")

    def clean_amount(self) -> Any:
        if self.cleaned_data["amount"] == 0:
            raise forms.ValidationError("Give or take at least one credit.")
        return self.cleaned_data["amount"]


class OverdraftForm(ReasonForm):
    limit = forms.IntegerField(
        min_value=0,
        help_text="How far below zero the wallet may go.",
        widget=UnfoldAdminIntegerFieldWidget,
    )

    field_order = ("limit", "reason")
