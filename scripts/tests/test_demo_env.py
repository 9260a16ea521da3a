import base64
import stat

from scripts.demo_env import SECRETS, demo_secrets, read_variables, write_variables


def test_demo_secrets_are_made_once_and_kept(tmp_path):
    path = tmp_path / "demo.env"
    first = demo_secrets(path)
    assert demo_secrets(path) == first
    assert first.keys() == SECRETS.keys()


def test_demo_secrets_keep_what_is_known_and_add_what_is_missing(tmp_path):
    path = tmp_path / "demo.env"
    write_variables(path, {"SECRET_KEY": "mine", "OTHER": "kept"})
    secrets = demo_secrets(path)
    assert secrets["SECRET_KEY"] == "mine"
    assert read_variables(path) == secrets
    assert secrets.keys() == {*SECRETS, "OTHER"}


def test_demo_secrets_of_two_clones_differ(tmp_path):
    one, other = demo_secrets(tmp_path / "one"), demo_secrets(tmp_path / "other")
    assert not set(one.values()) & set(other.values())


def test_demo_secrets_are_for_their_owner_only(tmp_path):
    path = tmp_path / "demo.env"
    demo_secrets(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_demo_secrets_have_the_form_that_their_readers_want(tmp_path):
    secrets = demo_secrets(tmp_path / "demo.env")
    assert len(base64.urlsafe_b64decode(secrets["FIELD_ENCRYPTION_KEYS"])) == 32
    assert secrets["DEMO_SIMULATOR_SECRET_KEY"].startswith("sk_test_")
    assert len(base64.b64decode(secrets["DEMO_WEBHOOK_SECRET"].removeprefix("whsec_"))) == 32
    assert all(len(secrets[name]) >= 32 for name in ("SECRET_KEY", "JWT_SIGNING_KEY"))


def test_read_variables_skips_comments_and_keeps_equal_signs(tmp_path):
    path = tmp_path / "some.env"
    path.write_text("# a comment\n\nKEY=abc=\n OTHER = x # y\nEMPTY=\n")
    assert read_variables(path) == {"KEY": "abc=", "OTHER": "x # y", "EMPTY": ""}
