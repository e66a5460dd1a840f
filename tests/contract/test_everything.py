"""Each operation that the simulator says it answers is called once by a stock client, and each that
it does not know is a loud error that names it."""

import json

import botocore.session
import pytest
from botocore.exceptions import ClientError

from conftest import ROOT, Simulator, channel_body, output, source

MODEL = json.loads((ROOT / "simulator" / "model" / "model.json").read_text())


def answered(service):
    """Names of the operations that are answered."""
    return {name for name, row in MODEL[service]["operations"].items() if row.get("answered")}


def test_every_medialive_operation(simulator, live, made):
    group = made.group()
    live.list_input_security_groups()
    live.update_input_security_group(InputSecurityGroupId=group, WhitelistRules=[{"Cidr": "192.0.2.0/24"}])
    live.describe_input_security_group(InputSecurityGroupId=group)
    input_id = made.input(group=group)["Id"]
    live.describe_input(InputId=input_id)
    live.list_inputs()
    live.update_input(InputId=input_id, Name="renamed")
    channel = live.create_channel(**channel_body("a", input_id))["Channel"]
    ids = {"ChannelId": channel["Id"]}
    simulator.ahead(4)
    live.describe_channel(**ids)
    live.list_channels()
    body = channel_body("b", input_id)
    for member in ("RequestId", "Tags", "ChannelClass"):
        body.pop(member)
    assert live.update_channel(**ids, **body)["Channel"]["State"] == "UPDATING"
    simulator.ahead(3)
    two = [{"Id": "rtmp1", "Settings": [{"Url": "rtmp://ingest.example.com/app", "StreamName": f"canary-{number}"} for number in (1, 2)]}]
    assert live.update_channel_class(**ids, ChannelClass="STANDARD", Destinations=two)["Channel"]["ChannelClass"] == "STANDARD"
    simulator.ahead(3)
    live.create_tags(ResourceArn=channel["Arn"], Tags={"more": "tags"})
    assert live.list_tags_for_resource(ResourceArn=channel["Arn"])["Tags"]["more"] == "tags"
    live.delete_tags(ResourceArn=channel["Arn"], TagKeys=["more"])
    live.start_channel(**ids)
    simulator.ahead(20)
    assert live.describe_channel(**ids)["PipelinesRunningCount"] == 2
    assert live.describe_thumbnails(**ids, PipelineId="0", ThumbnailType="CURRENT_ACTIVE")["ThumbnailDetails"] == []
    live.list_alerts(**ids)
    live.restart_channel_pipelines(**ids, PipelineIds=["PIPELINE_0"])
    simulator.ahead(20)
    live.stop_channel(**ids)
    simulator.ahead(10)
    assert live.batch_start(ChannelIds=[channel["Id"]])["Successful"][0]["State"] == "STARTING"
    simulator.ahead(20)
    assert live.batch_stop(ChannelIds=[channel["Id"], "1"])["Failed"][0]["Id"] == "1"
    simulator.ahead(10)
    live.delete_channel(**ids)
    simulator.ahead(10)
    assert live.batch_delete(ChannelIds=[channel["Id"]], InputIds=[input_id])["Failed"][0]["Id"] == channel["Id"]
    simulator.ahead(2)
    spare = made.input("spare", group)["Id"]
    live.delete_input(InputId=spare)
    simulator.ahead(2)
    live.delete_input_security_group(InputSecurityGroupId=group)
    assert called(simulator, "medialive") == answered("medialive")


def test_every_mediaconnect_operation(simulator, connect, made):
    failover = {"State": "ENABLED", "FailoverMode": "FAILOVER"}
    arn = made.flow(SourceFailoverConfig=failover)["FlowArn"]
    flow = {"FlowArn": arn}
    connect.describe_flow(**flow)
    connect.list_flows()
    assert connect.update_flow(**flow, SourceFailoverConfig=failover)["Flow"]["FlowArn"] == arn
    backup = connect.add_flow_sources(**flow, Sources=[source("backup", 9999)])["Sources"][0]["SourceArn"]
    connect.update_flow_source(**flow, SourceArn=backup, MinLatency=3000)
    connect.remove_flow_source(**flow, SourceArn=backup)
    added = connect.add_flow_outputs(**flow, Outputs=[output("a", "203.0.113.1")])["Outputs"][0]["OutputArn"]
    connect.update_flow_output(**flow, OutputArn=added, OutputStatus="DISABLED")
    connect.tag_resource(ResourceArn=added, Tags={"k": "v"})
    assert connect.list_tags_for_resource(ResourceArn=added)["Tags"] == {"k": "v"}
    connect.untag_resource(ResourceArn=added, TagKeys=["k"])
    connect.remove_flow_output(**flow, OutputArn=added)
    connect.start_flow(**flow)
    simulator.ahead(11)
    assert connect.describe_flow_source_metadata(**flow)["TransportMediaInfo"]["Programs"][0]["Streams"][0]["StreamType"] == "Video"
    connect.stop_flow(**flow)
    simulator.ahead(5)
    connect.delete_flow(**flow)
    assert called(simulator, "mediaconnect") == answered("mediaconnect")


def called(simulator, service):
    """What was called and taken."""
    return {call["operation"] for call in simulator.control("calls") if call["service"] == service and call["status"] < 300}


@pytest.mark.parametrize("service", ["medialive", "mediaconnect"])
def test_an_unknown_operation_is_loud(service):
    """All the others, each with some value for what it needs."""
    own = Simulator()
    client = own.client(service, parameter_validation=False)
    model = client.meta.service_model
    unknown = [name for name in model.operation_names if name not in answered(service)]
    assert len(unknown) > 30
    for name in unknown:
        arguments = {member: _any(shape) for member, shape in model.operation_model(name).input_shape.members.items()
                     if member in model.operation_model(name).input_shape.required_members}
        with pytest.raises(ClientError) as caught:
            getattr(client, botocore.xform_name(name))(**arguments)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501, name
        assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
        assert f"{service}:{name}" in caught.value.response["Error"]["Message"]
    assert f"NOT SIMULATED: the simulator does not answer {service}:{unknown[0]}" in own.stop()


def _any(shape):
    """Some value that fits."""
    if shape.type_name == "structure":
        return {name: _any(member) for name, member in shape.members.items() if name in shape.required_members}
    if shape.type_name == "list":
        return [_any(shape.member)]
    if shape.type_name == "map":
        return {}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-x-x:x"
    return {"boolean": True, "timestamp": 0}.get(shape.type_name, shape.metadata.get("min", 1))


def test_an_unsigned_call_is_refused(simulator):
    import urllib.error
    import urllib.request
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{simulator.address}/prod/channels", timeout=10)
    assert caught.value.code == 403 and "Missing Authentication Token" in caught.value.read().decode()
