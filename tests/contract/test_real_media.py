"""Real feeds through the program: two encoders, one flow, one channel, and a platform that is not there."""

import base64
import json
import socket
import subprocess
import time

import pytest

from conftest import Made, Simulator, channel_body, output, source
from test_control import Bus, bus, wait_for  # noqa: F401 (a fixture)

SOON = {"law": "fixed", **{name: 0.1 for name in (
    "channel_create", "channel_start", "channel_stop", "channel_delete", "flow_start", "flow_stop", "flow_update", "input_create",
    "group_update", "peer_lag", "picture_alerts")}, "read_lag": 0}


def free_port():
    """A UDP port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Feed:
    """An encoder that calls a listener."""

    def __init__(self, port):
        line = ("ffmpeg -hide_banner -loglevel quiet -nostdin -re -f lavfi -i testsrc2=size=320x180:rate=30 -f lavfi -i sine=sample_rate=48000 "
                "-c:v libx264 -preset ultrafast -tune zerolatency -g 15 -b:v 600k -threads 1 -c:a aac -f mpegts "
                f"srt://127.0.0.1:{port}?mode=caller")
        self.process = subprocess.Popen(line.split(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def real(bus):  # noqa: F811
    """A simulator that moves video, in real time."""
    own = Simulator("--media", "ffmpeg", "--events", bus)
    own.control("times", SOON)
    yield Made(own, own.client("medialive"), own.client("mediaconnect"))
    # What real feeds do can not be asked again of the core alone.
    own.again.compare = lambda: None
    own.stop()


def told(kind, since=0):
    """Details of the events of one kind."""
    return [json.loads(entry["Detail"]) for entry in Bus.entries[since:] if entry["DetailType"] == kind]


def test_two_feeds_and_a_channel(real):
    simulator, connect, live = real.simulator, real.connect, real.live
    ports = [free_port(), free_port()]
    sources = [{**source(name, port), "MinLatency": 120} for name, port in zip(("primary", "backup"), ports)]
    failover = {"State": "ENABLED", "FailoverMode": "FAILOVER", "SourcePriority": {"PrimarySource": "primary"}}
    flow = connect.create_flow(Name="main", Sources=sources, SourceFailoverConfig=failover)["Flow"]
    an_input = real.input()
    connect.add_flow_outputs(FlowArn=flow["FlowArn"], Outputs=[output("a", an_input["Destinations"][0]["Ip"])])
    connect.start_flow(FlowArn=flow["FlowArn"])
    now = lambda: simulator.control("state")["flows"][0]

    with Feed(ports[0]), Feed(ports[1]):
        wait_for(lambda: all(each["connected"] and each.get("media", {}).get("bits_per_second", 0) > 100_000 for each in now()["sources"]), 30)
        wait_for(lambda: real.used() == ["primary"])
        assert connect.describe_flow_source_metadata(FlowArn=flow["FlowArn"])["TransportMediaInfo"]["Programs"]
        # The line of the first encoder is cut: noticed, switched and told within seconds.
        began, since = time.monotonic(), len(Bus.entries)
        simulator.control("by-hand", {"action": "cut_source", "id": flow["Sources"][0]["SourceArn"]})
        wait_for(lambda: any(each["current"]["failover_switch"] for each in told("MediaConnect Flow Health", since)))
        assert real.used() == ["backup"] and time.monotonic() - began < 5
        wait_for(lambda: any(each["current"]["state"] == "DISCONNECTED" for each in told("MediaConnect Source Health", since)))
        assert 500 <= now()["media"]["last_gap_ms"] < 3000
        simulator.control("by-hand", {"action": "restore_source", "id": flow["Sources"][0]["SourceArn"]})
        wait_for(lambda: real.used() == ["primary"])

        # A channel whose platform is not there: the alert comes, the picture can be seen.
        body = channel_body("a", an_input["Id"])
        body["Destinations"][0]["Settings"] = [{"Url": f"rtmp://127.0.0.1:{free_port()}/app", "StreamName": "canary-contract-key"}]
        body["EncoderSettings"]["ThumbnailConfiguration"] = {"State": "AUTO"}
        body["EncoderSettings"]["VideoDescriptions"][0].update({"Width": 320, "Height": 180})
        body["EncoderSettings"]["VideoDescriptions"][0]["CodecSettings"]["H264Settings"].update({"Bitrate": 300_000, "BufSize": 600_000})
        channel = {"ChannelId": live.create_channel(**body)["Channel"]["Id"]}
        live.get_waiter("channel_created").wait(**channel, WaiterConfig={"Delay": 0.2, "MaxAttempts": 50})
        live.start_channel(**channel)
        alerts = lambda: simulator.control("state")["channels"][0]["alerts"]
        wait_for(lambda: "Failed RTMP Connection" in alerts(), 20)
        assert [each["AlertType"] for each in live.list_alerts(**channel)["Alerts"]] == ["Failed RTMP Connection"]
        # A few seconds after the first call (and AWS counts the calls) there is a picture.
        shown = lambda: live.describe_thumbnails(**channel, PipelineId="0", ThumbnailType="CURRENT_ACTIVE")["ThumbnailDetails"]
        wait_for(shown, 20, often=0.5)
        picture = shown()[0]["Thumbnails"][0]
        assert picture["ContentType"] == "image/jpeg" and base64.b64decode(picture["Body"])[:2] == b"\xff\xd8"

    # Both encoders are gone.
    wait_for(lambda: "Stopped Receiving UDP Input" in alerts(), 20)
    # AWS's words for a refused connection name the address whole; nothing else does.
    assert {entry["DetailType"] for entry in Bus.entries if "canary" in entry["Detail"]} == {"MediaLive Channel Alert"}
