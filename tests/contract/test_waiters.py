"""Every waiter of the operations we use, as botocore ships it (API model: waiters): what it takes for
success, what for failure, and which state it keeps waiting in."""

import pytest
from botocore.exceptions import WaiterError

from conftest import OFTEN


def test_channel_created(live, made):
    channel = live.create_channel(**_body(made))["Channel"]
    assert channel["State"] == "CREATING"
    live.get_waiter("channel_created").wait(ChannelId=channel["Id"], WaiterConfig=OFTEN)
    assert made.state(channel) == "IDLE"


def test_channel_created_fails_on_create_failed(simulator, live, made):
    simulator.control("faults", {"operation": "medialive:CreateChannel", "kind": "create_failed"})
    channel = live.create_channel(**_body(made))["Channel"]
    with pytest.raises(WaiterError) as caught:
        live.get_waiter("channel_created").wait(ChannelId=channel["Id"], WaiterConfig=OFTEN)
    assert caught.value.last_response["State"] == "CREATE_FAILED"


def test_channel_running_and_stopped(live, made):
    channel = made.channel()
    live.start_channel(ChannelId=channel["Id"])
    live.get_waiter("channel_running").wait(ChannelId=channel["Id"], WaiterConfig=OFTEN)
    assert live.describe_channel(ChannelId=channel["Id"])["PipelinesRunningCount"] == 1
    live.stop_channel(ChannelId=channel["Id"])
    live.get_waiter("channel_stopped").wait(ChannelId=channel["Id"], WaiterConfig=OFTEN)
    assert made.state(channel) == "IDLE"


def test_channel_running_has_no_failure_when_the_start_falls_back(simulator, live, made):
    simulator.control("faults", {"operation": "medialive:StartChannel", "kind": "falls_back_to_idle"})
    channel = made.channel()
    live.start_channel(ChannelId=channel["Id"])
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        live.get_waiter("channel_running").wait(ChannelId=channel["Id"], WaiterConfig={"Delay": 0.1, "MaxAttempts": 12})
    assert made.state(channel) == "IDLE"


def test_waiters_try_again_after_500(simulator, live, made):
    channel = made.channel()
    live.start_channel(ChannelId=channel["Id"])
    simulator.control("faults", {"operation": "medialive:DescribeChannel", "kind": "error_before", "count": 3})
    live.get_waiter("channel_running").wait(ChannelId=channel["Id"], WaiterConfig=OFTEN)
    assert simulator.control("faults")[0]["fired"] == 3


def test_channel_deleted_input_detached_input_deleted(simulator, live, made):
    simulator.control("times", {"input_detach": 40})
    channel = made.channel()
    ids = {"InputId": channel["InputAttachments"][0]["InputId"]}
    live.get_waiter("input_attached").wait(**ids, WaiterConfig=OFTEN)
    live.delete_channel(ChannelId=channel["Id"])
    live.get_waiter("channel_deleted").wait(ChannelId=channel["Id"], WaiterConfig=OFTEN)
    live.get_waiter("channel_stopped").wait(ChannelId=channel["Id"], WaiterConfig=OFTEN)
    assert live.describe_input(**ids)["State"] == "ATTACHED"
    live.get_waiter("input_detached").wait(**ids, WaiterConfig=OFTEN)
    live.delete_input(**ids)
    live.get_waiter("input_deleted").wait(**ids, WaiterConfig=OFTEN)


def test_a_forgotten_thing_is_an_error_for_the_deleted_waiters(simulator, live, made):
    channel = made.channel()
    ids = {"InputId": channel["InputAttachments"][0]["InputId"]}
    live.delete_channel(ChannelId=channel["Id"])
    simulator.ahead(20)
    live.delete_input(**ids)
    simulator.ahead(700)
    for name, arguments in (("channel_deleted", {"ChannelId": channel["Id"]}), ("channel_stopped", {"ChannelId": channel["Id"]}),
                            ("input_deleted", ids)):
        with pytest.raises(WaiterError, match="NotFoundException|terminal failure"):
            live.get_waiter(name).wait(**arguments, WaiterConfig=OFTEN)


def test_flow_active_standby_deleted(connect, made):
    flow = {"FlowArn": made.flow()["FlowArn"]}
    connect.start_flow(**flow)
    connect.get_waiter("flow_active").wait(**flow, WaiterConfig=OFTEN)
    connect.stop_flow(**flow)
    connect.get_waiter("flow_standby").wait(**flow, WaiterConfig=OFTEN)
    connect.delete_flow(**flow)
    connect.get_waiter("flow_deleted").wait(**flow, WaiterConfig=OFTEN)


def test_flow_active_fails_on_standby(connect, made):
    with pytest.raises(WaiterError, match="terminal failure"):
        connect.get_waiter("flow_active").wait(FlowArn=made.flow()["FlowArn"], WaiterConfig=OFTEN)


def _body(made):
    from conftest import channel_body
    return channel_body("a", made.input("a")["Id"])
