"""The models of DynamoDB and Parameter Store against the local cloud: every case, every answer.

Each case of DynamoDB has a table of its own. Where the two differ, `differences.json` says by which
of AWS's rules the models are right. A difference that is not there fails, and so does one that is
there and is no more.
"""

import json
import pathlib
import subprocess
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local import places

HERE = pathlib.Path(__file__).parent
CASES = HERE.parent / "models" / "cases"
CONFIG = Config(parameter_validation=False, retries={"total_max_attempts": 1, "mode": "standard"})


def client(service, address):
    """A stock client that sends bodies as they are."""
    return boto3.session.Session().client(
        service, region_name="us-west-2", endpoint_url=address, aws_access_key_id="123456789012", aws_secret_access_key="test",
        config=CONFIG)


@pytest.fixture(scope="session")
def clients(address):
    """Clients by service."""
    return {service: client(service, address) for service in ("dynamodb", "dynamodbstreams", "ssm")}


def renamed(value, old, new):
    """A body with one table's name for another's."""
    if isinstance(value, dict):
        return {renamed(name, old, new): renamed(each, old, new) for name, each in value.items()}
    if isinstance(value, list):
        return [renamed(each, old, new) for each in value]
    return new if value == old else value


def parameters_over_the_wire(clients, told):
    """The calls of a case of Parameter Store; nothing is left behind."""
    answers = [answer(clients["ssm"], *call) for call in told["calls"]]
    for each in clients["ssm"].describe_parameters()["Parameters"]:
        clients["ssm"].delete_parameter(Name=each["Name"])
    return answers, []


def tables_over_the_wire(clients, table, told):
    """The calls of a case of DynamoDB in a table of its own, and the stream's records."""
    database, streams = clients["dynamodb"], clients["dynamodbstreams"]
    keys = [("id", "HASH"), ("moment", "RANGE")][:2 if told["sorted"] else 1]
    stream = database.create_table(
        TableName=table, KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})["TableDescription"]["LatestStreamArn"]
    answers = [answer(database, operation, renamed(body, "cases", table)) for operation, body in told["calls"]]
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    at = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records, page = [], {"Records": True}
    while page["Records"]:
        page = streams.get_records(ShardIterator=at)
        records, at = records + page["Records"], page.get("NextShardIterator")
    return renamed(answers, table, "cases"), records


def answer(service, operation, body):
    """One call: the name of the error or null, and the body."""
    name = "".join("_" + letter.lower() if letter.isupper() else letter for letter in operation)[1:]
    try:
        return {"error": None, "body": getattr(service, name)(**body)}
    except ClientError as error:
        return {"error": error.response["Error"]["Code"], "body": error.response}


def comparable(each):
    """An answer without what may differ: texts of messages, times, accounts, ciphertexts, the order of items."""
    body = plain(each["body"])
    more = "LastEvaluatedKey" in each["body"]
    if more:  # Which items are on a page means nothing.
        del body["Items"]
    return {"error": each["error"], "body": body, "more": more}


IGNORED = {"ResponseMetadata", "Error", "__type", "message", "Message", "LastModifiedDate", "LastEvaluatedKey"}
SETS = ("SS", "NS")


def plain(value, key=None):
    if isinstance(value, dict):
        return {name: plain(each, name) for name, each in value.items() if name not in IGNORED}
    if isinstance(value, list):
        return sorted((plain(each) for each in value), key=json.dumps) if key in ("Items", "cases", *SETS) else [plain(each) for each in value]
    if key == "Value" and value.startswith(("AQICAH", "ENCRYPTED:")):
        return "(sealed)"
    return value


def record(each):
    """What every reader of a stream sees alike."""
    change = each["dynamodb"]
    return [each["eventName"], *(plain(change.get(name)) for name in ("Keys", "OldImage", "NewImage")), change["StreamViewType"]]


@pytest.fixture(scope="session")
def models():
    """What the models answer to all cases, by name."""
    cases = [json.dumps(case) for path in sorted(CASES.glob("*.json")) for case in json.loads(path.read_text())]
    done = subprocess.run([places.built("conformance")], input="\n".join(cases), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def differing(told, answers, records):
    """What differs between the models and the local cloud in one case."""
    found = []
    for call, ours, theirs in zip(told["calls"], told["answers"], answers):
        ours, theirs = comparable(ours), comparable(theirs)
        if ours != theirs:
            found.append(f"{call[0]}: models {short(ours)}, local cloud {short(theirs)}")
    ours, theirs = [[record(each) for each in records] for records in (told["stream"], records)]
    if ours != theirs:
        found.append(f"stream: models {short(ours)}, local cloud {short(theirs)}")
    return found


def short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 400 else text[:400] + " ..."


def test_every_case(clients, models):
    apart = [told for told in models if "Parameter" in told["calls"][0][0]]
    tables = [told for told in models if told not in apart]
    found = {told["name"]: differing(told, *parameters_over_the_wire(clients, told)) for told in apart}
    with ThreadPoolExecutor(4) as pool:
        wires = pool.map(lambda numbered: tables_over_the_wire(clients, f"cases-{numbered[0]}", numbered[1]), enumerate(tables))
        found |= {told["name"]: differing(told, *wire) for told, wire in zip(tables, wires)}
    found = {name: what for name, what in found.items() if what}
    known = [name for names in json.loads((HERE / "differences.json").read_text()).values() for name in names]
    new = [f"{name}\n    " + "\n    ".join(what) for name, what in found.items() if name not in known]
    gone = [name for name in known if name not in found]
    assert not new, f"{len(new)} of {len(models)} cases differ:\n" + "\n".join(new)
    assert not gone, f"no difference any more: {gone}"
