"""The runner against the local cloud: the same state machines, the same answers, the same course.

Cases are drawn by seed from what each state machine looks for and catches (`follow_scripts`); the local cloud then
follows the scripts with real executions and one stand-in for all functions. Compared are the states entered, what each
invocation was given, whether an old token was taken, and how it ended. What cannot be compared here, and why, is in
`not_compared.json`.
"""

import io
import json
import os
import re
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config

from local import cloud, places, ports

HERE = os.path.dirname(os.path.abspath(__file__))
ACCOUNT, REGION = "123456789012", "us-west-2"
# Tasks time out after so many seconds in the copies made for silent functions.
LONGEST_TASK_SECONDS = 3
AT_ONCE = 16
# name -> (file, how many cases with answers only, how many with silences, too, of how many drawn for each of those)
MACHINES = {
    "reconcile": (os.path.join(places.ROOT, "statemachines", "reconcile.asl.json"), 150, 25, 100),
    "incident": (os.path.join(places.ROOT, "statemachines", "incident.asl.json"), 60, 30, 300),
    "every_kind": (os.path.join(HERE, "every_kind.json"), 40, 20, 100),
}
# So many are drawn for each that is taken: first those that go a new way, then those that answer anew. What comes
# after a silence is rare, and an incident is closed only after one.
DRAWN_FOR_ONE = 10


def ways(definition):
    """All (state, next state) that a definition has. The local cloud takes every message: none is caught, and what
    comes after that only is not gone (`tests/runner/tests/shipped.rs` goes there)."""
    machine, found = load(definition), set()
    for name, state in machine["States"].items():
        caught = [] if str(state.get("Resource")).endswith("sns:publish") else state.get("Catch", [])
        entries = [state, *caught, *state.get("Choices", [])]
        found |= {(name, entry[field]) for entry in entries for field in ("Next", "Default") if field in entry}
    reached = {machine["StartAt"]}
    while more := {end for start, end in found if start in reached} - reached:
        reached |= more
    return {way for way in found if way[0] in reached}


def load(definition, function="", topic=""):
    """A definition with a function's name and a topic's put in."""
    with open(definition, encoding="utf-8") as file:
        return json.loads(re.sub(r"\$\{\w+\}", lambda name: topic if name[0].endswith("Topic}") else function, file.read()))


def begins_with(name):
    """What each execution begins with, whatever its machine."""
    return {"destination_id": name, "cause": "rtmp_failed", "told": {"done": False}, "message": {"subject": "", "text": ""},
            "incident": {"incident_id": "one", "look_at": "2026-11-21T00:00:30Z", "looks": 0}}


def gone(case):
    """All (state, next state) of a case."""
    return set(zip(case["entered"], case["entered"][1:]))


def answered(case):
    """Each (state, what kind of answer) of a case."""
    kinds = [answer.get("error") or answer.get("failure") or sorted(answer)[-1] for answer in case["script"]]
    return set(zip(case["asked"], kinds))


def cases(machine, silences, count):
    """So many cases with their scripts and with what the runner made of them."""
    definition, *_, drawn_for_one_silent = MACHINES[machine]
    lines = [{"name": f"{machine}-{seed}{'-quick' * silences}", "machine": machine + "-quick" * silences, "definition": definition,
              "seed": seed, "silences": silences} for seed in range(count * (drawn_for_one_silent if silences else DRAWN_FOR_ONE))]
    done = subprocess.run([places.built("follow_scripts")], input="".join(json.dumps(line) + "\n" for line in lines),
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    drawn, chosen = list(map(json.loads, done.stdout.splitlines())), []
    for look in (gone, answered, lambda case: {case["name"]}):
        known = set().union(*map(look, chosen))
        for case in drawn:
            if case not in chosen and not look(case) <= known:
                chosen.append(case)
                known |= look(case)
    return chosen[:count]


def test_every_machine_is_compared():
    """A state machine we ship is not forgotten here."""
    folder = os.path.join(places.ROOT, "statemachines")
    shipped = {os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".asl.json")}
    assert shipped <= {definition for definition, *_ in MACHINES.values()}


def test_what_is_not_compared_is_tested_elsewhere():
    """Each exception has a reason and a test of the runner."""
    with open(os.path.join(HERE, "not_compared.json"), encoding="utf-8") as file:
        exceptions = json.load(file)
    for each in exceptions:
        assert set(each) == {"what", "local_cloud", "runner", "tested_by"} and all(each.values()), each
        path, name = each["tested_by"].split("::")
        with open(os.path.join(places.ROOT, path), encoding="utf-8") as file:
            assert f"fn {name}()" in file.read(), each["tested_by"]


@pytest.fixture(scope="module")
def local_cloud(tmp_path_factory):
    """Clients of a local cloud whose waits take no time, with the stand-in and all machines in it."""
    folder = tmp_path_factory.mktemp("cloud")
    scripts = folder / "scripts"
    scripts.mkdir()
    port = ports.free().cloud
    child = cloud.start(port, str(folder), str(folder / "cloud.log"), auth=False, further={"SFN_WAIT_SCALE": "0"})
    try:
        yield Clients(f"http://127.0.0.1:{port}", scripts)
    finally:
        child.stop()


