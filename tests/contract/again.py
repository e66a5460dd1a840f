"""Everything a simulator was asked, asked again of its core in process: the same answers must come.

So what is proved in process is proved of the program, and what stock clients show of the program
holds in process.
"""

import json
import os
import subprocess
from urllib.parse import urlsplit


class Again:
    """What one simulator was asked since it started, and what it answered."""

    def __init__(self, program, seed, scale):
        self.program = os.path.join(os.path.dirname(program), "conformance")
        self.story = {"seed": seed, "scale": scale, "steps": []}
        self.answers = []

    def controlled(self, method, what, data, headers):
        """A call of the control API."""
        self.story["steps"].append({
            "control": what, "method": method, "body": (data or b"").decode(), "now_ms": int(headers["x-simulator-now-ms"])})

    def listen(self, client, service):
        """Hears everything that a client asks from now on."""
        client.meta.events.register(f"before-send.{service}", self.asked)
        client.meta.events.register_first(f"before-parse.{service}", self.answered)

    def asked(self, request, **_):
        """A request is about to be sent."""
        url, body = urlsplit(request.url), request.body or b""
        caller = request.headers["Authorization"]
        caller = caller.decode() if isinstance(caller, bytes) else caller
        self.story["steps"].append({
            "method": request.method, "path": url.path, "query": url.query, "body": body if isinstance(body, str) else body.decode(),
            "caller": caller.split("Credential=")[1].split("/")[0]})
        self.answers.append(None)

    def answered(self, response_dict, **_):
        """Its answer has come."""
        headers, body = response_dict["headers"], response_dict["body"]
        self.story["steps"][-1]["now_ms"] = int(headers["x-simulator-now-ms"])
        self.answers[-1] = {
            "status": response_dict["status_code"], "error": headers.get("x-amzn-errortype"), "request_id": headers["x-amzn-requestid"],
            "body": json.loads(body) if body else None, "lost": False}

    def compare(self):
        """Asks the core in process and complains about every other answer."""
        done = subprocess.run([self.program], input=json.dumps(self.story), capture_output=True, text=True, check=True, timeout=60)
        steps = [step for step in self.story["steps"] if "control" not in step]
        told = list(zip(steps, self.answers, json.loads(done.stdout), strict=True))
        other = [f"{step['method']} {step['path']}\n  over HTTP: {json.dumps(ours)}\n  in process: {json.dumps(theirs)}"
                 for step, ours, theirs in told if (None if theirs["lost"] else theirs) != ours]
        assert not other, f"{len(other)} of {len(told)} calls are answered otherwise in process:\n" + "\n".join(other[:5])
