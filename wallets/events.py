"""What wallets tells the rest of the system."""

from dataclasses import dataclass
from typing import Any

from common.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class BalancesChanged(DomainEvent):
    """Every change of one commit, in order; one for each wallet that an operation touched.

    A change has ``user_id``, ``account_id``, ``asset``, ``delta`` (of the balance),
    the ``balance``, ``held`` and ``available`` that it left, its ``kind`` (a
    ``TransactionKind``, or a ``HoldChange`` where credits were only reserved or
    freed) and the ``reference`` of the operation.
    """

    type = "wallets.balances_changed"

    changes: list[dict[str, Any]]
