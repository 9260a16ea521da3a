"""What an end must charge, decided from the session and the prices of its start. Pure rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.enums import SessionFlag, SessionState
from billing.errors import (
    ChargeTooLarge,
    SessionMismatch,
    SessionNotFound,
    SessionNotStarted,
    UnknownAiModel,
    UsageKeyReused,
)
from billing.metering import EndRequest, UsageReport
from billing.models import CreditsUsage, UsageSession
from billing.pricing import PricedCall, PricedUsage, Usage, price_call
from billing.rate_card import Card, ModelRate
from common.errors import DomainError
from wallets.services import MAX_AMOUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """One end that will charge ``charge`` credits, or as many as there are."""

    session: UsageSession
    request: EndRequest
    credit_price: Decimal
    profit_percentage: Decimal
    models: tuple[ModelRate, ...]
    call: PricedCall
    charge: int
    flags: tuple[SessionFlag, ...]

    def usage_rows(self, now: datetime) -> list[CreditsUsage]:
        return [
            self._row(position, model, priced, now)
            for position, (model, priced) in enumerate(
                zip(self.models, self.call.usages, strict=True)
            )
        ]

    def _row(
        self, position: int, model: ModelRate, priced: PricedUsage, now: datetime
    ) -> CreditsUsage:
        return CreditsUsage(
            session=self.session,
            user_id=self.session.user_id,
            position=position,
            ai_model_id=model.id,
            ai_model_value=model.value,
            input_tokens=priced.usage.input_tokens,
            output_tokens=priced.usage.output_tokens,
            input_token_price=model.input_token_price,
            output_token_price=model.output_token_price,
            credit_price=self.credit_price,
            profit_percentage=self.profit_percentage,
            input_credits=priced.input_credits,
            output_credits=priced.output_credits,
            base_credits=priced.base_credits,
            profit_credits=priced.profit_credits,
            cost_credits=priced.cost_credits,
            rounding_credits=priced.rounding_credits,
            base_price=priced.base_price,
            price=priced.price,
            created_at=now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The call was settled before, with this very report."""

    session: UsageSession


Verdict = Settlement | Replay | DomainError


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The sessions that a list of ends names, and the cards they were started with."""

    sessions: Mapping[UUID, UsageSession]
    foreign_keys: frozenset[UUID]
    cards: Mapping[int, Card]


def judge(request: EndRequest, files: Files) -> Verdict:
    """Decide one end. A settled session answers to its own report and to no other."""
    session = files.sessions.get(request.usage_key)
    if session is None:
        if request.usage_key in files.foreign_keys:
            return SessionNotFound("There is no such session.", field="usage_key")
        return SessionNotStarted("Start the call before you end it.", field="usage_key")
    if session.state == SessionState.SETTLED:
        if session.request_hash == request.fingerprint():
            return Replay(session=session)
        return reused()
    try:
        return _settle(session, request, files.cards[session.rate_card_id])
    except DomainError as error:
        return error


def reused() -> UsageKeyReused:
    return UsageKeyReused("This call was ended before, with another report.", field="usage_key")


def _settle(session: UsageSession, request: EndRequest, card: Card) -> Settlement:
    _check_same_call(session, request)
    assert card.credit_price is not None  # a start without one is refused
    models = tuple(
        _model(card, report, f"usages.{place}.ai_model")
        for place, report in enumerate(request.usages)
    )
    call = price_call(
        usages=[
            _usage(model, report) for model, report in zip(models, request.usages, strict=True)
        ],
        credit_price=card.credit_price,
        profit_percentage=card.profit_percentage,
    )
    _check_chargeable(call.total)
    charge = min(call.total, session.config.get("max_credits", call.total))
    return Settlement(
        session=session,
        request=request,
        credit_price=card.credit_price,
        profit_percentage=card.profit_percentage,
        models=models,
        call=call,
        charge=charge,
        flags=_flags(session, request, is_capped=charge < call.total),
    )


def _check_chargeable(cost_credits: int) -> None:
    if cost_credits > MAX_AMOUNT:
        raise ChargeTooLarge(
            "This call costs more than can be charged at once.",
            field="usages",
            cost_credits=cost_credits,
            limit=MAX_AMOUNT,
        )


def _check_same_call(session: UsageSession, request: EndRequest) -> None:
    if request.user_id != session.user_id:
        raise SessionMismatch("The call was started for another user.", field="user_id")
    if request.feature_endpoint_id not in {None, session.feature_endpoint_id}:
        raise SessionMismatch(
            "The call was started for another endpoint.", field="feature_endpoint_id"
        )
    if request.feature_endpoint_value not in {None, session.feature_endpoint_value}:
        raise SessionMismatch(
            "The call was started for another endpoint.", field="feature_endpoint_value"
        )


def _model(card: Card, report: UsageReport, field: str) -> ModelRate:
    if report.ai_model is None:
        if card.initial_model is None:
            raise UnknownAiModel("There is no initial model: name the model.", field=field)
        return card.initial_model
    model = card.models.get(report.ai_model)
    if model is None:
        raise UnknownAiModel(
            f"No price was set for the model {report.ai_model} when the call started.", field=field
        )
    return model


def _usage(model: ModelRate, report: UsageReport) -> Usage:
    return Usage(
        input_tokens=report.input_tokens,
        output_tokens=report.output_tokens,
        input_token_price=model.input_token_price,
        output_token_price=model.output_token_price,
    )


def _flags(
    session: UsageSession, request: EndRequest, *, is_capped: bool
) -> tuple[SessionFlag, ...]:
    tokens = sum(report.input_tokens + report.output_tokens for report in request.usages)
    words = session.word_count if request.word_count is None else request.word_count
    raised = {
        SessionFlag.CAPPED: is_capped,
        SessionFlag.MAX_TOKENS_EXCEEDED: _exceeds(tokens, session.config.get("max_tokens")),
        SessionFlag.WORD_LIMIT_EXCEEDED: _exceeds(words, session.config.get("max_words")),
        SessionFlag.LATE: session.state == SessionState.EXPIRED,
    }
    return tuple(flag for flag, is_raised in raised.items() if is_raised)


def _exceeds(used: int | None, limit: int | None) -> bool:
    return used is not None and limit is not None and used > limit
