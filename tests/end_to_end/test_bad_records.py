"""Bad records: each gets its coded problem with advice, disturbs nobody, and heals when it is mended."""

import pytest

from local.stage import PREFIX
from show import Show

LONG = "a" * 40
NO_SUCH = f"{PREFIX}/no-such-parameter"
# (what is wrong, the attributes that make it so, the problem's code)
ROWS = [
    ("unknown preset", {"preset_id": "4k-please"}, "unknown_preset"),
    ("no preset", {"preset_id": None}, "missing_preset"),
    ("preset of another platform", {"platform": "youtube", "rtmp_url": "rtmps://a.rtmps.youtube.com:443/live2", "preset_id": "twitch-720p30"},
     "preset_not_for_platform"),
    ("preset too much for the platform", {"platform": "linkedin", "preset_id": "1080p60"}, "preset_exceeds_platform"),
    ("unknown platform", {"platform": "myspace"}, "unknown_platform"),
    ("no platform", {"platform": None}, "missing_platform"),
    ("platform to come", {"platform": "hls"}, "not_available_yet"),
    ("unknown state", {"desired_state": "on"}, "unknown_desired_state"),
    ("no address", {"rtmp_url": None}, "missing_url"),
    ("malformed address", {"rtmp_url": "rtmps://live example com/app"}, "malformed_url"),
    ("malformed address, no host", {"rtmp_url": "rtmps:///app"}, "malformed_url"),
    ("address in a private network", {"rtmp_url": "rtmp://192.168.1.10/live"}, "url_host_private"),
    ("address of this machine", {"rtmp_url": "rtmp://localhost/live"}, "url_host_private"),
    ("address of the metadata service", {"rtmp_url": "rtmp://169.254.169.254/live"}, "url_host_private"),
    ("address with a password", {"rtmp_url": "rtmps://someone:canary-password@live.example.com/app"}, "url_userinfo"),
    ("port that RTMP has not", {"rtmp_url": "rtmps://live.example.com:22/app"}, "url_port"),
    ("address that ends in a key", {"platform": "youtube", "rtmp_url": "rtmp://a.rtmp.youtube.com/live2/canary-0123456789-abcdef"}, "url_has_key"),
    ("web address", {"rtmp_url": "http://live.example.com/app"}, "url_scheme"),
    ("another platform's host", {"platform": "youtube"}, "url_host_not_allowed"),
    ("no parameter named", {"stream_key_param": None}, "missing_parameter_name"),
    ("parameter outside", {"stream_key_param": "/somewhere/else"}, "parameter_outside_prefix"),
    ("parameter missing", {"stream_key_param": NO_SUCH}, "parameter_missing"),
    ("a number for a text", {"platform": 5}, "wrong_type"),
    ("a list for a text", {"rtmp_url": ["rtmps://live.example.com/app"]}, "wrong_type"),
    ("a text for a yes or no", {"enabled": "yes"}, "wrong_type"),
    ("a map for a state", {"desired_state": {"S": "streaming"}}, "wrong_type"),
    ("a class to come", {"channel_class": "STANDARD"}, "not_available_yet"),
    ("an unknown class", {"channel_class": "DOUBLE"}, "unknown_value"),
]


@pytest.fixture(scope="module")
def neighbour(stages):
    """A stream that nothing here may disturb."""
    show = Show(stages.get(), "neighbour")
    one = show.streaming()
    yield show, one, show.channel(one)
    if stages.stage is show.stage:
        show.clear()


@pytest.fixture
def undisturbed(neighbour):
    """Asserts afterwards that the neighbour's stream has not noticed."""
    show, one, before = neighbour
    mark = show.now()
    yield
    after = show.whole(one)
    assert (after["id"], after["run"]) == (before["id"], before["run"])
    assert show.writes(one, since=mark) == []
    assert show.stage.record(one)["streaming_status"] == "streaming" and "problem" not in show.stage.record(one)


