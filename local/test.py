"""What `make test` and `make lint` run: one step after another, each with its time, the whole with a count.

A step's output goes to a log; what is shown is its own closing line, a sign of life every half
minute, and all of it when it fails. A step that fails does not stop the later ones.
"""

import os
import re
import subprocess
import sys
import threading
import time

from local import places, say

TESTS = os.path.join(places.ROOT, "tests")
# The closing lines of test runners, and what a person wants to see of a compiler.
CLOSING = re.compile(rb"^( *\d+:\d\d  \xe2\x9c[\x93\x97] |test result:|running \d+ tests|=+ .*(passed|failed|error|no tests).* =+|\d+ (passed|failed).*|FAILED |failures:)")


def steps():
    """(name, part of `make lint` or not, command, folder, further environment)."""
    cargo = ["cargo"]
    profile = ["--workspace", "--profile", "local"]
    pytest = [places.tool("python"), "-m", "pytest", "-p", "no:cacheprovider", "-q", "--color=no", "--durations=5"]
    programs = {"SIMULATOR_BIN": places.built("simulator"), "PYTHONPATH": places.ROOT, "PYTHONUNBUFFERED": "1",
                "PATH": os.path.join(places.VENV_TOOLS, "bin") + os.pathsep + os.environ["PATH"]}
    aws = {"AWS_DEFAULT_REGION": "us-west-2", "SAM_CLI_TELEMETRY": "0"}
    return [
        ("format", True, cargo + ["fmt", "--all", "--check", "--", "-l"], places.ROOT, {}),
        ("template (cfn-lint)", True, [places.tool("cfn-lint"), "template.yaml"], places.ROOT, aws),
        ("template (sam validate)", True, [places.tool("sam"), "validate", "--lint", "--template-file", "template.yaml"], places.ROOT, aws),
        ("state machine validator, installed", True, ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], TESTS, {}),
        *((f"state machine {machine}", True, ["npx", "--no-install", "asl-validator", "--json-path", f"../statemachines/{machine}.asl.json"], TESTS, {})
          for machine in ("reconcile", "incident")),
        ("clippy", True, cargo + ["clippy"] + profile + ["--all-targets", "--keep-going", "--", "-D", "warnings"], places.ROOT, {}),
        ("programs", False, cargo + ["build"] + profile, places.ROOT, {}),
        ("unit tests, planner enumeration, house rules", False, cargo + ["test"] + profile + ["--no-fail-fast"], places.ROOT, {}),
        ("every fault at every step", False, [places.built("prove")], places.ROOT, {}),
        ("simulator against stock clients", False, pytest + ["contract"], TESTS, programs),
        ("the runner against the local cloud", False, pytest + ["differential"], TESTS, programs),
        ("the models against the local cloud", False, pytest + ["conformance"], TESTS, programs),
        ("end to end", False, pytest + ["end_to_end"], TESTS, programs),
        ("the demo with real video and roles enforced", False, [places.tool("python"), "-m", "local.rehearsal"], places.ROOT, programs),
    ]


def run(name, command, folder, environment):
    """One step; gives back whether it passed."""
    say.step(f"{name} \u2026")
    log = os.path.join(places.LOGS, "test-" + re.sub(r"\W+", "-", name).strip("-") + ".log")
    began, last = time.monotonic(), [b""]
    alive = threading.Event()

    def sign_of_life():
        while not alive.wait(30):
            words = last[0].decode(errors="replace").strip()[:100]
            say.note(f"{name}: {time.monotonic() - began:.0f} s so far, at: {words}")

    threading.Thread(target=sign_of_life, daemon=True).start()
    try:
        with open(log, "wb") as out, subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as child:
            rest = b""
            # In pieces, not in lines: a test runner's dots come without a line's end for minutes.
            while piece := child.stdout.read1(65536):
                out.write(piece)
                out.flush()
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if CLOSING.match(line) and b" 0 passed; 0 failed" not in line and b"running 0" not in line:
                        say.line("       " + line.decode(errors="replace").rstrip())
                last[0] = rest or next((line for line in reversed(lines) if line.strip()), last[0])
        code = child.returncode
    except OSError as error:
        with open(log, "w", encoding="utf-8") as out:
            out.write(f"{command[0]} cannot be started: {error}\n")
        code = 127
    finally:
        alive.set()
    if code:
        with open(log, "rb") as file:
            text = file.read().decode(errors="replace").splitlines()
        say.line("\n".join(text[-150:]))
    return say.check(code == 0, f"{name} ({time.monotonic() - began:.0f} s)" + ("" if code == 0 else f": see .local/log/{os.path.basename(log)}"))


def main(which):
    """All steps, or those of `make lint`."""
    os.makedirs(places.LOGS, exist_ok=True)
    results = [run(name, command, folder, environment)
               for name, lint, command, folder, environment in steps() if lint or which == "all"]
    say.line()
    say.line(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "all"))
    except KeyboardInterrupt:
        say.step("ended by you")
        sys.exit(130)
