"""The control endpoint: faults, clock, events to EventBridge, the bill, the page."""

import http.server
import json
import re
import threading
import time
import urllib.request
from decimal import Decimal

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ConnectionClosedError

from conftest import TIMES, Made, Simulator
from test_medialive import refused


@pytest.mark.parametrize("rule, name", [
    ({"kind": "error_before"}, "InternalServerErrorException"),
    ({"kind": "error_before", "status": 504}, "GatewayTimeoutException"),
    ({"kind": "throttle"}, "TooManyRequestsException"),
    ({"kind": "conflict", "message": "not now"}, "ConflictException"),
    ({"kind": "forbidden"}, "ForbiddenException"),
])
def test_a_fault_before_the_effect(simulator, live, made, rule, name):
    channel = made.channel()
    simulator.control("faults", {"operation": "medialive:StartChannel", **rule})
    refusal = refused(live, name, "start_channel", ChannelId=channel["Id"])
    assert rule.get("message", "") in refusal["Error"]["Message"]
    assert made.state(channel) == "IDLE" and simulator.control("faults")[0]["fired"] == 1
    live.start_channel(ChannelId=channel["Id"])


def test_an_answer_that_is_lost_after_the_effect(simulator, live, made):
    channel = made.channel()
    simulator.control("faults", {"operation": "medialive:StartChannel", "kind": "answer_lost"})
    with pytest.raises(ConnectionClosedError):
        live.start_channel(ChannelId=channel["Id"])
    assert made.state(channel) == "STARTING"


def test_an_answer_that_is_slow(simulator, live, made):
    channel = made.channel()
    simulator.control("faults", {"operation": "medialive:DescribeChannel", "kind": "slow", "seconds": 0.6})
    began = time.monotonic()
    made.state(channel)
    assert time.monotonic() - began >= 0.6


def test_stale_reads(simulator, live, made):
    channel = made.channel()
    live.start_channel(ChannelId=channel["Id"])
    simulator.control("faults", {"operation": "medialive:DescribeChannel", "kind": "stale"})
    assert [made.state(channel), made.state(channel)] == ["IDLE", "STARTING"]


def test_wrong_settings_are_refused_with_a_sentence(simulator):
    assert "unknown time" in simulator.refused("times", {"channel_strat": 3})
    assert "wrong_state must be one of" in simulator.refused("options", {"wrong_state": "maybe"})
    assert "unknown member" in simulator.refused("quotas", {"chanels": 3})
    assert "operation is written" in simulator.refused("faults", {"operation": "StartChannel", "kind": "slow"})
    assert "unknown action" in simulator.refused("by-hand", {"action": "dance", "id": "1"})
    assert "between 0 and 1" in simulator.refused("events", {"drop": 2})


def test_time_runs_as_fast_as_asked(simulator):
    before = simulator.control("clock")["now_ms"]
    simulator.ahead(3600)
    after = simulator.control("clock")["now_ms"]
    assert 3_600_000 <= after - before < 3_600_000 + 60_000
    assert simulator.control("clock", {"scale": 1})["scale"] == 1


def test_state_and_calls_without_stream_names(simulator, live, connect, made):
    flow = made.flow()["FlowArn"]
    channel = made.running_channel("studio")
    state = simulator.control("state")
    assert state["channels"][0]["state"] == "RUNNING" and state["channels"][0]["tags"] == {"lunora:destination": "studio"}
    assert state["inputs"][0]["attached_channels"] == [channel["Id"]]
    assert state["flows"][0]["arn"] == flow and state["calls"]["medialive:CreateChannel"] == 1
    calls = simulator.control("calls")
    assert {"service": "medialive", "operation": "StartChannel", "status": 200, "error": None,
            "resource": channel["Id"], "caller": "AKIDCONTRACT"}.items() <= next(
                call for call in calls if call["operation"] == "StartChannel").items()
    for what in ("state", "calls", "bill", "faults"):
        assert "canary" not in json.dumps(simulator.control(what))


def test_a_person_by_hand(simulator, live, made):
    channel = made.running_channel()
    simulator.control("by-hand", {"action": "stop_channel", "id": channel["Id"]})
    assert made.state(channel) == "STOPPING"
    simulator.ahead(10)
    simulator.control("by-hand", {"action": "delete_channel", "id": channel["Id"]})
    simulator.ahead(5)
    assert [each["id"] for each in simulator.control("state")["deleted"]] == [channel["Id"]]


