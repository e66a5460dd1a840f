"""After a show: what a producer reads with a stock client, and what the report says is left.
"""

import json
import os
import subprocess
from datetime import datetime
from decimal import Decimal

from local import money, places
from test_clients import run


def sessions(stage, destination):
    """A destination's sessions and sums, by `aws dynamodb query`."""
    text = run(stage, "aws", "dynamodb", "query", "--table-name", stage.sessions_table, "--output", "json",
               "--key-condition-expression", "destination_id = :id",
               "--expression-attribute-values", json.dumps({":id": {"S": destination}}))
    rows = [{name: next(iter(value.values())) for name, value in item.items()} for item in json.loads(text)["Items"]]
    return ([row for row in rows if not row["started_at"].startswith("month#")],
            [row for row in rows if row["started_at"].startswith("month#")])


def report(stage):
    """What `make report` prints, asked as a person would."""
    environment = {"PATH": os.environ["PATH"], "HOME": stage.run_dir, "PYTHONPATH": places.ROOT, **stage.environment()}
    done = subprocess.run([places.tool("python"), "-m", "local.report"], cwd=places.ROOT, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_after_a_show_a_query_says_what_it_was_and_cost(show):
    stage = show.stage
    destination = show.put(desired_state="ready")
    record = stage.wait_for(destination, lambda record: record and "cost_usd_per_hour" in record)
    hour = json.loads(json.dumps(money.cost("hourly", "360p30")))
    assert Decimal(record["cost_usd_per_hour"]) == Decimal(hour["running_usd"]) + Decimal(hour["egress_usd"])
    assert record["cost_usd_per_start"] == hour["minimum_per_start_usd"]

    stage.update(destination, desired_state="streaming")
    show.wait_streaming(destination)
    stage.sweep()
    status = stage.record("status")
    line = next(line for line in status["resources"] if line["id"] == show.channel(destination)["id"])
    assert line["why"] == f"{destination} is to stream" and Decimal(line["usd_per_hour"]) > 0, line
    assert f"{destination} is to stream" in report(stage)

    stage.update(destination, desired_state="ready")
    show.wait_channel(destination, "IDLE")
    shown = stage.wait_until(lambda: sessions(stage, destination)[0], 30, "the session of a show that is over")
    assert len(shown) == 1
    session = shown[0]
    assert session["cause"] == "operator" and session["preset_id"] == "360p30" and session["url_type"] == "primary"
    assert int(session["billed_minutes"]) >= 10 and Decimal(session["running_usd"]) > 0
    began, ended = (datetime.fromisoformat(session[name].replace("Z", "+00:00")) for name in ("started_at", "stopped_at"))
    assert began < ended

    # When everything is gone, idle time at the end has been added to it, and the sums have been made.
    stage.delete(destination)
    show.wait_all_gone([destination])
    show.wait_quiet([destination])

    def summed():
        stage.sweep()
        rows, sums = sessions(stage, destination)
        return rows, sums if sums and Decimal(sums[0]["cost_usd"]) == Decimal(rows[0]["cost_usd"]) else None
    rows, sums = stage.wait_until(lambda: summed() if summed()[1] else None, 30, "the month to be the session")
    assert len(rows) == 1 and rows[0]["started_at"] == session["started_at"]
    assert Decimal(rows[0]["idle_usd"]) >= Decimal(session["idle_usd"])
    assert sums[0]["sessions"] == "1"
    everything = [row for row in sessions(stage, "all")[1] if row["started_at"] == sums[0]["started_at"]]
    assert everything and Decimal(everything[0]["cost_usd"]) >= Decimal(sums[0]["cost_usd"])
    told = report(stage)
    assert destination in told and "operator" in told, told
    assert show.channels(destination) == [] and destination not in json.dumps(stage.record("status")["resources"], default=str)
