"""MediaLive through stock boto3: answers, refusals, references, quotas."""

import pytest

from conftest import ACCOUNT, REGION, channel_body


def refused(client, name, operation, **arguments):
    """Calls an operation that must be refused with this exception of the client; its answer."""
    with pytest.raises(getattr(client.exceptions, name)) as caught:
        getattr(client, operation)(**arguments)
    return caught.value.response


def test_an_input_and_its_group(live, made):
    group = made.group()
    created = live.create_input(Name="a", Type="RTP_PUSH", InputSecurityGroups=[group], RequestId="r", Tags={"k": "v"})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    an_input = created["Input"]
    assert an_input["Arn"] == f"arn:aws:medialive:{REGION}:{ACCOUNT}:input:{an_input['Id']}"
    assert len(an_input["Id"]) == 7 and an_input["Id"].isdigit()
    assert an_input["InputClass"] == "STANDARD" and len(an_input["Destinations"]) == 2
    assert {each["Port"] for each in an_input["Destinations"]} == {"5000"}
    assert an_input["Destinations"][0]["Url"] == f"rtp://{an_input['Destinations'][0]['Ip']}:5000"
    assert an_input["SecurityGroups"] == [group] and an_input["Tags"] == {"k": "v"}
    described = live.describe_input(InputId=an_input["Id"])
    assert described["State"] == "DETACHED" and described["AttachedChannels"] == []
    group_now = live.describe_input_security_group(InputSecurityGroupId=group)
    assert group_now["State"] == "IN_USE" and group_now["Inputs"] == [an_input["Id"]]
    again = live.create_input(Name="a", Type="RTP_PUSH", InputSecurityGroups=[group], RequestId="r", Tags={"k": "v"})
    assert again["Input"]["Id"] == an_input["Id"]


def test_group_refusals(live, made):
    refusal = refused(live, "BadRequestException", "create_input_security_group", WhitelistRules=[])
    assert refusal["Error"]["Message"] == "Must specify at least one whitelist"
    group = made.group()
    made.input(group=group)
    refusal = refused(live, "BadRequestException", "delete_input_security_group", InputSecurityGroupId=group)
    assert "still being used by inputs" in refusal["Error"]["Message"]
    refused(live, "NotFoundException", "describe_input_security_group", InputSecurityGroupId="1")


def test_a_channel_and_what_it_answers(live, made):
    an_input = made.input()
    created = live.create_channel(**channel_body("a", an_input["Id"]))
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    channel = created["Channel"]
    assert channel["State"] == "CREATING" and channel["PipelinesRunningCount"] == 0
    assert channel["Arn"] == f"arn:aws:medialive:{REGION}:{ACCOUNT}:channel:{channel['Id']}"
    # AWS answers stream names as they are; whoever may describe a channel sees them.
    assert channel["Destinations"][0]["Settings"][0]["StreamName"] == "canary-contract-key"
    described = live.describe_channel(ChannelId=channel["Id"])
    assert described["EncoderSettings"]["VideoDescriptions"][0]["CodecSettings"]["H264Settings"]["Bitrate"] == 6000000
    # Members that nobody sent: a comparison with the answer never ends.
    assert described["Destinations"][0]["MediaPackageSettings"] == []
    listed = live.list_channels()["Channels"]
    assert [each["Id"] for each in listed] == [channel["Id"]] and "EncoderSettings" not in listed[0]
    assert live.describe_input(InputId=an_input["Id"])["AttachedChannels"] == [channel["Id"]]


def test_one_input_serves_one_channel(live, made):
    an_input = made.input()
    live.create_channel(**channel_body("a", an_input["Id"]))
    refusal = refused(live, "ConflictException", "create_channel", **channel_body("b", an_input["Id"]))
    assert refusal["Error"]["Message"] == f"inputId={an_input['Id']} is already attached"


