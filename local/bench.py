"""What `make bench` runs: builds the workers as they are deployed, sets the peers up, measures.

A peer that cannot be had here is left out, and the table says why. What other programs of the
workspace count (`prove bench --json`, one figure a line) comes into the same table.
"""

import glob
import json
import os
import shutil
import subprocess
import sys

from local import build, places, say, setup
from local.say import Trouble

SOURCE = os.path.join(places.ROOT, "tests", "bench", "peers")
STATE = os.path.join(places.STATE, "bench")
PEERS = os.path.join(STATE, "peers")
TABLE = os.path.join(places.ROOT, "docs", "benchmarks.md")
# Where Debian puts the sources of Go packages.
GO_PATH = "/usr/share/gocode"
GO_SDK = os.path.join(GO_PATH, "src", "github.com", "aws", "aws-sdk-go-v2")


def main():
    """Everything, one after another."""
    os.makedirs(STATE, exist_ok=True)
    say.title("Programs")
    say.step("building the workers as they are deployed (twenty minutes when nothing is built yet)")
    # Only them: the other packages of the workspace would switch on features that no worker has.
    build.compile_workspace(profile="release", packages=["bench", *build.workers()])
    say.title("Peers")
    counter()
    # Copied, so that nothing is installed beside the sources.
    shutil.copytree(SOURCE, PEERS, dirs_exist_ok=True)
    peers = [*node(), python(), go()]
    for peer in peers:
        say.note(f"{peer['name']}: {peer.get('missing') or 'here'}")
    described = os.path.join(STATE, "peers.json")
    write(described, json.dumps(peers, indent=1))
    say.title("Figures")
    more = os.path.join(STATE, "more.jsonl")
    write(more, counted())
    command = [
        places.built("bench", "release"), "--root", places.ROOT, "--programs", os.path.dirname(places.built("", "release")),
        "--scratch", STATE, "--peers", described, "--more", more, "--out", TABLE,
    ]
    figures = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if figures.returncode:
        raise Trouble("The benchmark could not be taken; its words are above.")
    show([json.loads(line) for line in figures.stdout.splitlines()])


def show(figures):
    """`name value unit target pass|miss`, one a line, and where the whole is."""
    say.line()
    for figure in figures:
        mark = {"pass": "\u2713", "miss": "\u2717"}.get(figure["verdict"], " ")
        say.line(f"  {mark} {figure['id']:<3} {figure['name']}: {figure['value']:,.4g} {figure['unit']}"
                 + (f" ({figure['target']})" if figure["target"] else ""))
    missed = sum(figure["verdict"] == "miss" for figure in figures)
    say.line()
    say.line(f"{missed} of {len(figures)} figures miss their target. The whole: docs/benchmarks.md")


def write(path, text):
    """A file as it is to be."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def counter():
    """valgrind, for machines that lend no hardware counter."""
    if not shutil.which("valgrind") and not debian(["valgrind"]):
        say.note("valgrind is not here: instructions are counted only if perf can")


def debian(packages):
    """Installs Debian packages if that is possible here; gives back whether it was."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return False
    say.step(f"installing Debian packages: {' '.join(packages)}")
    with open(setup.log("apt-bench"), "wb") as out:
        for line in (["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *packages]):
            if subprocess.run(line, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                              env=dict(os.environ, DEBIAN_FRONTEND="noninteractive")).returncode:
                return False
    return True


def logged(name, command, folder, environment=None):
    """Runs a set-up command into its log; gives back whether it worked."""
    with open(setup.log(name), "wb") as out:
        try:
            return not subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, check=False,
                                      stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}).returncode
        except OSError:
            return False


def said(command):
    """The last word of the first line that a program prints."""
    return setup.output(command).splitlines()[0].split()[-1]


def node():
    """Both generations of the SDK for JavaScript."""
    v3, v2 = {"id": "node-v3", "name": "Node, SDK v3"}, {"id": "node-v2", "name": "Node, SDK v2 whole"}
    if not shutil.which("npm"):
        missing = "npm is not here."
    elif not stamped("node_modules", "package-lock.json", ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]):
        missing = "its packages could not be installed; the reason is in .local/log/bench-node_modules.log."
    else:
        program, version = shutil.which("node"), said(["node", "--version"]).lstrip("v")
        for peer, package, script in ((v3, "@aws-sdk/client-medialive", "node-v3.js"), (v2, "aws-sdk", "node-v2.js")):
            with open(os.path.join(PEERS, "node_modules", package, "package.json"), encoding="utf-8") as file:
                sdk = json.load(file)["version"]
            whole = " whole" if package == "aws-sdk" else ""
            peer.update(name=f"Node {version}, SDK {sdk}{whole}", program=program, arguments=[os.path.join(PEERS, script)],
                        environment={"NODE_EXTRA_CA_CERTS": os.path.join(STATE, "certificates", "root.pem")})
        return [v3, v2]
    return [{**peer, "missing": missing} for peer in (v3, v2)]


