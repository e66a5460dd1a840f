"""The simulator as a child process, and stock boto3 clients that talk to it.

Every answer that a client gets in these tests is also held against botocore's own output shapes:
a member that the model does not know, or one of the wrong kind, fails the test.
"""

import json
import os
import pathlib
import subprocess
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

from again import Again

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION, ACCOUNT = "us-west-2", "123456789012"
SCALE = 50
# Simulated seconds, the same every time.
TIMES = {
    "law": "fixed", "channel_create": 4, "channel_start": 20, "channel_stop": 10, "channel_delete": 5, "channel_update": 3,
    "channel_recover": 20, "input_create": 0, "input_detach": 5, "input_delete": 2, "group_update": 0, "group_release": 0,
    "flow_start": 10, "flow_stop": 5, "flow_update": 0, "flow_delete": 3, "read_lag": 0, "deleted_lingers": 600,
    "flow_interrupt": 1, "flow_maintenance": 30, "source_notice": 1, "source_timeout": 5, "source_reconnect": 2, "peer_lag": 0,
}
# Waiters look often, so that the tests are quick; everything else about them is AWS's own.
OFTEN = {"Delay": 0.1, "MaxAttempts": 200}


class Simulator:
    """A running simulator and its control endpoint."""

    def __init__(self, *arguments, environment=None):
        program = os.environ.get("SIMULATOR_BIN") or str(ROOT / "target" / "local" / "simulator")
        line = [program, "--listen", "127.0.0.1:0", "--region", REGION, "--account", ACCOUNT, "--seed", "7", *arguments]
        self.process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, **(environment or {})})
        said = self.process.stdout.readline()
        assert said.startswith("listening on http://127.0.0.1:"), said + self.process.stderr.read()
        self.address = said.split()[-1]
        scale = arguments[arguments.index("--time-scale") + 1] if "--time-scale" in arguments else 1
        self.again = Again(program, seed=7, scale=int(scale))

    def stop(self):
        """Ends it as a supervisor would, and asks its core in process the same; gives back what it said on stderr."""
        self.process.terminate()
        _, said = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, said
        self.again.compare()
        return said

    def control(self, what, body=None, method=None):
        """One control call."""
        data = json.dumps(body).encode() if body is not None else None
        method = method or ("POST" if body is not None else "GET")
        request = urllib.request.Request(f"{self.address}/_simulator/{what}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.again.controlled(method, what, data, answer.headers)
            return json.load(answer)

    def refused(self, what, body):
        """A control call that must be refused: the sentence it gives."""
        with pytest.raises(urllib.error.HTTPError) as caught:
            self.control(what, body)
        return json.load(caught.value)["message"]

    def ahead(self, seconds):
        """Lets simulated time pass at once."""
        self.control("clock", {"advance_seconds": seconds})

    def client(self, service, **config):
        """A stock client whose answers are checked against the model. It never retries."""
        client = boto3.client(service, endpoint_url=self.address, region_name=REGION, aws_access_key_id="AKIDCONTRACT",
                              aws_secret_access_key="canary-secret",
                              config=Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=20, **config))
        client.meta.events.register(f"before-parse.{service}", check_shape)
        self.again.listen(client, service)
        return client


def check_shape(operation_model, response_dict, **_):
    """Holds a raw answer against the operation's output shape."""
    if response_dict["status_code"] >= 300 or not response_dict["body"]:
        return
    shape = operation_model.output_shape
    if shape is not None:
        walk(shape, json.loads(response_dict["body"]), operation_model.name)


KINDS = {"string": str, "integer": int, "long": int, "double": (int, float), "float": (int, float), "boolean": bool, "timestamp": str}


def walk(shape, value, path):
    """Complains about members that the model does not have, and about kinds."""
    if value is None:
        return
    if shape.type_name == "structure":
        assert isinstance(value, dict), path
        known = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        for key, child in value.items():
            assert key in known, f"{path}.{key} is not in AWS's model"
            walk(known[key], child, f"{path}.{key}")
        required = {shape.members[name].serialization.get("name", name) for name in shape.required_members}
        assert required <= set(value), f"{path} lacks {required - set(value)}"
    elif shape.type_name == "list":
        for index, child in enumerate(value):
            walk(shape.member, child, f"{path}[{index}]")
    elif shape.type_name == "map":
        for key, child in value.items():
            walk(shape.value, child, f"{path}.{key}")
    else:
        assert isinstance(value, KINDS[shape.type_name]), f"{path} is {value!r}"
        assert not getattr(shape, "enum", None) or value in shape.enum, f"{path} is {value!r}"


@pytest.fixture(scope="session")
def running():
    """One simulator for all tests of this process."""
    simulator = Simulator("--time-scale", str(SCALE))
    yield simulator
    simulator.stop()


@pytest.fixture
def simulator(running):
    """An empty account with exact times."""
    running.control("faults", method="DELETE")
    running.control("reset", {"options": True})
    running.control("times", TIMES)
    running.control("clock", {"scale": SCALE})
    return running


@pytest.fixture
def live(simulator):
    """A MediaLive client."""
    return simulator.client("medialive")


@pytest.fixture
def connect(simulator):
    """A MediaConnect client."""
    return simulator.client("mediaconnect")


@pytest.fixture
def made(simulator, live, connect):
    """Shortcuts for the things that most tests need."""
    return Made(simulator, live, connect)


