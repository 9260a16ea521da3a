from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core import validators
from django.db import models
from django.db.models import F, Q

from catalog.enums import FeatureType, HttpMethod, SubscriptionStatus
from common import clock
from common.ids import uuid7
from common.models import SoftDeleteModel, TimestampedModel

MAX_DAYS = 36_500  # a century: far enough, and no date overflows
ALIVE = Q(deleted_at__isnull=True)

a_slug = validators.RegexValidator(
    r"^[a-z0-9]+(-[a-z0-9]+)*\Z", "Use lowercase letters, digits and single hyphens."
)
long_enough = validators.MinLengthValidator(2)
not_negative = validators.MinValueValidator(0)
a_day_to_a_century = [validators.MinValueValidator(1), validators.MaxValueValidator(MAX_DAYS)]


class CatalogueItem(SoftDeleteModel):
    """Staff name these, put them in order, and switch them on and off."""

    name = models.CharField(max_length=100, validators=[long_enough])
    description = models.CharField(max_length=500, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta(SoftDeleteModel.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.name


class Feature(CatalogueItem):
    """Something the product can do. A feature in a package brings its descendants with it."""

    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    value = models.CharField(max_length=100, validators=[long_enough, a_slug])
    path = models.CharField(max_length=200, blank=True, help_text="Route in the front end.")
    type = models.CharField(max_length=10, choices=FeatureType.choices, default=FeatureType.OTHER)

    class Meta(CatalogueItem.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["value"], condition=ALIVE, name="living_feature_value_unique"
            ),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="feature_not_its_own_parent"),
        ]


class FeatureEndpoint(CatalogueItem):
    """One metered operation of a feature."""

    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="endpoints")
    value = models.CharField(max_length=100, validators=[long_enough, a_slug])
    endpoint = models.CharField(max_length=200, help_text="Path at the partner service.")
    method = models.CharField(max_length=6, choices=HttpMethod.choices, default=HttpMethod.POST)
    min_credits = models.BigIntegerField(
        validators=[not_negative], help_text="Credits needed to start; a gate, not a price."
    )

    class Meta(CatalogueItem.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["value"], condition=ALIVE, name="living_endpoint_value_unique"
            ),
            models.UniqueConstraint(
                fields=["feature", "endpoint", "method"],
                condition=ALIVE,
                name="living_endpoint_once_per_feature_path_and_method",
            ),
            models.CheckConstraint(
                condition=Q(min_credits__gte=0), name="endpoint_min_credits_not_negative"
            ),
        ]


class Plan(CatalogueItem):
    """A duration that packages are sold for."""

    duration_days = models.PositiveIntegerField(validators=a_day_to_a_century)

    class Meta(CatalogueItem.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(duration_days__gte=1, duration_days__lte=MAX_DAYS),
                name="plan_lasts_a_day_to_a_century",
            ),
        ]


class Package(CatalogueItem):
    """A bundle of features, sold for one or more plans."""

    value = models.CharField(max_length=100, validators=[long_enough, a_slug])
    badge = models.CharField(max_length=50, blank=True)
    points = ArrayField(models.CharField(max_length=200), default=list, blank=True, size=50)
    is_initial = models.BooleanField(
        default=False, help_text="Granted to every verified user; entitles whoever has no other."
    )
    version = models.PositiveIntegerField(
        default=0, editable=False, help_text="Of the newest history; 0 until the first is written."
    )

    class Meta(CatalogueItem.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["value"], condition=ALIVE, name="living_package_value_unique"
            ),
            models.UniqueConstraint(
                fields=["is_initial"],
                condition=ALIVE & Q(is_initial=True),
                name="one_living_initial_package",
            ),
            models.CheckConstraint(
                condition=Q(is_initial=False) | Q(is_active=True),
                name="initial_package_is_active",
            ),
        ]


