"""A test's view of its stage: destinations with a life of their own, and AWS's books about them.

What is asserted is read from the simulator's books (what exists, what was called), which share
no code with Lunora, and from the record as its operator sees it.
"""

import hashlib
import json
import re
import time
from datetime import datetime

from local.stage import PREFIX

# Real seconds: long enough to look at a stopped destination before it is removed.
GRACE = 5
ON_AIR = ("STARTING", "RUNNING", "RECOVERING")
LOOKS = ("Describe", "List", "Get")


class Show:
    """One test's destinations on a stage."""

    def __init__(self, stage, name):
        self.stage, self.ids, self.count = stage, [], 0
        # The same test twice on one stage must not meet its own past.
        self.label = re.sub(r"[^a-z0-9]+", "-", name.lower())[:18].strip("-")
        self.mark = hashlib.sha256(f"{name} {time.time_ns()}".encode()).hexdigest()[:6]
        self.began = self.now()

    # ------------------------------------------------------------------ destinations

    def new_id(self):
        """An id that nobody has used."""
        self.count += 1
        destination_id = f"{self.label}-{self.mark}-{self.count}"
        self.ids.append(destination_id)
        return destination_id

    def record(self, destination_id, **attributes):
        """A valid record with a key of its own; given attributes replace or, if None, drop the usual ones."""
        usual = {"name": "Test", "platform": "custom", "rtmp_url": f"rtmps://live.example.com/{destination_id}",
                 "stream_key_param": f"{PREFIX}/{destination_id}", "preset_id": "360p30"}
        return {name: value for name, value in {**usual, **attributes}.items() if value is not None}

    def put(self, destination_id=None, **attributes):
        """Puts the key and the record; gives back the id."""
        destination_id = destination_id or self.new_id()
        if destination_id not in self.ids:
            self.ids.append(destination_id)
        self.stage.put_key(destination_id, f"canary-{destination_id}-key")
        self.stage.put(destination_id, **self.record(destination_id, **attributes))
        return destination_id

    def streaming(self, **attributes):
        """A destination on the air."""
        destination_id = self.put(desired_state="streaming", **attributes)
        self.wait_streaming(destination_id)
        return destination_id

    def clear(self):
        """Removes all of this test's destinations and waits until AWS holds nothing of them."""
        for destination_id in self.ids:
            self.stage.delete(destination_id)
        self.wait_all_gone(self.ids)
        self.wait_quiet(self.ids)

    # ------------------------------------------------------------------ what AWS's books say

    def name(self, destination_id):
        """The name of everything made for a destination."""
        return f"lunora-{self.stage.stack}-{destination_id}"

    def channels(self, destination_id):
        """The channels of a destination that exist."""
        return [each for each in self.stage.simulator.state()["channels"]
                if each["name"] == self.name(destination_id) and each["state"] != "DELETED"]

    def inputs(self, destination_id):
        """The inputs of a destination that exist."""
        return [each for each in self.stage.simulator.state()["inputs"]
                if each["name"] == self.name(destination_id) and each["state"] != "DELETED"]

    def outputs(self, destination_id):
        """The flow outputs of a destination."""
        return [each for flow in self.stage.simulator.state()["flows"] for each in flow["outputs"]
                if each["name"] == self.name(destination_id)]

    def channel(self, destination_id):
        """The one channel of a destination."""
        found = self.channels(destination_id)
        assert len(found) == 1, f"{destination_id} has {len(found)} channels: {found}"
        return found[0]

    def whole(self, destination_id, state="RUNNING"):
        """Asserts that exactly one input, flow output and channel exist and fit together; gives the channel."""
        channel, inputs, outputs = self.channel(destination_id), self.inputs(destination_id), self.outputs(destination_id)
        assert channel["state"] == state, channel
        assert len(inputs) == 1 and len(outputs) == 1, (inputs, outputs)
        assert channel["input_ids"] == [inputs[0]["id"]], (channel, inputs)
        assert outputs[0]["destination"] in json.dumps(inputs[0]["destinations"]), (outputs, inputs)
        assert outputs[0]["status"] == ("ENABLED" if state in ON_AIR else "DISABLED"), outputs
        return channel

    def now(self):
        """The simulated time: a mark from which calls are counted."""
        return self.stage.simulator.state()["now"]

    def calls(self, destination_id=None, since=None):
        """Calls of the AWS API since a mark, of one destination's things or of all.

        AddFlowOutputs is about the flow, so it is never one destination's."""
        calls = [call for call in self.stage.simulator.calls() if call["at"] >= (since or self.began)]
        if destination_id is None:
            return calls
        state, name = self.stage.simulator.state(), self.name(destination_id)
        ids = {each["id"] for kind in ("channels", "inputs", "deleted") for each in state[kind] if each.get("name") == name}
        return [call for call in calls
                if call.get("resource") and (call["resource"] in ids or call["resource"].endswith(f":{name}"))]

    def writes(self, destination_id=None, since=None, by_hand=False):
        """Names of the calls that changed something, in order; what a person did only if asked for."""
        return [call["operation"] for call in self.calls(destination_id, since)
                if not call["operation"].startswith(LOOKS) and call["status"] < 300
                and (by_hand or call["caller"] != "by-hand")]

    def never_two(self, destination_id):
        """Asserts that the calls made and unmade one channel at a time, and one input at a time."""
        done = self.writes(destination_id, by_hand=True)
        for kind in ("Channel", "Input"):
            alive = 0
            for operation in done:
                alive += (operation == f"Create{kind}") - (operation == f"Delete{kind}")
                assert alive <= 1, f"two of kind {kind}: {done}"

    def made_channels(self, destination_id):
        """How many channels a destination has ever had."""
        state = self.stage.simulator.state()
        name = self.name(destination_id)
        return len({each["id"] for each in state["channels"] + state["deleted"]
                    if each.get("kind") == "channel" and each.get("name") == name})

    def target_url(self, destination_id):
        """Where the destination's channel pushes to, as MediaLive answers it."""
        channel = self.stage.boto("medialive").describe_channel(ChannelId=self.channel(destination_id)["id"])
        return channel["Destinations"][0]["Settings"][0]["Url"]

    def size(self, destination_id):
        """The picture's height, as MediaLive answers it."""
        channel = self.stage.boto("medialive").describe_channel(ChannelId=self.channel(destination_id)["id"])
        return channel["EncoderSettings"]["VideoDescriptions"][0]["Height"]

    def by_hand(self, action, thing_id):
        """What a person does in the console."""
        return self.stage.simulator.post("by-hand", {"action": action, "id": thing_id})

    # ------------------------------------------------------------------ waiting

    def wait_status(self, destination_id, status, timeout=40):
        """Waits for the record to show a status."""
        return self.stage.wait_for(destination_id, status, timeout)

    def wait_problem(self, destination_id, code, timeout=40):
        """Waits for the record to show a problem (None: to show none), and looks at its form."""
        def shown(record):
            return bool(record) and "streaming_status" in record and (record.get("problem") or {}).get("code") == code
        record = self.stage.wait_for(destination_id, shown, timeout)
        if code is not None:
            problem = record["problem"]
            assert set(problem) == {"code", "message", "advice", "since"}, problem
            assert problem["message"].endswith(".") and len(problem["advice"]) > 30, problem
        return record

    def wait_channel(self, destination_id, state, timeout=40):
        """Waits until the destination's one channel is in a state."""
        wanted = (state,) if isinstance(state, str) else state
        return self.stage.wait_until(
            lambda: next((each for each in self.channels(destination_id) if each["state"] in wanted), None),
            timeout, f"a channel of {destination_id} that is {' or '.join(wanted)}; there is {self.channels(destination_id)}")

    def wait_streaming(self, destination_id, timeout=40):
        """Waits until it is on the air and everything about it rests; gives the channel."""
        self.wait_status(destination_id, "streaming", timeout)
        self.wait_quiet([destination_id])
        return self.whole(destination_id)

    def wait_quiet(self, ids, timeout=40):
        """Waits until no execution is at work on these destinations."""
        def quiet():
            return not self.running(ids)
        self.stage.wait_until(quiet, timeout, f"no execution to be at work on {ids}")

    def end_grace(self, destination_id):
        """Waits for the end of a stopped destination's grace time and runs the sweep."""
        def over():
            until = (self.stage.ledger(destination_id) or {}).get("grace_until")
            return until is None or time.time() > datetime.fromisoformat(until.replace("Z", "+00:00")).timestamp()
        self.stage.wait_until(over, GRACE + 5, f"the grace time of {destination_id} to end")
        return self.stage.sweep()

    def wait_all_gone(self, ids, timeout=90):
        """Waits until AWS holds nothing of these destinations. A grace time ends by the sweep."""
        swept = [time.monotonic()]

        def gone():
            # What an event has not brought about after a while is the sweep's work.
            if time.monotonic() - swept[0] > 4:
                swept[0] = time.monotonic()
                self.stage.sweep()
            state = json.dumps([self.stage.simulator.state()[kind] for kind in ("channels", "inputs", "flows")])
            return not any(f'"{self.name(each)}"' in state for each in ids)
        self.stage.wait_until(gone, timeout, f"nothing of {ids} to be left")

    def running(self, ids):
        """The running executions of some destinations."""
        client = self.stage.boto("stepfunctions")
        pages = client.get_paginator("list_executions").paginate(
            stateMachineArn=self.stage.state_machine_arn, statusFilter="RUNNING")
        arns = [run["executionArn"] for page in pages for run in page["executions"]]
        inputs = [json.loads(client.describe_execution(executionArn=arn).get("input") or "{}") for arn in arns]
        return [arn for arn, given in zip(arns, inputs) if given.get("destination_id") in ids]

    # ------------------------------------------------------------------ for the reader of a failure

    def path(self, execution_arn):
        """The states an execution went through, with the errors on its way."""
        steps = []
        for event in self.stage.history(execution_arn):
            if event["type"].endswith("StateEntered"):
                steps.append(event["stateEnteredEventDetails"]["name"])
            for detail in event.values():
                if isinstance(detail, dict) and detail.get("error"):
                    steps.append(f"!{detail['error']} {str(detail.get('cause'))[:160]}")
        return " > ".join(steps)

    def tell(self):
        """Record, ledger row, AWS's books and executions of each destination of the test."""
        text = []
        for each in self.ids:
            text.append(f"=== {each}")
            text.append(f"record  {json.dumps(self.stage.record(each), default=str, sort_keys=True)}")
            text.append(f"ledger  {json.dumps(self.stage.ledger(each), default=str, sort_keys=True)}")
            for kind, found in (("channel", self.channels(each)), ("input", self.inputs(each)), ("output", self.outputs(each))):
                text += [f"{kind}  {json.dumps(one)}" for one in found]
            for run in sorted(self.stage.executions(each), key=lambda run: run["startDate"]):
                text.append(f"{run['startDate']:%H:%M:%S.%f} {run['status']} {run['name'][-30:]}: {self.path(run['executionArn'])}")
        text.append("=== calls that changed something, or failed")
        text += [f"{call['at']} {call['operation']} {call['status']} {call.get('error') or ''} {call.get('resource') or ''}"
                 for call in self.calls()
                 if not call["operation"].startswith(LOOKS) or call["status"] >= 300][-80:]
        return "\n".join(text)
