from simulator import signing


def test_sign_matches_the_published_example():
    """The test vector of https://github.com/standard-webhooks/standard-webhooks."""
    signature = signing.sign(
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        event_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_new_secrets_are_long_and_differ():
    one, two = signing.new_secret(), signing.new_secret()

    assert one != two
    assert len(signing.signing_key(one)) == 32
