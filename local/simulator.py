"""The simulator as a child process, and its control endpoint as plain calls."""

import json
import os
import re
import urllib.request

from local import places
from local.children import Child


class Simulator:
    """A running simulator."""

    def __init__(self, arguments, log, environment):
        self.child = Child("the simulator", [places.built("simulator"), *arguments], log, environment)
        self.log = log
        try:
            self.address = self.child.wait_until(self._said, 20, "say where it listens")
        except BaseException:
            self.child.stop()
            raise

    def _said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            found = re.search(r"listening on (http://[\d.:]+)", file.read())
        return found and found.group(1)

    def stop(self):
        """Ends it and what it started."""
        self.child.stop()

    def get(self, what):
        """What `/_simulator/<what>` says."""
        with urllib.request.urlopen(f"{self.address}/_simulator/{what}", timeout=20) as answer:
            return json.load(answer)

    def post(self, what, body=None):
        """Tells `/_simulator/<what>` something."""
        request = urllib.request.Request(
            f"{self.address}/_simulator/{what}", data=json.dumps(body or {}).encode(),
            headers={"content-type": "application/json"}, method="POST",
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text.strip() else None

    def delete(self, what):
        """Takes back what was told to `/_simulator/<what>`."""
        request = urllib.request.Request(f"{self.address}/_simulator/{what}", method="DELETE")
        with urllib.request.urlopen(request, timeout=20):
            pass

    def state(self):
        """Everything that exists."""
        return self.get("state")

    def bill(self):
        """What it has cost until now, line by line."""
        return self.get("bill")

    def calls(self):
        """The calls of the AWS API that it answered."""
        return self.get("calls")

    def fault(self, **rule):
        """One rule that makes an operation fail."""
        return self.post("faults", rule)


def arguments(ports, account, region, scale, media, resolve, trust, seed):
    """The simulator's command line."""
    line = [
        "--listen", f"127.0.0.1:{ports.simulator}", "--region", region, "--account", account,
        "--time-scale", str(scale), "--media", media, "--events", f"http://127.0.0.1:{ports.cloud}",
        "--event-source", EVENT_SOURCE, "--seed", str(seed),
    ]
    line += resolve
    if trust and os.path.exists(trust):
        line += ["--trust", trust]
    return line


# Only AWS itself may send events as aws.*; the template's rule listens to this name too.
EVENT_SOURCE = "lunora.simulator"
