from uuid import UUID


def user_group(user_id: UUID | str) -> str:
    """Name the channel group of everything that a user has open."""
    return f"user-{user_id}"
