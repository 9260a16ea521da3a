"""Forms of the back office. They check single values; the services check the rest."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextareaWidget

from catalog.feature_config import FeatureConfig
from catalog.models import Package, PackageFeatureConfig, PackagePlan
from common.errors import Invalid


class LinesField(forms.CharField):
    """A list of texts, one on each line."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.clean(data))


class LivingForm(forms.ModelForm[Any]):
    """Checks what must be unique among the living, which Django leaves out.

    ``is_initial`` may be set while another row still has it: a service moves it.
    """

    def _get_validation_exclusions(self) -> set[str]:
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # no stub
        return (excluded - {"deleted_at"}) | {"is_initial"}


class PackageForm(LivingForm):
    points = LinesField(required=False, help_text="One on each line.")

    class Meta:
        model = Package
        fields = (
            "value", "name", "description", "badge", "points", "sequence", "is_active",
            "is_initial",
        )  # fmt: skip


class PackagePlanForm(LivingForm):
    class Meta:
        model = PackagePlan
        fields = (
            "plan", "price_usd_minor", "price_bdt_minor", "credits", "credits_valid_days",
            "is_initial", "is_active", "sequence",
        )  # fmt: skip


class ConfigForm(LivingForm):
    class Meta:
        model = PackageFeatureConfig
        fields = (
            "package", "feature", "feature_endpoint", "config", "description", "sequence",
            "is_active",
        )  # fmt: skip

    def clean_config(self) -> Any:
        config = self.cleaned_data["config"]
        try:
            FeatureConfig.parse(config)
        except Invalid as error:
            raise forms.ValidationError(error.message) from error
        return config


class ReplacedFormSet(forms.BaseInlineFormSet[Any, Any, Any]):
    """Reads the rows and saves nothing: a service replaces the list as a whole."""

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        return super().save(commit=False)

    def rows(self) -> list[dict[str, Any]] | None:
        """List what is to be there. None if nobody touched it."""
        if not self.has_changed():
            return None
        given = [form.cleaned_data for form in self.forms if form.cleaned_data]
        return [row for row in given if not row.get("DELETE")]
