"""A replay, as the Step Functions console makes it, is harmless at any time: nothing doubles, nothing changes."""

import pytest


def same_again(show, one, replays):
    """Waits for the replays to end and asserts that each succeeded."""
    client = show.stage.boto("stepfunctions")
    for arn in replays:
        show.stage.wait_until(
            lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING", 30, "the replay to end")
        assert client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"
    show.wait_quiet([one])


def abort(show, one):
    """Ends the running executions of a destination in the middle of their work."""
    for arn in show.running([one]):
        show.stage.boto("stepfunctions").stop_execution(executionArn=arn, error="Aborted", cause="by hand")


@pytest.mark.parametrize("moment", ["CREATING", "STARTING", "STOPPING", "DELETING"])
def test_while_one_runs(show, moment):
    """The one that runs goes on; what it makes, it makes once."""
    one = show.put(desired_state="streaming")
    if moment in ("STOPPING", "DELETING"):
        show.wait_streaming(one)
        show.stage.update(one, desired_state="removed")
    show.wait_channel(one, moment)
    replays = [show.stage.replay(one) for _ in range(3)]
    same_again(show, one, replays)
    made = ["CreateInput", "CreateChannel", "StartChannel"]
    if moment in ("CREATING", "STARTING"):
        show.wait_streaming(one)
        wanted = made
    else:
        show.stage.wait_gone(one)
        show.wait_quiet([one])
        wanted = [*made, "StopChannel", "DeleteChannel", "RemoveFlowOutput", "DeleteInput"]
    assert [call for call in show.writes(one) if call != "UpdateFlowOutput"] == wanted


@pytest.mark.parametrize("state", ["streaming", "warm", "new", "removed", "refused", "deleted"])
def test_after_success(show, state):
    """What is as it should be stays so: not one call that changes anything, and the record says the same."""
    wishes = {"streaming": {"desired_state": "streaming"}, "warm": {"keep_warm": True}, "new": {},
              "removed": {"desired_state": "removed"}, "refused": {"desired_state": "streaming", "preset_id": "nonsense"},
              "deleted": {}}
    one = show.put(**wishes[state])
    if state == "streaming":
        show.wait_streaming(one)
    elif state == "refused":
        show.wait_problem(one, "unknown_preset")
    else:
        show.wait_status(one, "ready")
    if state == "deleted":
        show.stage.delete(one)
        show.stage.wait_until(lambda: "seen" not in show.stage.ledger(one), 20, "the ledger to forget the wish")
    show.wait_quiet([one])
    before, mark = show.stage.record(one), show.now()
    same_again(show, one, [show.stage.replay(one), show.stage.replay(one)])
    same_again(show, one, [show.stage.replay(one)])
    assert show.writes(since=mark) == []
    after = show.stage.record(one)
    looked = ("observed_at", "last_mediaconnect_sync", "execution_arn", "updated_at")
    strip = lambda record: record and {name: value for name, value in record.items() if name not in looked}  # noqa: E731
    assert strip(after) == strip(before)


@pytest.mark.parametrize("moment", ["CREATING", "STARTING", "STOPPING", "DELETING"])
def test_after_an_abort(show, moment):
    """An execution is stopped in the middle; a new one takes over and brings it to the same end."""
    one = show.put(desired_state="streaming")
    if moment in ("STOPPING", "DELETING"):
        show.wait_streaming(one)
        show.stage.update(one, desired_state="removed")
    show.wait_channel(one, moment)
    abort(show, one)
    same_again(show, one, [show.stage.replay(one)])
    made = ["CreateInput", "CreateChannel", "StartChannel"]
    if moment in ("CREATING", "STARTING"):
        show.wait_streaming(one)
        wanted = made
    else:
        show.stage.wait_gone(one)
        show.wait_quiet([one])
        wanted = [*made, "StopChannel", "DeleteChannel", "RemoveFlowOutput", "DeleteInput"]
    assert [call for call in show.writes(one) if call != "UpdateFlowOutput"] == wanted


def test_after_a_failure(show):
    """An execution that could not go on left its reason; a replay does not try what was refused."""
    show.stage.simulator.fault(operation="medialive:CreateChannel", kind="error_before", status=422, every=True)
    one = show.put(desired_state="streaming")
    show.wait_problem(one, "refused_by_aws")
    show.stage.wait_gone(one)
    show.wait_quiet([one])
    before, mark = show.wait_status(one, "error"), show.now()
    same_again(show, one, [show.stage.replay(one)])
    assert [call for call in show.calls(since=mark) if call["operation"] in ("CreateInput", "CreateChannel")] == []
    assert show.wait_status(one, "error")["problem"] == before["problem"]


def test_of_an_id_that_never_was(show):
    """An execution for nothing finds nothing to do."""
    one = show.new_id()
    same_again(show, one, [show.stage.replay(one)])
    assert show.writes() == [] and show.stage.record(one) is None
