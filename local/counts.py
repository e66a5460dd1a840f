"""Counts what a run cost in calls, transitions and invocations."""

import re
from collections import Counter

# A task counts once for each attempt: retries are billed too. Every other state counts when it is entered.
TRANSITION = re.compile(r"^(TaskScheduled|(?!Task)\w+StateEntered)$")
REPORT = re.compile(r"^REPORT .*Billed Duration: ([\d.]+) ms", re.DOTALL)


def transitions(stage, destination=None):
    """State transitions of the executions of one destination or of all: what Step Functions bills."""
    return sum(bool(TRANSITION.search(event["type"]))
               for run in stage.executions(destination) for event in stage.history(run["executionArn"]))


def invocations(stage):
    """(how often each worker ran, billed milliseconds of each), from the reports that Lambda logs."""
    logs, times, spent = stage.boto("logs"), Counter(), Counter()
    prefix = f"/aws/lambda/lunora-{stage.stack}-"
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
        for group in page["logGroups"]:
            worker = group["logGroupName"][len(prefix):]
            for events in logs.get_paginator("filter_log_events").paginate(
                    logGroupName=group["logGroupName"], filterPattern="REPORT"):
                for event in events["events"]:
                    found = REPORT.match(event["message"])
                    if found:
                        times[worker] += 1
                        spent[worker] += float(found.group(1))
    return times, spent


def calls(stage):
    """How often each operation of MediaLive and MediaConnect was called."""
    return Counter(stage.simulator.state()["calls"])
