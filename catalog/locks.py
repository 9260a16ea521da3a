"""Locks on things that are no row.

Everybody takes locks in this order, so that nobody waits in a circle: config
rows, endpoints, features, the feature tree, plans, the initial flag, packages,
each kind by primary key.
"""

from typing import Literal

from django.db import connection


def hold(name: Literal["catalog.feature_tree", "catalog.initial_package"]) -> None:
    """Wait for the lock of this name and keep it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
