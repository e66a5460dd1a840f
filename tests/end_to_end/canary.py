"""Listens wherever a stream key could slip out while a test runs: the bus, process arguments, the
table's stream. What is kept is searched afterwards, for the keys and for a marker that must be found.
"""

import json
import os
import threading

from local import leaks

QUEUE = "lunora-test-tap"


def forms(key):
    """A key as it is, encoded, and escaped as JSON text (once, and once more inside JSON text)."""
    escaped = json.dumps(key)[1:-1]
    plain = json.dumps(key, ensure_ascii=False)[1:-1]
    twice = json.dumps(escaped)[1:-1]
    return leaks.forms(key) | {each.encode() for each in (escaped, plain, twice) if len(each) >= 8}


class Taps:
    """Open while a test runs; `everything()` is all that could be seen, place by place."""

    def __init__(self, stage):
        self.stage = stage
        self.arguments, self.events = set(), []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._processes, daemon=True)]

    def __enter__(self):
        events, sqs = self.stage.boto("events"), self.stage.boto("sqs")
        self.queue = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name=QUEUE, EventPattern=json.dumps({"account": [self.stage.account]}))
        events.put_targets(Rule=QUEUE, Targets=[{"Id": "tap", "Arn": arn}])
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(10)
        events = self.stage.boto("events")
        events.remove_targets(Rule=QUEUE, Ids=["tap"])
        events.delete_rule(Name=QUEUE)
        self.stage.boto("sqs").delete_queue(QueueUrl=self.queue)

    def _processes(self):
        while not self._end.wait(0.05):
            for process in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{process}/cmdline", "rb") as file:
                        self.arguments.add(file.read())
                except OSError:
                    continue  # ended meanwhile

    def bus(self):
        """Every event that was on the bus until now."""
        sqs = self.stage.boto("sqs")
        while True:
            got = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
            if not got:
                return self.events
            for message in got:
                self.events.append(message["Body"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def stream(self):
        """Every record of the destinations table's stream."""
        client = self.stage.boto("dynamodbstreams")
        arn = client.list_streams(TableName=self.stage.destinations_table)["Streams"][0]["StreamArn"]
        records = []
        for shard in client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = client.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            while iterator:
                page = client.get_records(ShardIterator=iterator, Limit=1000)
                records += page["Records"]
                iterator = page.get("NextShardIterator") if page["Records"] else None
        return records

    def everything(self):
        """(place, content) of all that could be seen."""
        stage, text = self.stage, lambda value: json.dumps(value, default=str).encode()
        yield "the table destinations", text(stage.records())
        yield "the table ledger", text(stage.ledger_rows())
        yield "the table's stream", text(self.stream())
        yield "the bus", text(self.bus())
        yield "process arguments", b"\n".join(self.arguments)
        for run in stage.executions():
            yield "executions", text([run, stage.history(run["executionArn"])])
        logs = stage.boto("logs")
        for page in logs.get_paginator("describe_log_groups").paginate():
            for group in page["logGroups"]:
                for events in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
                    yield f"log {group['logGroupName']}", "\n".join(event["message"] for event in events["events"]).encode()
        for what in ("state", "bill", "calls"):
            yield f"the simulator's {what}", text(stage.simulator.get(what))
        for root, _, names in os.walk(stage.run_dir):
            for name in names:
                path = os.path.join(root, name)
                try:
                    with open(path, "rb") as file:
                        yield f"file {os.path.relpath(path, stage.run_dir)}", file.read()
                except OSError:
                    continue  # a file of a child that is gone by now, or a socket

    def search(self, keys, marker):
        """(places where a key was found, places where the marker was found)."""
        wanted = set().union(*(forms(key) for key in keys))
        found, seen = [], set()
        for place, content in self.everything():
            if any(form in content for form in wanted):
                found.append(place)
            if marker.encode() in content:
                seen.add(place)
        return found, seen