class PackagePlan(SoftDeleteModel):
    """What a package costs and grants when bought for one plan."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="plans")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    price_usd_minor = models.BigIntegerField(validators=[not_negative], help_text="Cents.")
    price_bdt_minor = models.BigIntegerField(validators=[not_negative], help_text="Poisha.")
    previous_price_usd_minor = models.BigIntegerField(null=True, editable=False)
    previous_price_bdt_minor = models.BigIntegerField(null=True, editable=False)
    credits = models.BigIntegerField(validators=[not_negative], help_text="Whole credits.")
    credits_valid_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=a_day_to_a_century,
        help_text="Empty: they never expire.",
    )
    is_initial = models.BooleanField(default=False, help_text="Offered first.")
    is_active = models.BooleanField(default=True)
    sequence = models.PositiveIntegerField(default=0)

    class Meta(SoftDeleteModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["package", "plan"], condition=ALIVE, name="plan_once_per_living_package"
            ),
            models.UniqueConstraint(
                fields=["package"],
                condition=ALIVE & Q(is_initial=True),
                name="one_initial_plan_per_package",
            ),
            models.CheckConstraint(
                condition=Q(is_initial=False) | Q(is_active=True),
                name="initial_plan_is_active",
            ),
            models.CheckConstraint(
                condition=Q(price_usd_minor__gte=0, price_bdt_minor__gte=0),
                name="package_plan_prices_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(credits__gte=0), name="package_plan_credits_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(credits_valid_days__isnull=True)
                | Q(credits_valid_days__gte=1, credits_valid_days__lte=MAX_DAYS),
                name="package_plan_credits_valid_a_day_to_a_century",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package} for {self.plan}"


class PackageFeature(SoftDeleteModel):
    """One feature of a package."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="features")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="+")

    class Meta(SoftDeleteModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["package", "feature"],
                condition=ALIVE,
                name="feature_once_per_living_package",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature} in {self.package}"


class PackageFeatureConfig(SoftDeleteModel):
    """Limits and options of a package: for all of it, one feature, or one endpoint."""

    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="configs")
    feature = models.ForeignKey(
        Feature, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    feature_endpoint = models.ForeignKey(
        FeatureEndpoint, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    config = models.JSONField(help_text="Keys and limits: catalog.feature_config.")
    description = models.CharField(max_length=500, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta(SoftDeleteModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["package", "feature", "feature_endpoint"],
                condition=ALIVE,
                nulls_distinct=False,
                name="living_config_once_per_scope",
            ),
            models.CheckConstraint(
                condition=Q(feature_endpoint__isnull=True) | Q(feature__isnull=False),
                name="config_of_endpoint_names_its_feature",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package}: {self.feature_endpoint or self.feature or 'everything'}"


class PackageHistory(models.Model):
    """A package as it was at one version. Appended, never changed: a trigger refuses it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="histories")
    version = models.PositiveIntegerField()
    snapshot = models.JSONField(help_text="Package, features, plans and configs.")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Empty: the system.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name_plural = "package histories"
        constraints = [
            models.UniqueConstraint(
                fields=["package", "version"], name="history_once_per_package_version"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package} v{self.version}"


class Subscription(TimestampedModel):
    """A user holds a version of a package for a time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="+")
    package_history = models.ForeignKey(PackageHistory, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    status = models.CharField(
        max_length=8, choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE
    )
    current_period_start = models.DateTimeField()
    current_period_end = models.DateTimeField()
    reference = models.CharField(max_length=150, help_text="What it was started for: payment:<id>.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(status=SubscriptionStatus.ACTIVE),
                name="one_active_subscription_per_user",
            ),
            models.UniqueConstraint(fields=["reference"], name="subscription_once_per_reference"),
            models.CheckConstraint(
                condition=Q(current_period_end__gt=F("current_period_start")),
                name="subscription_ends_after_it_starts",
            ),
        ]
        indexes = [
            models.Index(
                fields=["current_period_end"],
                condition=Q(status=SubscriptionStatus.ACTIVE),
                name="subscription_running_out_idx",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.package} until {self.current_period_end:%Y-%m-%d}"
