from django.db import models


class DeliveryStatus(models.TextChoices):
    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"
