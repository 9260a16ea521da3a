from billing import rate_card
from catalog.events import EndpointsChanged
from common.events import subscribe


@subscribe(EndpointsChanged)
def drop_rate_card_on_endpoints_changed(_event: EndpointsChanged) -> None:
    # Redis away: raises, and the outbox tries again.
    rate_card.invalidate()
