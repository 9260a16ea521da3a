import pytest

from accounts import services
from accounts.enums import Role
from accounts.tests.factories import UserFactory
from common.errors import Forbidden

pytestmark = pytest.mark.django_db


def state_of(user):
    user.refresh_from_db()
    return user.status, user.role, user.token_version


def test_block_changes_status_and_token_version_once(user, admin_user):
    services.block_user(user_id=user.id, actor=admin_user)
    services.block_user(user_id=user.id, actor=admin_user)

    assert state_of(user) == ("blocked", "user", 1)


def test_unblock_changes_status_and_token_version_once(admin_user):
    user = UserFactory(status="blocked")

    services.unblock_user(user_id=user.id, actor=admin_user)
    services.unblock_user(user_id=user.id, actor=admin_user)

    assert state_of(user) == ("active", "user", 1)


def test_role_change_ends_tokens_once(user, admin_user):
    services.change_role(user_id=user.id, role=Role.EDITOR, actor=admin_user)
    services.change_role(user_id=user.id, role=Role.EDITOR, actor=admin_user)

    assert state_of(user) == ("active", "editor", 1)


def test_super_admin_makes_an_admin(user, super_admin):
    services.change_role(user_id=user.id, role=Role.ADMIN, actor=super_admin)

    assert state_of(user) == ("active", "admin", 1)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPER_ADMIN])
def test_admin_cannot_give_a_role_that_is_not_below_the_own(user, admin_user, role):
    with pytest.raises(Forbidden):
        services.change_role(user_id=user.id, role=role, actor=admin_user)

    assert state_of(user) == ("active", "user", 0)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SUPER_ADMIN])
@pytest.mark.parametrize(
    "act",
    [
        services.block_user,
        services.unblock_user,
        lambda **who: services.change_role(role=Role.USER, **who),
    ],
    ids=["block", "unblock", "role"],
)
def test_admin_cannot_manage_staff(admin_user, role, act):
    colleague = UserFactory(role=role)

    with pytest.raises(Forbidden):
        act(user_id=colleague.id, actor=admin_user)

    assert state_of(colleague) == ("active", role, 0)


def test_super_admin_cannot_block_or_demote_themselves(super_admin):
    with pytest.raises(Forbidden):
        services.block_user(user_id=super_admin.id, actor=super_admin)
    with pytest.raises(Forbidden):
        services.change_role(user_id=super_admin.id, role=Role.USER, actor=super_admin)

    assert state_of(super_admin) == ("active", "super-admin", 0)


def test_rename_changes_the_name_only(user):
    services.rename_user(user_id=user.id, name="Grace")

    assert state_of(user) == ("active", "user", 0)
    assert user.name == "Grace"
