"""Things planted beside Lunora's own: orphans that must go, and look-alikes that nobody may touch.

Channels are copies of a real one's settings, so that they are as good as any.
"""

import json

COPIED = ("ChannelClass", "EncoderSettings", "InputSpecification", "LogLevel", "RoleArn")


class Planter:
    """Makes inputs, channels and flow outputs by hand, with any name and any tags."""

    def __init__(self, stage, model_channel_id):
        self.stage = stage
        self.live, self.connect = stage.boto("medialive"), stage.boto("mediaconnect")
        channel = self.live.describe_channel(ChannelId=model_channel_id)
        self.body = {name: channel[name] for name in COPIED if channel.get(name)}
        self.attachment = channel["InputAttachments"][0]
        self.destination = {**channel["Destinations"][0], "MediaPackageSettings": [], "Settings": [
            {"Url": "rtmps://live.example.com/planted", "StreamName": "planted"}]}
        self.destination = {name: value for name, value in self.destination.items() if value}
        self.count = 0

    def input(self, name, tags):
        """An input of its own; gives its id."""
        return self.live.create_input(Name=name, Type="RTP_PUSH", InputSecurityGroups=[self.stage.security_group],
                                      Tags=tags)["Input"]["Id"]

    def channel(self, name, tags, input_name=None, input_tags=None, running=False):
        """A channel with an input; gives both ids. The input is named and tagged like the channel unless said otherwise."""
        input_id = self.input(input_name or name, tags if input_tags is None else input_tags)
        channel_id = self.live.create_channel(
            Name=name, Tags=tags, Destinations=[self.destination],
            InputAttachments=[{**self.attachment, "InputId": input_id}], **self.body)["Channel"]["Id"]
        if running:
            self.wait(channel_id, "IDLE")
            self.live.start_channel(ChannelId=channel_id)
            self.wait(channel_id, "RUNNING")
        return channel_id, input_id

    def wait(self, channel_id, state):
        """Waits for a channel's state."""
        self.stage.wait_until(lambda: self.live.describe_channel(ChannelId=channel_id)["State"] == state, 30,
                              f"channel {channel_id} to be {state}")

    def output(self, name, tags):
        """An output on the stage's flow; gives its ARN."""
        self.count += 1
        self.stage.wait_until(lambda: self.connect.describe_flow(FlowArn=self.stage.flow_arn)["Flow"]["Status"]
                              in ("ACTIVE", "STANDBY"), 20, "the flow to take an output")
        added = self.connect.add_flow_outputs(FlowArn=self.stage.flow_arn, Outputs=[{
            "Name": name, "Protocol": "rtp-fec", "Destination": f"192.0.2.{100 + self.count}", "Port": 5000,
            "OutputStatus": "DISABLED", "OutputTags": tags}])
        return added["Outputs"][0]["OutputArn"]


def things(stage, ids):
    """What the simulator says of some things, each as one comparable text."""
    state = stage.simulator.state()
    found = {each["id"]: each for kind in ("inputs", "channels", "security_groups") for each in state[kind]}
    found.update({each["arn"]: each for flow in state["flows"] for each in flow["outputs"]})
    # Whether packets arrive, and who stands behind a security group, is no state of the thing.
    return {each: json.dumps({name: value for name, value in found[each].items() if name not in ("media", "health", "alerts", "inputs")},
                             sort_keys=True)
            for each in ids if each in found}