@pytest.mark.usefixtures("undisturbed")
class TestBadRecords:
    """All beside a stream that goes on."""

    @pytest.mark.parametrize("attributes, code", [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
    def test_is_told_and_heals(self, show, attributes, code):
        """Nothing is made, the problem is shown, and the mended record streams."""
        one = show.put(**{"desired_state": "streaming", **attributes})
        record = show.wait_problem(one, code)
        show.wait_quiet([one])
        assert record["streaming_status"] == "error"
        assert show.writes() == [], "nothing is made of a bad record"
        kept = {name: value for name, value in attributes.items() if value is not None}
        assert kept.items() <= show.stage.record(one).items(), "what the operator wrote is left alone"
        assert "canary" not in str(record["problem"])
        show.put(one, desired_state="streaming")
        show.wait_streaming(one)
        assert "problem" not in show.stage.record(one)

    def test_a_slip_beside_the_point(self, show):
        """A limit that is no number is said, and the destination streams all the same."""
        one = show.put(desired_state="streaming", session_hours_max="a few")
        show.wait_streaming(one)
        record = show.wait_problem(one, "malformed_number")
        assert record["streaming_status"] == "streaming" and record["session_hours_max"] == "a few"
        show.stage.update(one, remove=["session_hours_max"])
        show.wait_problem(one, None)
        assert show.whole(one)["run"] == 1

    def test_a_plain_parameter(self, show):
        """A key stored in plain text is refused; as a SecureString, and with `retry`, it streams."""
        one = show.new_id()
        ssm, name = show.stage.boto("ssm"), f"{PREFIX}/{one}"
        ssm.put_parameter(Name=name, Value="canary-plain-key", Type="String")
        show.stage.put(one, **show.record(one, desired_state="streaming"))
        show.wait_problem(one, "parameter_not_secure")
        show.wait_quiet([one])
        assert show.writes() == []
        ssm.delete_parameter(Name=name)
        show.stage.put_key(one, "canary-better-key")
        show.stage.update(one, retry="1")
        show.wait_streaming(one)

    def test_an_empty_parameter(self, show):
        """A key of nothing but blanks cannot stream; what was made on the way is unmade."""
        one = show.new_id()
        show.stage.put_key(one, "two words")
        show.stage.put(one, **show.record(one, desired_state="streaming"))
        show.wait_problem(one, "parameter_empty")
        show.stage.wait_gone(one)
        show.wait_quiet([one])
        assert show.wait_status(one, "error")["problem"]["code"] == "parameter_empty"
        show.stage.put_key(one, "canary-good-key")
        show.stage.update(one, retry="1")
        show.wait_streaming(one)

    def test_a_parameter_that_may_not_be_read(self, show):
        """The roles may not read it: told, and healed with `retry` once they may."""
        one = show.put()
        show.wait_status(one, "ready")
        policies = forbid(show, f"{PREFIX}/{one}")
        show.stage.update(one, desired_state="streaming")
        show.wait_problem(one, "parameter_unreadable")
        show.wait_quiet([one])
        assert show.writes() == []
        allow(show, policies)
        show.stage.update(one, retry="1")
        show.wait_streaming(one)

    def test_the_same_address_and_key(self, show):
        """The first holder keeps it; the other says whose it is, and heals when the first goes."""
        first = show.streaming(rtmp_url="rtmps://live.example.com:443/same")
        same = {"stream_key_param": f"{PREFIX}/{first}", "rtmp_url": "RTMPS://LIVE.example.com/same", "desired_state": "streaming"}
        mark = show.now()
        second = show.put(**same)
        record = show.wait_problem(second, "duplicate_address")
        assert record["streaming_status"] == "error" and first in record["problem"]["message"]
        show.wait_quiet([first, second])
        assert show.writes(since=mark) == [] and show.wait_status(first, "streaming")
        show.stage.delete(first)
        show.stage.wait_gone(first)
        show.wait_quiet([first])
        show.stage.sweep()
        show.wait_streaming(second)
        assert "problem" not in show.stage.record(second)

    def test_a_key_in_the_record(self, show):
        """A stream key in the record is removed at once, and the operator is told to renew it."""
        one = show.put(stream_key="canary-pasted-key")
        show.wait_problem(one, "stream_key_in_record")
        show.wait_quiet([one])
        record = show.stage.record(one)
        assert "stream_key" not in record and "canary-pasted-key" not in str(record)
        assert "canary-pasted-key" not in str(show.stage.ledger_rows())
        show.stage.update(one, desired_state="streaming")
        show.wait_problem(one, None)
        show.wait_streaming(one)

    def test_a_key_in_the_record_on_air(self, show):
        """A stream key pasted beside a running stream goes, and the stream goes on."""
        one = show.streaming()
        before, mark = show.channel(one), show.now()
        show.stage.update(one, stream_key="canary-pasted-key")
        record = show.wait_problem(one, "stream_key_in_record")
        show.wait_quiet([one])
        assert "stream_key" not in show.stage.record(one) and record["streaming_status"] == "streaming"
        assert show.writes(since=mark) == [] and show.whole(one)["run"] == before["run"]

    @pytest.mark.parametrize("bad", [LONG, "Has-Capitals", "all", "spa ce", "-dash"])
    def test_an_id_that_cannot_be_used(self, show, bad):
        """Said on the record itself; nothing else exists of it, and it can be deleted."""
        show.stage.put(bad, **show.record("other", desired_state="streaming"))
        record = show.wait_problem(bad, "invalid_id")
        assert record["streaming_status"] == "error"
        show.wait_quiet([bad])
        show.stage.sweep()
        show.wait_quiet([bad])
        assert show.writes() == [] and show.stage.ledger(bad) is None
        show.stage.delete(bad)
        show.wait_quiet([bad])
        assert show.stage.record(bad) is None


READERS = ("plan", "create-channel", "update-channel")


def forbid(show, parameter):
    """Forbids the functions' roles one parameter; gives back what `allow` needs."""
    iam, lambdas = show.stage.boto("iam"), show.stage.boto("lambda")
    statement = ('{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ssm:GetParameter", '
                 f'"Resource": "arn:aws:ssm:{show.stage.region}:{show.stage.account}:parameter{parameter}"}}]}}')
    roles = []
    for worker in READERS:
        role = lambdas.get_function_configuration(FunctionName=f"lunora-{show.stage.stack}-{worker}")["Role"].rsplit("/", 1)[-1]
        iam.put_role_policy(RoleName=role, PolicyName="forbidden", PolicyDocument=statement)
        roles.append(role)
    return roles


def allow(show, roles):
    """Takes it back."""
    for role in roles:
        show.stage.boto("iam").delete_role_policy(RoleName=role, PolicyName="forbidden")