def test_refusals_of_a_running_channel(live, made):
    channel = {"ChannelId": made.running_channel()["Id"]}
    refusal = refused(live, "ConflictException", "delete_channel", **channel)
    assert "Cannot delete a channel that has not been stopped yet" in refusal["Error"]["Message"]
    refused(live, "ConflictException", "start_channel", **channel)
    refused(live, "ConflictException", "update_channel", **channel, Name="b")
    refused(live, "ConflictException", "update_channel_class", **channel, ChannelClass="STANDARD")
    input_id = live.describe_channel(**channel)["InputAttachments"][0]["InputId"]
    refused(live, "ConflictException", "delete_input", InputId=input_id)
    refused(live, "ConflictException", "update_input", InputId=input_id, Name="b")
    restarted = live.restart_channel_pipelines(**channel, PipelineIds=["PIPELINE_0"])
    assert restarted["State"] == "RECOVERING"


def test_422_says_where(live, made):
    body = channel_body("a", made.input()["Id"])
    body["EncoderSettings"]["OutputGroups"][0]["Outputs"][0]["VideoDescriptionName"] = "other"
    refusal = refused(live, "UnprocessableEntityException", "create_channel", **body)
    # botocore spells the members as the wire does not: by the model's names.
    assert refusal["ValidationErrors"] == [{
        "ElementPath": "outputGroups[0].outputs[0].videoDescriptionName", "ErrorMessage": "there is no video description other",
    }, {
        "ElementPath": "outputGroups[0].outputs[0].videoDescriptionName", "ErrorMessage": "an RTMP output needs one H.264 video",
    }]
    body = channel_body("a", made.input("b")["Id"])
    body["Destinations"][0]["Settings"] = []
    refusal = refused(live, "BadRequestException", "create_channel", **body)
    assert "Exactly one of settings, MediaPackage settings, or Multiplex settings is required" in refusal["Error"]["Message"]
    body = channel_body("a", made.input("c")["Id"])
    body["RoleArn"] = f"arn:aws:iam::{ACCOUNT}:user/somebody"
    refusal = refused(live, "BadRequestException", "create_channel", **body)
    assert "Please make sure the role exists and medialive.amazonaws.com is a trusted service" in refusal["Error"]["Message"]


def test_start_while_creating_both_ways(simulator, live, made):
    simulator.control("times", {"channel_create": 600})
    for answer, name in (("400", "BadRequestException"), ("409", "ConflictException")):
        simulator.control("options", {"start_while_creating": answer})
        channel = live.create_channel(**channel_body(answer, made.input(answer)["Id"]))["Channel"]
        refused(live, name, "start_channel", ChannelId=channel["Id"])


@pytest.mark.parametrize("answer, name", [("403", "ForbiddenException"), ("400", "BadRequestException"), ("429", "TooManyRequestsException")])
def test_quotas(simulator, live, made, answer, name):
    simulator.control("options", {"over_quota": answer})
    simulator.control("quotas", {"push_inputs": 6})
    simulator.control("times", {"channel_delete": 600})
    group = made.group()
    inputs = [made.input(f"i{index}", group)["Id"] for index in range(6)]
    refused(live, name, "create_input", Name="seven", Type="RTP_PUSH", InputSecurityGroups=[group])
    channels = [live.create_channel(**channel_body(f"c{index}", inputs[index]))["Channel"] for index in range(5)]
    refused(live, name, "create_channel", **channel_body("six", inputs[5]))
    simulator.ahead(4)
    live.delete_channel(ChannelId=channels[0]["Id"])
    refused(live, name, "create_channel", **channel_body("six", inputs[5]))
    simulator.ahead(600)
    live.create_channel(**channel_body("six", inputs[5]))


def test_replays_of_request_ids_both_ways(simulator, live, made):
    body = channel_body("a", made.input()["Id"])
    first = live.create_channel(**body)["Channel"]["Id"]
    assert live.create_channel(**body)["Channel"]["Id"] == first
    body["Name"] = "b"
    assert live.create_channel(**body)["Channel"]["Name"] == "a"
    simulator.control("options", {"idempotent_replay": "conflict"})
    refused(live, "ConflictException", "create_channel", **body)