def test_the_bill_adds_up(simulator, live, made):
    channel = made.running_channel("studio")
    simulator.ahead(30 * 60)
    live.stop_channel(ChannelId=channel["Id"])
    simulator.ahead(10)
    bill = simulator.control("bill")
    lines = {line["kind"]: line for line in bill["lines"] if line["kind"] in ("channel_input", "channel_output")}
    # 20 s of starting, 30 min on air, 10 s of stopping and what the test itself took: 31 minutes.
    assert lines["channel_output"]["minutes"] == 31 and lines["channel_input"]["minutes"] == 31
    assert Decimal(lines["channel_output"]["usd"]) == Decimal("0.217620")
    assert Decimal(lines["channel_input"]["usd"]) == Decimal("0.072540")
    assert lines["channel_output"]["destination"] == "studio" and not lines["channel_output"]["open"]
    assert sum(Decimal(line["usd"]) for line in bill["lines"]) == Decimal(bill["total_usd"])


def test_the_page_is_one_file(simulator):
    with urllib.request.urlopen(f"{simulator.address}/_simulator/", timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/html")
        page = answer.read().decode()
    assert "<title>" in page and not re.search(r"(src|href)=[\"']?(https?:)?//", page)


class Bus(http.server.BaseHTTPRequestHandler):
    """EventBridge as far as PutEvents goes."""

    entries, requests = [], []

    def do_POST(self):
        """Takes what is sent."""
        body = self.rfile.read(int(self.headers["content-length"]))
        Bus.requests.append((dict(self.headers), body))
        Bus.entries.extend(json.loads(body)["Entries"])
        answer = json.dumps({"FailedEntryCount": 0, "Entries": []}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def bus():
    """A PutEvents endpoint on loopback."""
    Bus.entries, Bus.requests = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bus)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_events_reach_eventbridge_signed(bus):
    environment = {"AWS_ACCESS_KEY_ID": "AKIDEVENTS", "AWS_SECRET_ACCESS_KEY": "canary-events-secret"}
    own = Simulator("--time-scale", "50", "--events", bus, "--event-source", "example.simulator", environment=environment)
    try:
        own.control("times", TIMES)
        made = Made(own, own.client("medialive"), own.client("mediaconnect"))
        made.running_channel()
        wait_for(lambda: any(json.loads(entry["Detail"]).get("state") == "RUNNING" for entry in Bus.entries))
    finally:
        own.stop()
    states = [json.loads(entry["Detail"])["state"] for entry in Bus.entries if entry["DetailType"] == "MediaLive Channel State Change"]
    assert states == ["CREATED", "STARTING", "RUNNING"]
    assert {entry["Source"] for entry in Bus.entries} == {"example.simulator"}
    assert all(entry["Resources"][0].startswith("arn:aws:medialive:") for entry in Bus.entries)
    headers, body = Bus.requests[0]
    headers = {name.lower(): value for name, value in headers.items()}
    assert headers["x-amz-target"] == "AWSEvents.PutEvents"
    check_signature(bus, headers, body)


def check_signature(endpoint, headers, body):
    """botocore signs the same request and must come to the same signature."""
    found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(AKIDEVENTS/\d{8}/us-west-2/events/aws4_request), "
                         r"SignedHeaders=([\w;-]+), Signature=(\w{64})", headers["authorization"])
    signed = {name: headers[name] for name in found.group(2).split(";")}
    request = AWSRequest("POST", endpoint + "/", headers=signed, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials("AKIDEVENTS", "canary-events-secret"), "events", "us-west-2")
    text = auth.string_to_sign(request, auth.canonical_request(request))
    assert auth.signature(text, request) == found.group(3)


def test_events_go_astray(bus):
    own = Simulator("--time-scale", "50", "--events", bus)
    try:
        own.control("times", TIMES)
        own.control("events", {"drop": 1})
        made = Made(own, own.client("medialive"), own.client("mediaconnect"))
        channel = made.running_channel()
        own.control("events", {"drop": 0, "duplicate": 1})
        made.live.stop_channel(ChannelId=channel["Id"])
        own.ahead(10)
        wait_for(lambda: sum('"STOPPED"' in entry["Detail"] for entry in Bus.entries) == 2)
        wait_for(lambda: own.control("state")["events"]["sent"] == len(Bus.entries))
    finally:
        own.stop()
    assert not any('"RUNNING"' in entry["Detail"] for entry in Bus.entries)


def wait_for(condition, seconds=10, often=0.02):
    """Until it is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(often)
