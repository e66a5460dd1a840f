"""Money: the simulator's bill, the cost model's opinion of the same periods, and whether they agree.

The simulator has a price list and a billing clock of its own; the cost model is Lunora's. Both are
asked for the same stretches of time and compared to the cent, line by line. Amounts are decimals.
"""

import json
import subprocess
from collections import defaultdict
from decimal import Decimal

from local import places

CENT = Decimal("0.01")


def cost(*arguments, question=None):
    """Asks the cost model."""
    done = subprocess.run([places.built("cost"), *arguments], capture_output=True, check=False,
                          input=json.dumps(question).encode() if question is not None else None,
                          stdin=None if question is not None else subprocess.DEVNULL)
    if done.returncode:
        raise AssertionError(f"the cost model refuses: {done.stderr.decode().strip()}")
    return json.loads(done.stdout)


def periods(bill, encodes):
    """The stretches of time that the simulator billed, as the cost model wants them.

    `encodes`: destination -> what its channel encoded (`{"preset": "360p30"}`).
    A started channel is two lines of the bill (its input and its output) and one period."""
    found = []
    for line in bill["lines"]:
        kind = line["kind"]
        period = {"resource": line["resource"], "from": line["from"], "to": line["to"]}
        if line.get("destination"):
            period["destination"] = line["destination"]
        if kind == "channel_input":
            continue  # the cost model makes it from the running period
        if kind == "channel_output":
            encode = encodes.get(line.get("destination"))
            if encode is None:
                continue
            found.append({**period, "kind": "running", **encode})
        elif kind == "egress":
            found.append({**period, "kind": "egress", "bytes": line["bytes"]})
        else:
            found.append({**period, "kind": kind})
    return found


def by_kind(lines):
    """Sums of a bill's lines by what was billed."""
    sums = defaultdict(Decimal)
    for line in lines:
        sums[line["kind"]] += Decimal(line["usd"])
    return dict(sums)


def compare(bill, encodes):
    """The two totals, and whether they agree to the cent in all and for each kind."""
    model = cost("bill", question={"periods": periods(bill, encodes)})
    ours, theirs = Decimal(model["total_usd"]), Decimal(bill["total_usd"])
    return theirs, ours, abs(ours - theirs) < CENT / 2