def test_read_after_write_lag(simulator, live, made):
    simulator.control("times", {"read_lag": 5})
    an_input = made.input()
    refused(live, "NotFoundException", "describe_input", InputId=an_input["Id"])
    assert live.list_inputs()["Inputs"] == []
    simulator.ahead(5)
    assert live.list_inputs()["Inputs"][0]["Id"] == an_input["Id"]


def test_deleted_lingers_and_then_is_unknown(simulator, live, made):
    channel = made.channel()
    live.delete_channel(ChannelId=channel["Id"])
    simulator.ahead(5)
    assert made.state(channel) == "DELETED"
    refused(live, "NotFoundException", "start_channel", ChannelId=channel["Id"])
    simulator.ahead(601)
    refused(live, "NotFoundException", "describe_channel", ChannelId=channel["Id"])


def test_pages(live, made):
    group = made.group()
    for index in range(5):
        made.input(f"i{index}", group)
    pages = live.get_paginator("list_inputs").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["Inputs"]) for page in pages] == [2, 2, 1]


def test_alerts(simulator, live, made):
    simulator.control("options", {"loss_alerts": "one"})
    channel = made.running_channel()
    simulator.ahead(1)
    alerts = live.list_alerts(ChannelId=channel["Id"])["Alerts"]
    assert [each["AlertType"] for each in alerts] == ["Stopped Receiving UDP Input"], "no flow feeds it"
    assert alerts[0]["State"] == "SET" and len(alerts[0]["Id"]) == 40 and alerts[0]["PipelineId"] == "0"
    live.stop_channel(ChannelId=channel["Id"])
    simulator.ahead(10)
    assert live.list_alerts(ChannelId=channel["Id"])["Alerts"] == []
    cleared = live.list_alerts(ChannelId=channel["Id"], StateFilter="CLEARED")["Alerts"]
    assert cleared[0]["ClearedTimestamp"] >= cleared[0]["SetTimestamp"]


def test_a_platform_that_refuses_and_one_that_closes(simulator, live, connect, made):
    channel = {"ChannelId": made.fed_channel()["Id"]}
    types = lambda state: [each["AlertType"] for each in live.list_alerts(**channel, StateFilter=state)["Alerts"]]
    assert types("ALL") == []
    simulator.control("by-hand", {"action": "drop_connection", "id": channel["ChannelId"]})
    assert types("SET") == ["Failed RTMP Connection"]
    simulator.ahead(16)
    assert types("SET") == [] and types("CLEARED") == ["Failed RTMP Connection"]
    simulator.control("platforms", {"ingest.example.com": "closes"})
    simulator.ahead(60)
    assert live.describe_channel(**channel)["State"] == "RUNNING" and types("ALL").count("Failed RTMP Connection") >= 3
    # A restart delay of 15 s, and ten tries 2 s apart; then the only output stops, and the channel.
    simulator.control("platforms", {"ingest.example.com": "refuses"})
    simulator.ahead(60)
    assert live.describe_channel(**channel)["State"] == "IDLE" and types("SET") == []


def test_thumbnails_need_a_picture(live, made):
    channel = {"ChannelId": made.running_channel()["Id"]}
    assert live.describe_thumbnails(**channel, PipelineId="0", ThumbnailType="CURRENT_ACTIVE")["ThumbnailDetails"] == []
    refused(live, "ConflictException", "describe_thumbnails", ChannelId=made.channel("b")["Id"], PipelineId="0", ThumbnailType="CURRENT_ACTIVE")


def test_throttling(live):
    seen = [_status(live.list_channels) for _ in range(90)]
    assert 429 in seen and seen.count(200) >= 40
    assert 429 in [_status(live.list_inputs) for _ in range(90)], "one bucket for the whole account"


def _status(call):
    from botocore.exceptions import ClientError
    try:
        return call()["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
