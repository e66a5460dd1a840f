"""A stream key is in Parameter Store, in the body of CreateChannel and UpdateChannel and in what
MediaLive itself answers, and nowhere else, also when things go wrong.

A search that finds nothing proves little, so the same search looks for a destination's id, which it
must find in each kind of place.
"""

import json

from canary import Taps, forms
from local.stage import PASSPHRASE, PREFIX
from sweeper import Sweeping


def key_of(destination):
    """A key whose URL, JSON and HTML forms differ from itself."""
    return f'canary-{destination}/+="\\<k>&ey?x=1'


def put(show, destination_id=None, **attributes):
    """A record with such a key."""
    destination_id = destination_id or show.new_id()
    show.stage.put_key(destination_id, key_of(destination_id))
    show.stage.put(destination_id, **show.record(destination_id, **attributes))
    return destination_id


def fault(show, destination, operation, kind="error_before", **rule):
    """One call fails, and its message echoes what was sent."""
    return show.stage.simulator.fault(operation=f"medialive:{operation}", kind=kind, **rule)


def test_each_encoding_of_a_key_is_recognised():
    key = key_of("x")
    for text in (key, json.dumps({"a": key}), json.dumps(json.dumps({"a": key})), json.dumps([key], ensure_ascii=False)):
        assert any(form in text.encode() for form in forms(key)), text


def test_a_key_shows_nowhere(show):
    stage = show.stage
    with Taps(stage) as taps:
        # A life with an edit of the address and a rotated key.
        good = put(show, desired_state="streaming")
        show.wait_streaming(good)
        stage.update(good, rtmp_url="rtmps://live.example.com/b")
        stage.wait_until(lambda: show.writes(good).count("StartChannel") == 2, 40, "a second start")
        show.wait_streaming(good)
        # CreateChannel and UpdateChannel are refused in words that hold the key.
        refused = show.new_id()
        echo = f"Destination url rtmps://live.example.com/x with streamName {key_of(refused)} is not valid"
        fault(show, refused, "CreateChannel", status=422, message=echo)
        put(show, refused, desired_state="streaming")
        show.wait_problem(refused, "refused_by_aws")
        stage.simulator.delete("faults")
        stage.update(refused, retry="1")
        show.wait_streaming(refused)
        fault(show, refused, "UpdateChannel", status=422, message=echo)
        stage.update(refused, rtmp_url="rtmps://live.example.com/c")
        show.wait_problem(refused, "refused_by_aws")
        stage.simulator.delete("faults")
        # MediaLive accepts and then cannot; it throttles; it does not answer.
        fault(show, None, "CreateChannel", kind="create_failed", every=True)
        failed = put(show, desired_state="streaming")
        # No event tells of CREATE_FAILED: the sweep finds it.
        with Sweeping(stage):
            show.wait_problem(failed, "create_failed", 60)
        stage.simulator.delete("faults")
        fault(show, None, "CreateChannel", kind="throttle", count=2, every=True)
        fault(show, None, "StartChannel", kind="error_before", status=500)
        slow = put(show, desired_state="streaming")
        show.wait_streaming(slow, 80)
        # Wrong parameters: a plain one, one outside the prefix, none at all.
        plain, outside, missing = (show.new_id() for _ in range(3))
        stage.boto("ssm").put_parameter(Name=f"{PREFIX}/{plain}", Value=key_of(plain), Type="String", Overwrite=True)
        stage.put(plain, **show.record(plain, desired_state="streaming"))
        stage.put_key(f"/elsewhere/{outside}", key_of(outside))
        stage.put(outside, **show.record(outside, stream_key_param=f"/elsewhere/{outside}", desired_state="streaming"))
        stage.put(missing, **show.record(missing, desired_state="streaming"))
        show.wait_problem(plain, "parameter_not_secure")
        show.wait_problem(outside, "parameter_outside_prefix")
        show.wait_problem(missing, "parameter_missing")
        sent = stage.boto("medialive").describe_channel(ChannelId=show.channel(good)["id"])
        assert sent["Destinations"][0]["Settings"][0]["StreamName"] == key_of(good), "the key did not even get where it belongs"
        assert stage.boto("secretsmanager").get_secret_value(SecretId=f"lunora-{stage.stack}-srt")["SecretString"] == PASSPHRASE
        for each in (good, refused, failed, slow, plain, outside):
            stage.delete(each)
        show.wait_all_gone(show.ids)
        show.wait_quiet(show.ids)
        keys = [key_of(each) for each in (good, refused, failed, slow, plain, outside)] + [PASSPHRASE]
        found, seen = taps.search(keys, good)
        assert not found, found
        channel = next(each["id"] for each in stage.simulator.state()["deleted"] if each["kind"] == "channel" and each.get("name") == show.name(good))
        on_bus = [event for event in taps.bus() if f":channel:{channel}" in event]
    # Everything was really looked at.
    assert {"the table ledger", "the table's stream", "executions", f"log /aws/lambda/lunora-{stage.stack}-plan",
            "the simulator's state"} <= seen, seen
    assert on_bus and taps.arguments, "the taps heard nothing"
    assert any(place.startswith("log /aws/lambda/") and "create-channel" in place for place in seen), seen


def test_a_key_in_the_record_is_scrubbed_and_goes_no_further(show):
    stage = show.stage
    with Taps(stage) as taps:
        destination = put(show, desired_state="streaming", stream_key="canary-in-the-record-7b1f-4d2e")
        record = stage.wait_for(destination, lambda record: bool(record) and "stream_key" not in record and record.get("problem"), 40)
        assert record["problem"]["code"] == "stream_key_in_record", record
        show.wait_quiet([destination])
        found, seen = taps.search(["canary-in-the-record-7b1f-4d2e"], destination)
    # The operator's own edit is in the table's stream, which is why they are told to renew the key.
    assert found == ["the table's stream"], found
    assert "executions" in seen
