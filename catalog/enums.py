from django.db import models


class FeatureType(models.TextChoices):
    WRITING = "writing"
    GENERATION = "generation"
    OTHER = "other"


class HttpMethod(models.TextChoices):
    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class QualityTier(models.TextChoices):
    BASIC = "basic"
    STANDARD = "standard"
    PREMIUM = "premium"


class SubscriptionStatus(models.TextChoices):
    """``CANCELED`` was replaced by a newer one; ``EXPIRED`` ran out."""

    ACTIVE = "active"
    CANCELED = "canceled"
    EXPIRED = "expired"
