"""Any AWS client will do: the AWS CLI and boto3 edit records, and every sample in `events/` can be
sent to the function it is for.
"""

import json
import os
import subprocess

import pytest

from local import places
from local.stage import PREFIX

SAMPLES = os.path.join(places.ROOT, "events")
# Whom a sample is for, if its name does not say so: what its name begins with, and the worker it wakes.
TRIGGERS = {"stream-": "dispatch", "channel-alert": "watch", "source-health": "watch-flow", "channel-": "resume", "flow-edit": "update-flow", "flow-": "resume", "source-": "resume", "output-": "resume",
            "sweep-": "sweep"}
NAMED = {"Transient", "Full", "Permanent", "Stale"}
# These do not decode, and say so by name; the other failures decode.
UNREADABLE = {"claim-error-no-id", "create-channel-error-no-plan", "plan-error-wrong-type", "poll-channel-error-no-token",
              "poll-channel-error-unknown-until", "confirm-incident-error-unknown-cause"}


def run(stage, *command):
    """Runs a program of the tools' folder as a person would, and gives back what it printed."""
    environment = {"PATH": os.environ["PATH"], "HOME": stage.run_dir, **stage.environment()}
    done = subprocess.run([places.tool(command[0]), *command[1:]], env=environment, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def by_cli(show, destination):
    """Put, update and delete with the AWS CLI."""
    table = ("--table-name", show.stage.destinations_table)
    key = ("--key", json.dumps({"destination_id": {"S": destination}}))

    def put(**attributes):
        item = {"destination_id": {"S": destination}, **{name: {"S": value} for name, value in attributes.items()}}
        run(show.stage, "aws", "dynamodb", "put-item", *table, "--item", json.dumps(item))

    def update(**attributes):
        expression = "SET " + ", ".join(f"{name} = :{name}" for name in attributes)
        values = {f":{name}": {"S": value} for name, value in attributes.items()}
        run(show.stage, "aws", "dynamodb", "update-item", *table, *key, "--update-expression", expression,
            "--expression-attribute-values", json.dumps(values))

    def get():
        text = run(show.stage, "aws", "dynamodb", "get-item", *table, *key, "--output", "json")
        return {name: next(iter(value.values())) for name, value in json.loads(text)["Item"].items()}

    def delete():
        run(show.stage, "aws", "dynamodb", "delete-item", *table, *key)

    def put_key(key):
        run(show.stage, "aws", "ssm", "put-parameter", "--name", f"{PREFIX}/{destination}", "--type", "SecureString",
            "--value", key)
    return put, update, get, delete, put_key


def by_boto3(show, destination):
    """Put, update and delete with boto3's resource, as its users write it."""
    import boto3
    table = boto3.resource("dynamodb", region_name=show.stage.region, endpoint_url=show.stage.address,
                           aws_access_key_id=show.stage.account, aws_secret_access_key="test").Table(show.stage.destinations_table)
    key = {"destination_id": destination}

    def update(**attributes):
        table.update_item(Key=key, UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in attributes),
                          ExpressionAttributeValues={f":{name}": value for name, value in attributes.items()})

    return (lambda **attributes: table.put_item(Item={**key, **attributes}), update,
            lambda: table.get_item(Key=key, ConsistentRead=True)["Item"], lambda: table.delete_item(Key=key),
            lambda value: show.stage.put_key(destination, value))


@pytest.mark.parametrize("client", [by_cli, by_boto3])
def test_a_life_by_a_stock_client(show, client):
    stage, destination = show.stage, show.new_id()
    put, update, get, delete, put_key = client(show, destination)
    put_key(f"canary-{destination}-key")
    put(**show.record(destination, desired_state="streaming"))
    show.wait_streaming(destination)
    assert get()["streaming_status"] == "streaming"
    update(rtmp_url="rtmps://live.example.com/another")
    stage.wait_until(lambda: show.channels(destination) and show.target_url(destination).endswith("/another"), 40, "the new address")
    show.wait_streaming(destination)
    update(preset_id="720p30")
    stage.wait_until(lambda: show.channels(destination) and show.size(destination) == 720, 40, "the new preset")
    show.wait_streaming(destination)
    update(desired_state="ready")
    show.wait_channel(destination, "IDLE")
    update(desired_state="streaming")
    show.wait_streaming(destination)
    assert show.made_channels(destination) == 1
    delete()
    show.wait_all_gone([destination])
    assert stage.record(destination) is None


def worker(name, workers):
    """The worker a sample is for."""
    base = name.split("-error-")[0]
    return base if base in workers else next(worker for start, worker in TRIGGERS.items() if base.startswith(start))


def invoke(stage, name, event):
    """Sends a sample to its function; gives back the name of its error, if any, and its answer."""
    answer = stage.boto("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    body = json.loads(answer["Payload"].read() or b"null")
    return (body.get("errorType") if answer.get("FunctionError") else None), body


def test_every_sample_gets_a_named_answer_from_its_function(show):
    stage = show.stage
    workers = os.listdir(os.path.join(places.ROOT, "workers"))
    show.ids += ["youtube-main", "twitch-main"]
    samples = sorted(name[:-5] for name in os.listdir(SAMPLES) if name.endswith(".json"))
    # Without the lease a step is Stale; so whoever takes and gives it comes last, in its order.
    last = ["claim", "plan", "release"]
    answered = {}
    for name in [each for each in samples if each not in last] + last:
        if name == last[0]:
            # The samples of dispatch have started executions, which hold the lease while they run.
            show.wait_quiet(["youtube-main", "twitch-main"])
        with open(os.path.join(SAMPLES, name + ".json"), encoding="utf-8") as file:
            event = json.load(file)
        if name == "release":
            # Those executions may have knocked at each other's door.
            event["plan"]["knock"] = int(stage.ledger("youtube-main").get("knock", 0))
        error, body = invoke(stage, f"lunora-{stage.stack}-{worker(name, workers)}", event)
        answered[name] = error
        assert error is None or error in NAMED, f"{name}: {error} {body}"
        unreadable = "does not decode" in json.dumps(body)
        assert unreadable == (name in UNREADABLE), f"{name}: {error} {body}"
    assert {worker(name, workers) for name in answered} == set(workers)
    assert answered["claim"] is None and answered["release"] is None, answered
    assert answered["create-channel"] == "Stale" and answered["claim-error-no-id"] == "Permanent", answered
    show.wait_quiet(["youtube-main", "twitch-main"])
    assert not stage.held("youtube-main") and not stage.held("twitch-main")


def test_cargo_lambda_sends_a_sample(show):
    """`cargo lambda invoke --data-file` with a file of `events/`, as README says."""
    stage = show.stage
    said = run(stage, "cargo-lambda", "lambda", "invoke", "--remote", "--endpoint-url", stage.address, "--region", stage.region,
               "--output-format", "json", "--data-file", os.path.join(SAMPLES, "sweep-tick.json"), f"lunora-{stage.stack}-sweep")
    assert "orphans_removed" in json.loads(said), said
