"""What metering answers about a session, as JSON values. Built from its rows and nothing else."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from billing.enums import SessionState
from billing.errors import SessionNotSettled
from billing.metering import instant
from billing.models import CreditsUsage, UsageSession
from billing.pricing import plain


def settled(session: UsageSession, usages: Sequence[CreditsUsage]) -> dict[str, Any]:
    """Answer an end, the same at every repeat. Fractions of credits are strings."""
    return {
        "user_id": str(session.user_id),
        "usage_key": str(session.usage_key),
        "status": SessionState.SETTLED.value,
        "charged": session.charged,
        "cost_credits": session.cost_credits,
        "shortfall": session.shortfall,
        "credits": session.available_after,
        "balance": session.balance_after,
        "flags": [str(flag) for flag in session.flags],
        "details": [
            {
                "ai_model": usage.ai_model_value,
                "input_tokens": usage.input_tokens,
                "output_tokens": usage.output_tokens,
                "base_credits": plain(usage.base_credits),
                "profit_credits": plain(usage.profit_credits),
                "cost_credits": plain(usage.cost_credits),
                "rounding_credits": plain(usage.rounding_credits),
                "price": plain(usage.price),
            }
            for usage in usages
        ],
    }


def state(session: UsageSession, usages: Sequence[CreditsUsage]) -> dict[str, Any]:
    """Where a session stands, for the partner that started it."""
    is_settled = session.state == SessionState.SETTLED
    return {
        "usage_key": str(session.usage_key),
        "user_id": str(session.user_id),
        "feature_endpoint_id": str(session.feature_endpoint_id),
        "feature_endpoint_value": session.feature_endpoint_value,
        "state": str(session.state),
        "held_credits": session.held_credits,
        "config": session.config,
        "created_at": instant(session.created_at),
        "expires_at": instant(session.expires_at),
        "settled_at": session.settled_at and instant(session.settled_at),
        "result": settled(session, usages) if is_settled else None,
    }


def explanation(
    session: UsageSession, usages: Sequence[CreditsUsage], *, with_margin: bool
) -> dict[str, Any]:
    """Why a settled call was charged what it was, in the order of the calculation.

    Without the margin a model shows what it cost the customer, and not how
    that came about.

    Raises:
        SessionNotSettled: nothing was charged yet.
    """
    if session.state != SessionState.SETTLED:
        raise SessionNotSettled("This call has not been settled.", state=session.state)
    content = session.rate_card.content
    rounding = sum((usage.rounding_credits for usage in usages), Decimal(0))
    models = [_with_margin(usage) if with_margin else _for_customer(usage) for usage in usages]
    return {
        "usage_key": str(session.usage_key),
        "user_id": str(session.user_id),
        "feature_endpoint_value": session.feature_endpoint_value,
        "rate_card_version": session.rate_card_id,
        "credit_price": content["credit_price"]["value"],
        "models": models,
        **(_margin(content["profits"]) if with_margin else {}),
        "sum_credits": plain(session.cost_credits - rounding),
        "rounding_credits": plain(rounding),
        "cost_credits": session.cost_credits,
        "max_credits": session.config.get("max_credits"),
        "held_credits": session.held_credits,
        "charged": session.charged,
        "shortfall": session.shortfall,
        "flags": [str(flag) for flag in session.flags],
        "transaction_id": session.transaction_id and str(session.transaction_id),
        "settled_at": session.settled_at and instant(session.settled_at),
    }


def _margin(profits: Sequence[dict[str, Any]]) -> dict[str, Any]:
    total = sum((Decimal(row["percentage"]) for row in profits), Decimal(0))
    return {"profits": profits, "profit_percentage": plain(total)}


def _for_customer(usage: CreditsUsage) -> dict[str, Any]:
    return {
        "ai_model": usage.ai_model_value,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "credits": plain(usage.cost_credits),
    }


def _with_margin(usage: CreditsUsage) -> dict[str, Any]:
    return {
        "ai_model": usage.ai_model_value,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "input_token_price": plain(usage.input_token_price),
        "output_token_price": plain(usage.output_token_price),
        "base_price": plain(usage.base_price),
        "input_credits": plain(usage.input_credits),
        "output_credits": plain(usage.output_credits),
        "base_credits": plain(usage.base_credits),
        "profit_credits": plain(usage.profit_credits),
        "cost_credits": plain(usage.cost_credits),
    }
