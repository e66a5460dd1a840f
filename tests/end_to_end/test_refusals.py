"""AWS says no, fails, or gives no answer: the record says so, and nothing doubles or is left behind."""

import random

import pytest

OTHER_URL = "rtmps://other.example.com:443/app"


@pytest.mark.parametrize("fault, code", [
    ({"kind": "error_before", "status": 422}, "refused_by_aws"),
    ({"kind": "update_failed"}, "update_failed"),
], ids=["refused", "failed"])
def test_a_change_that_does_not_come_about_goes_back_on_air(show, fault, code):
    """An edit that AWS cannot apply: the stream comes back as it was, with the reason beside it."""
    one = show.streaming()
    url = show.target_url(one)
    show.stage.simulator.fault(operation="medialive:UpdateChannel", **fault)
    show.stage.update(one, rtmp_url=OTHER_URL)
    show.wait_problem(one, code)
    show.stage.wait_until(
        lambda: [channel for channel in show.channels(one) if channel["state"] == "RUNNING"], 40, "the stream to come back")
    show.wait_quiet([one])
    record = show.wait_problem(one, code)
    assert record["streaming_status"] == "streaming" and show.target_url(one) == url
    show.never_two(one)
    show.stage.update(one, retry="now")
    show.stage.wait_until(lambda: show.channels(one) and show.target_url(one) == OTHER_URL, 40, "the new address to be used")
    show.wait_streaming(one)
    assert "problem" not in show.stage.record(one)


def test_a_channel_that_cannot_be_made(show):
    """CREATE_FAILED is tried once more by itself, then it is a verdict and nothing is left."""
    show.stage.simulator.fault(operation="medialive:CreateChannel", kind="create_failed", every=True)
    one = show.put(desired_state="streaming")

    def told():
        show.stage.sweep()  # no event tells of CREATE_FAILED
        return (show.stage.record(one).get("problem") or {}).get("code") == "create_failed"
    show.stage.wait_until(told, 60, "the verdict")
    show.stage.wait_gone(one)
    show.wait_quiet([one])
    assert show.wait_status(one, "error")["problem"]["code"] == "create_failed"
    assert show.writes(one).count("CreateChannel") == 2
    show.never_two(one)
    show.stage.simulator.delete("faults")
    show.stage.update(one, retry="again")
    show.wait_streaming(one)


def test_a_group_that_does_not_let_the_flow_in(show):
    """Without it the feed would never reach the input: nothing is made, and once the group is mended `retry` streams."""
    stage = show.stage
    live, ledger = stage.boto("medialive"), stage.boto("dynamodb")
    group = {"InputSecurityGroupId": stage.security_group}
    # What preflight saw a moment ago would do for ten minutes.
    ledger.update_item(TableName=stage.ledger_table, Key={"destination_id": {"S": "flow#main"}}, UpdateExpression="REMOVE let_in")
    try:
        live.update_input_security_group(**group, WhitelistRules=[{"Cidr": "198.51.100.7/32"}])
        one = show.put(desired_state="streaming")
        record = show.wait_problem(one, "feed_not_allowed")
        show.wait_quiet([one])
        assert record["streaming_status"] == "error" and stage.egress.split("/")[0] in record["problem"]["message"]
        assert not {"CreateInput", "AddFlowOutputs", "CreateChannel"} & set(show.writes())
    finally:
        live.update_input_security_group(**group, WhitelistRules=[{"Cidr": stage.egress}])
    stage.update(one, retry="1")
    show.wait_streaming(one)
    assert "problem" not in stage.record(one)


@pytest.mark.parametrize("operation", [
    "medialive:CreateInput", "mediaconnect:AddFlowOutputs", "medialive:CreateChannel", "medialive:StartChannel",
    "medialive:StopChannel", "medialive:DeleteChannel", "mediaconnect:RemoveFlowOutput", "medialive:DeleteInput",
])
@pytest.mark.parametrize("kind", ["error_before", "answer_lost", "throttle"])
def test_a_call_goes_wrong(show, operation, kind):
    """One call of a whole life fails, is throttled or loses its answer: the life is the same, and each thing is made once."""
    show.stage.simulator.fault(operation=operation, kind=kind)
    one = show.put(desired_state="streaming")
    channel = show.wait_streaming(one, 60)
    show.stage.delete(one)
    show.stage.wait_gone(one)
    show.wait_quiet([one])
    assert show.made_channels(one) == 1 and channel["run"] == 1
    show.never_two(one)
    fired = [rule["fired"] for rule in show.stage.simulator.get("faults")]
    assert fired == [1], "the fault was never met"


@pytest.mark.parametrize("seed", range(4))
def test_a_storm_of_edits(show, seed):
    """Thirty edits as fast as they can be written: the last wish counts."""
    chance = random.Random(seed)
    one = show.put(desired_state="streaming")
    for _ in range(30):
        edit = chance.choice(["state", "state", "preset", "address", "put", "delete", "retry", "bad"])
        if edit == "delete":
            show.stage.delete(one)
        elif edit == "put" or show.stage.record(one) is None:
            show.put(one, desired_state=chance.choice(["streaming", "ready", "removed"]))
        else:
            show.stage.update(one, **{
                "state": {"desired_state": chance.choice(["streaming", "ready", "removed"])},
                "preset": {"preset_id": chance.choice(["360p30", "720p30"])},
                "address": {"rtmp_url": chance.choice([OTHER_URL, "rtmps://third.example.com/app"])},
                "retry": {"retry": chance.randrange(100)}, "bad": {"preset_id": "nonsense"},
            }[edit])
    show.put(one, desired_state="streaming", rtmp_url=OTHER_URL, preset_id="720p30")
    show.stage.wait_until(lambda: show.channels(one) and show.target_url(one) == OTHER_URL, 60, "the last address to be used")
    show.wait_streaming(one, 60)
    assert (show.target_url(one), show.size(one)) == (OTHER_URL, 720)
    show.never_two(one)