class Clients:
    """What the comparison needs of the local cloud."""

    def __init__(self, address, scripts):
        def client(service):
            return boto3.session.Session().client(
                service, region_name=REGION, endpoint_url=address, aws_access_key_id=ACCOUNT, aws_secret_access_key="test",
                config=Config(max_pool_connections=AT_ONCE))

        self.scripts, self.states = scripts, client("stepfunctions")
        package = io.BytesIO()
        with zipfile.ZipFile(package, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
            entry.external_attr, entry.create_system = 0o755 << 16, 3
            with open(os.path.join(HERE, "stand_in.py"), encoding="utf-8") as file:
                archive.writestr(entry, file.read())
        role = f"arn:aws:iam::{ACCOUNT}:role/stand-in"
        variables = {"SCRIPTS": str(scripts), "LONGEST_TASK_SECONDS": str(LONGEST_TASK_SECONDS)}
        client("lambda").create_function(FunctionName="stand-in", Runtime="provided.al2023", Handler="bootstrap", Role=role,
                                         Timeout=30, Code={"ZipFile": package.getvalue()}, Environment={"Variables": variables})
        topic = client("sns").create_topic(Name="stand-in")["TopicArn"]
        for machine, (path, *_) in MACHINES.items():
            definition = load(path, "stand-in", topic)
            tasks = [state for state in definition["States"].values() if state["Type"] == "Task"]
            for state in tasks:
                if state.pop("TimeoutSecondsPath", None):
                    state["TimeoutSeconds"] = 20
            self.create(machine, role, definition)
            for state in tasks:
                state["TimeoutSeconds"] = LONGEST_TASK_SECONDS
            self.create(machine + "-quick", role, definition)

    def create(self, machine, role, definition):
        """One state machine."""
        self.states.create_state_machine(name=machine, roleArn=role, definition=json.dumps(definition))

    def follow(self, case):
        """One case as a real execution; gives back what was seen, in the runner's words."""
        name, place = case["name"], self.scripts / case["name"]
        place.with_suffix(".script").write_text(json.dumps(case["script"]), encoding="utf-8")
        arn = self.states.start_execution(
            stateMachineArn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{case['machine']}", name=name,
            input=json.dumps(begins_with(name)))["executionArn"]
        until = time.monotonic() + 60
        while (end := self.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < until, f"{name} does not end"
            time.sleep(0.2)
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=arn, PaginationConfig={"PageSize": 1000})
        entered = [event["stateEnteredEventDetails"]["name"] for page in pages for event in page["events"]
                   if "stateEnteredEventDetails" in event]
        calls = []
        if (log := place.with_suffix(".calls")).exists():
            for call in map(json.loads, log.read_text(encoding="utf-8").splitlines()):
                if "task_token" in call["payload"]:
                    call["payload"]["task_token"] = "a token"
                calls.append({"payload": call["payload"], "taken": call["taken"]})
        succeeded = end["status"] == "SUCCEEDED"
        return {"entered": entered, "calls": calls, "status": end["status"],
                "output": json.loads(end["output"]) if succeeded else None,
                "error": None if succeeded else end.get("error"), "cause": None if succeeded else end.get("cause", "")}


def plain(value):
    """Without what is said differently: the words of Step Functions itself, the order of fields in a cause, the function's
    version, the clock."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    value = {name: plain(each) for name, each in value.items() if name != "ExecutedVersion"}
    if "entered_at" in value:
        value["entered_at"] = "a time"
    for error, cause in (("Error", "Cause"), ("error", "cause")):
        if str(value.get(error)).startswith("States."):
            value[cause] = ""
        elif isinstance(value.get(cause), str) and value[cause].startswith("{"):
            value[cause] = json.loads(value[cause])
    return value


def test_the_local_cloud_takes_the_same_course(local_cloud):
    """Every case, step by step."""
    wanted = []
    for machine, (definition, answers, silences, _) in MACHINES.items():
        drawn = cases(machine, False, answers) + cases(machine, True, silences)
        missed = ways(definition) - set().union(*map(gone, drawn))
        assert not missed, f"no case of {machine} goes {sorted(missed)}"
        wanted += drawn
    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(local_cloud.follow, wanted))
    different = []
    for case, there in zip(wanted, seen, strict=True):
        here = {field: case[field] for field in there}
        here, there = plain(here), plain(there)
        if here != there:
            fields = [field for field in here if here[field] != there[field]]
            different.append(f"{case['name']} ({', '.join(fields)})\n" + "".join(
                f"  {field}: runner {json.dumps(here[field])}\n  {field}: cloud  {json.dumps(there[field])}\n" for field in fields[:2]))
    assert not different, f"{len(different)} of {len(wanted)} differ:\n" + "\n".join(different[:8])
    print(f"{len(wanted)} cases, {sum(len(case['calls']) for case in wanted)} invocations")