class Made:
    """Makes flows, groups, inputs and channels."""

    def __init__(self, simulator, live, connect):
        self.simulator, self.live, self.connect = simulator, live, connect

    def group(self):
        """An input security group that lets every invented flow address in."""
        return self.live.create_input_security_group(WhitelistRules=[{"Cidr": "192.0.2.0/24"}])["SecurityGroup"]["Id"]

    def input(self, name="a", group=None, **more):
        """A push input."""
        return self.live.create_input(Name=name, Type="RTP_PUSH", InputSecurityGroups=[group or self.group()], **more)["Input"]

    def flow(self, **more):
        """A flow with one source."""
        return self.connect.create_flow(Name="main", Sources=[source("primary", 9998)], **more)["Flow"]

    def channel(self, name="a", input_id=None, **more):
        """A channel in IDLE."""
        body = {**channel_body(name, input_id or self.input(name)["Id"]), **more}
        channel = self.live.create_channel(**body)["Channel"]
        self.simulator.ahead(TIMES["channel_create"])
        return channel

    def two_sources(self, **config):
        """A flow that two encoders call, ACTIVE; its sources by name."""
        self.simulator.control("options", {"feed": "all"})
        config = {"State": "ENABLED", "FailoverMode": "FAILOVER", **config}
        flow = self.connect.create_flow(Name="main", Sources=[source("primary", 9998), source("backup", 9999)], SourceFailoverConfig=config)["Flow"]
        self.connect.start_flow(FlowArn=flow["FlowArn"])
        self.simulator.ahead(TIMES["flow_start"] + 1)
        return flow["FlowArn"], {each["Name"]: each["SourceArn"] for each in flow["Sources"]}

    def used(self):
        """The source that feeds the flow, which no call of AWS tells."""
        return [each["name"] for each in self.simulator.control("state")["flows"][0]["sources"] if each["used"]]

    def fed_channel(self, name="a"):
        """A channel in RUNNING that a flow feeds."""
        an_input = self.input(name)
        flow = self.flow()["FlowArn"]
        self.connect.add_flow_outputs(FlowArn=flow, Outputs=[output(name, an_input["Destinations"][0]["Ip"])])
        self.connect.start_flow(FlowArn=flow)
        channel = self.channel(name, an_input["Id"])
        self.live.start_channel(ChannelId=channel["Id"])
        self.simulator.ahead(TIMES["channel_start"] + 1)
        return channel

    def running_channel(self, name="a"):
        """A channel in RUNNING."""
        channel = self.channel(name)
        self.live.start_channel(ChannelId=channel["Id"])
        self.simulator.ahead(TIMES["channel_start"])
        return channel

    def state(self, channel):
        """What DescribeChannel says."""
        return self.live.describe_channel(ChannelId=channel["Id"])["State"]


def source(name, port):
    """An SRT listener."""
    return {"Name": name, "Protocol": "srt-listener", "IngestPort": port, "WhitelistCidr": "203.0.113.7/32", "MinLatency": 2000}


def output(name, destination, **more):
    """An output to a push input."""
    return {"Name": name, "Protocol": "rtp-fec", "Destination": destination, "Port": 5000, "SmoothingLatency": 0, **more}


def channel_body(name, input_id):
    """Everything CreateChannel needs for one RTMP output."""
    return {
        "Name": name, "ChannelClass": "SINGLE_PIPELINE", "LogLevel": "WARNING", "RequestId": f"{name}-{input_id}",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/MediaLiveAccessRole",
        "InputSpecification": {"Codec": "AVC", "Resolution": "HD", "MaximumBitrate": "MAX_10_MBPS"},
        "InputAttachments": [{"InputAttachmentName": "flow", "InputId": input_id, "InputSettings": {
            "SourceEndBehavior": "CONTINUE",
            "AudioSelectors": [{"Name": "default", "SelectorSettings": {"AudioTrackSelection": {"Tracks": [{"Track": 1}]}}}]}}],
        "Destinations": [{"Id": "rtmp1", "Settings": [
            {"Url": "rtmps://ingest.example.com:443/live2", "StreamName": "canary-contract-key"}]}],
        "EncoderSettings": {
            "TimecodeConfig": {"Source": "SYSTEMCLOCK"},
            "AudioDescriptions": [{"Name": "aac", "AudioSelectorName": "default", "CodecSettings": {"AacSettings": {
                "Bitrate": 128000, "CodingMode": "CODING_MODE_2_0", "SampleRate": 48000, "Profile": "LC", "RateControlMode": "CBR"}}}],
            "VideoDescriptions": [{"Name": "video", "Width": 1920, "Height": 1080, "CodecSettings": {"H264Settings": {
                "RateControlMode": "CBR", "Bitrate": 6000000, "BufSize": 12000000, "FramerateControl": "SPECIFIED",
                "FramerateNumerator": 30, "FramerateDenominator": 1, "GopSize": 2, "GopSizeUnits": "SECONDS",
                "GopNumBFrames": 2, "SceneChangeDetect": "DISABLED", "ScanType": "PROGRESSIVE"}}}],
            "OutputGroups": [{"Name": "rtmp", "OutputGroupSettings": {"RtmpGroupSettings": {
                "CacheLength": 30, "RestartDelay": 15, "InputLossAction": "EMIT_OUTPUT"}},
                "Outputs": [{"OutputName": "rtmp1", "VideoDescriptionName": "video", "AudioDescriptionNames": ["aac"],
                             "OutputSettings": {"RtmpOutputSettings": {
                                 "Destination": {"DestinationRefId": "rtmp1"}, "NumRetries": 10, "ConnectionRetryInterval": 2}}}]}]},
        "Tags": {"lunora:destination": name},
    }
