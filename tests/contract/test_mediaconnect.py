"""MediaConnect through stock boto3. It models no 409: everything that is refused is a 400, over
quota is 420 with a name of its own."""

import pytest

from conftest import ACCOUNT, REGION, output, source
from test_medialive import refused


def test_a_flow_and_its_parts(connect, made):
    created = made.flow(FlowTags={"k": "v"})
    arn = created["FlowArn"]
    assert arn.startswith(f"arn:aws:mediaconnect:{REGION}:{ACCOUNT}:flow:1-") and arn.endswith(":main")
    assert created["Status"] == "STANDBY" and created["Sources"][0]["IngestPort"] == 9998
    assert created["Sources"][0]["Transport"] == {"Protocol": "srt-listener", "MinLatency": 2000}
    answer = connect.add_flow_outputs(FlowArn=arn, Outputs=[output("a", "203.0.113.1", OutputTags={"o": "p"})])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    added = answer["Outputs"][0]
    assert ":output:1-" in added["OutputArn"] and added["OutputStatus"] == "ENABLED"
    assert connect.list_tags_for_resource(ResourceArn=added["OutputArn"])["Tags"] == {"o": "p"}
    assert connect.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"k": "v"}
    changed = connect.update_flow_output(FlowArn=arn, OutputArn=added["OutputArn"], OutputStatus="DISABLED")
    assert changed["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert changed["Output"]["OutputStatus"] == "DISABLED" and changed["Output"]["Port"] == 5000, "a merge patch"
    flow = connect.describe_flow(FlowArn=arn)["Flow"]
    assert flow["EgressIp"].startswith("192.0.2.") and len(flow["Outputs"]) == 1
    assert connect.remove_flow_output(FlowArn=arn, OutputArn=added["OutputArn"])["OutputArn"] == added["OutputArn"]
    assert connect.describe_flow(FlowArn=arn)["Flow"]["Outputs"] == []
    assert [each["FlowArn"] for each in connect.list_flows()["Flows"]] == [arn]


@pytest.mark.parametrize("why, wrong", [
    ("name used twice", output("a", "203.0.113.9")),
    ("destination used twice", output("b", "203.0.113.1")),
    ("FEC ports overlap", {**output("c", "203.0.113.1"), "Port": 5002}),
    ("no port", {"Name": "d", "Protocol": "rtp-fec", "Destination": "203.0.113.3"}),
    ("no IP address", {"Name": "e", "Protocol": "rtp-fec", "Destination": "host.example.com", "Port": 5000}),
])
def test_outputs_refused_with_400(connect, made, why, wrong):
    arn = made.flow()["FlowArn"]
    connect.add_flow_outputs(FlowArn=arn, Outputs=[output("a", "203.0.113.1")])
    refused(connect, "BadRequestException", "add_flow_outputs", FlowArn=arn, Outputs=[wrong])
    assert len(connect.describe_flow(FlowArn=arn)["Flow"]["Outputs"]) == 1, why


def test_wrong_status_is_400_and_unknown_is_404(simulator, connect, made):
    arn = made.flow()["FlowArn"]
    refused(connect, "BadRequestException", "stop_flow", FlowArn=arn)
    assert connect.start_flow(FlowArn=arn)["Status"] == "STARTING"
    refused(connect, "BadRequestException", "start_flow", FlowArn=arn)
    refused(connect, "BadRequestException", "add_flow_outputs", FlowArn=arn, Outputs=[output("a", "203.0.113.1")])
    simulator.ahead(10)
    refused(connect, "BadRequestException", "delete_flow", FlowArn=arn)
    unknown = arn.replace("flow:1-", "flow:1-0")
    for operation in ("describe_flow", "start_flow", "stop_flow", "delete_flow"):
        refused(connect, "NotFoundException", operation, FlowArn=unknown)
    refused(connect, "NotFoundException", "remove_flow_output", FlowArn=arn, OutputArn=arn.replace(":flow:", ":output:"))


def test_an_active_flow_is_updating_for_a_moment(simulator, connect, made):
    arn = made.flow()["FlowArn"]
    connect.start_flow(FlowArn=arn)
    simulator.ahead(10)
    simulator.control("times", {"flow_update": 30})
    connect.add_flow_outputs(FlowArn=arn, Outputs=[output("a", "203.0.113.1")])
    assert connect.describe_flow(FlowArn=arn)["Flow"]["Status"] == "UPDATING"
    refused(connect, "BadRequestException", "add_flow_outputs", FlowArn=arn, Outputs=[output("b", "203.0.113.2")])
    simulator.control("options", {"flow_busy": "ok"})
    connect.add_flow_outputs(FlowArn=arn, Outputs=[output("b", "203.0.113.2")])
    simulator.ahead(30)
    assert connect.describe_flow(FlowArn=arn)["Flow"]["Status"] == "ACTIVE"


def test_quotas_are_420(simulator, connect, made):
    arn = made.flow()["FlowArn"]
    simulator.control("quotas", {"flow_outputs": 2, "flows": 1})
    three = [output(f"o{last}", f"203.0.113.{last}") for last in (1, 2, 3)]
    refusal = refused(connect, "AddFlowOutputs420Exception", "add_flow_outputs", FlowArn=arn, Outputs=three)
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 420
    connect.add_flow_outputs(FlowArn=arn, Outputs=three[:2])
    refused(connect, "CreateFlow420Exception", "create_flow", Name="two")


def test_sources_and_failover(connect):
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:srt"
    with_algorithm = {"KeyType": "srt-password", "RoleArn": role, "SecretArn": secret, "Algorithm": "aes128"}
    refused(connect, "BadRequestException", "create_flow", Name="f", Sources=[{**source("primary", 9998), "Decryption": with_algorithm}])
    both = [source("primary", 9998), source("backup", 9999)]
    merge = {"State": "ENABLED", "FailoverMode": "MERGE"}
    refused(connect, "BadRequestException", "create_flow", Name="f", Sources=both, SourceFailoverConfig=merge)
    failover = {"State": "ENABLED", "FailoverMode": "FAILOVER", "SourcePriority": {"PrimarySource": "primary"}}
    flow = connect.create_flow(Name="f", Sources=both, SourceFailoverConfig=failover)["Flow"]
    assert flow["SourceFailoverConfig"] == failover
    refused(connect, "BadRequestException", "add_flow_sources", FlowArn=flow["FlowArn"], Sources=[source("third", 9997)])
    backup = flow["Sources"][1]["SourceArn"]
    changed = connect.update_flow_source(FlowArn=flow["FlowArn"], SourceArn=backup, WhitelistCidr="203.0.113.9/32")
    assert changed["Source"]["WhitelistCidr"] == "203.0.113.9/32"
    connect.remove_flow_source(FlowArn=flow["FlowArn"], SourceArn=backup)
    refused(connect, "BadRequestException", "remove_flow_source", FlowArn=flow["FlowArn"], SourceArn=flow["Sources"][0]["SourceArn"])


def test_describes_have_a_bucket_of_their_own(simulator, connect, made):
    arn = made.flow()["FlowArn"]
    simulator.control("clock", {"scale": 1})
    names = [f"o{last}" for last in range(60)]
    statuses = [_adds(connect, arn, name, last + 1) for last, name in enumerate(names)]
    assert statuses.count(201) >= 29 and 429 in statuses
    assert connect.describe_flow(FlowArn=arn)["Flow"]["FlowArn"] == arn


def _adds(connect, arn, name, last):
    from botocore.exceptions import ClientError
    try:
        answer = connect.add_flow_outputs(FlowArn=arn, Outputs=[output(name, f"203.0.113.{last}")])
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    return answer["ResponseMetadata"]["HTTPStatusCode"]