def stamped(folder, lock, command):
    """Installs once for each content of a lock file."""
    with open(os.path.join(PEERS, lock), encoding="utf-8") as file:
        wanted = file.read()
    stamp = os.path.join(PEERS, folder, "lunora-stamp")
    if os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == wanted:
                return True
    say.step(f"installing {folder}")
    if not logged(f"bench-{folder}", command, PEERS):
        return False
    write(stamp, wanted)
    return True


def python():
    """boto3 with AWS's own runtime client."""
    folder = os.path.join(STATE, "venv")
    peer = {"id": "boto3", "name": "Python, boto3"}
    try:
        setup.python_tools("bench", folder, "tests/bench/peers/requirements.txt")
    except Trouble as trouble:
        return {**peer, "missing": str(trouble)}
    program = os.path.join(folder, "bin", "python")
    version = said([program, "--version"])
    sdk = said([program, "-c", "import boto3; print(boto3.__version__)"])
    # The SDK's own roots and the benchmark's, as one file: it reads no second one.
    bundle = os.path.join(STATE, "python-roots.pem")
    own = glob.glob(os.path.join(folder, "lib", "python3*", "site-packages", "botocore", "cacert.pem"))[0]
    return {**peer, "name": f"Python {version}, boto3 {sdk}", "program": program,
            "arguments": ["-m", "awslambdaric", "peer.handle"],
            "roots": own, "bundle": bundle, "environment": {"AWS_CA_BUNDLE": bundle, "PYTHONPATH": PEERS}}


def go():
    """Go with the SDK that Debian packages, because no module proxy is needed for it."""
    peer = {"id": "go", "name": "Go, SDK v2"}
    advice = "install Debian's `golang-go` and `golang-github-aws-aws-sdk-go-v2-dev` for it."
    if not (shutil.which("go") and os.path.isdir(GO_SDK)):
        if not debian(["golang-go", "golang-github-aws-aws-sdk-go-v2-dev"]) or not os.path.isdir(GO_SDK):
            return {**peer, "missing": advice}
    program = os.path.join(STATE, "go-peer")
    say.step("building the peer in Go (a minute or two the first time)")
    environment = {"GO111MODULE": "off", "GOPATH": GO_PATH, "GOCACHE": os.path.join(STATE, "go-cache"), "GOFLAGS": ""}
    if not logged("bench-go", ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "."],
                  os.path.join(PEERS, "go"), environment):
        return {**peer, "missing": "it does not build; the reason is in .local/log/bench-go.log."}
    version = setup.output(["go", "version"]).split()[2].lstrip("go")
    sdk = setup.output(["dpkg-query", "-W", "-f=${Version}", "golang-github-aws-aws-sdk-go-v2-dev"]).partition("-")[0]
    bundle = os.path.join(STATE, "go-roots.pem")
    return {**peer, "name": f"Go {version}, SDK v2 {sdk}", "program": program, "arguments": [],
            "roots": "/etc/ssl/certs/ca-certificates.crt", "bundle": bundle,
            # Go interrupts itself by signals, which callgrind ends at, and idle threads spin where only one
            # runs at a time; with one and without signals it does the same work.
            "environment": {"SSL_CERT_FILE": bundle, "GODEBUG": "asyncpreemptoff=1", "GOMAXPROCS": "1"}}


def counted():
    """What the proof counts: lines of JSON, or nothing if it is not built."""
    for profile in ("local", "release"):
        program = places.built("prove", profile)
        if os.path.exists(program):
            say.step("counting calls, transitions, convergence and billed minutes in virtual time")
            lines = subprocess.run([program, "bench", "--json"], check=False, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True, cwd=places.ROOT)
            if lines.returncode:
                say.note(f"`prove bench --json` ended with {lines.returncode}: what it printed is shown all the same")
            return lines.stdout
    say.note("`prove` is not built: its figures are missing from the table")
    return ""


if __name__ == "__main__":
    try:
        main()
    except Trouble as trouble:
        say.trouble(trouble)
        sys.exit(1)
    except KeyboardInterrupt:
        say.step("ended by you")
        sys.exit(130)
