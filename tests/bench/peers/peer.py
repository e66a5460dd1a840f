"""The step in Python with boto3, run by AWS's own runtime client (awslambdaric)."""

import datetime
import json
import os
import time

import boto3
from botocore.config import Config

LEDGER = os.environ["LEDGER_TABLE"]
OLD = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "create-channel.json"), encoding="utf-8") as file:
    BODY = json.load(file)

settings = Config(retries={"total_max_attempts": 1})
table = boto3.client("dynamodb", config=settings)
media = boto3.client("medialive", config=settings)
secrets = boto3.client("ssm", config=settings)
table.get_item(TableName=LEDGER, Key={"destination_id": {"S": "flow#main"}}, ConsistentRead=True)


def later(seconds):
    """A time from now on."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).isoformat()


def handle(event, context):
    """Creates the channel."""
    began = time.monotonic()
    me = {"destination_id": {"S": event["destination_id"]}}
    row = table.update_item(
        TableName=LEDGER, Key=me,
        UpdateExpression="SET #n0 = :v0, #n3 = if_not_exists(#n3, :v3)",
        ConditionExpression="#n1 = :v1 AND (attribute_not_exists(#n2) OR #n2 = :v2)",
        ExpressionAttributeNames={"#n0": "intent", "#n1": "holder", "#n2": "knock", "#n3": "channel_sought"},
        ExpressionAttributeValues={
            ":v0": {"M": {"operation": {"S": "create-channel"}, "until": {"S": later(30)}}},
            ":v1": {"S": event["execution"]},
            ":v2": {"N": str(event["plan"]["knock"])},
            ":v3": {"M": {"incarnation": {"N": str(event["plan"]["incarnation"])}, "at": {"S": later(0)}}},
        },
        ReturnValues="ALL_OLD", **OLD,
    )["Attributes"]
    aim = row["target"]["M"]["configuration"]
    key = secrets.get_parameter(Name=aim["M"]["stream_key_param"]["S"], WithDecryption=True)["Parameter"]
    attachment = {**BODY["InputAttachments"][0], "InputId": row["input"]["M"]["id"]["S"]}
    url = BODY["Destinations"][0]["Settings"][0]["Url"]
    made = media.create_channel(**{
        **BODY,
        "InputAttachments": [attachment],
        "Destinations": [{"Id": "rtmp1", "Settings": [{"Url": url, "StreamName": key["Value"].strip()}]}],
        "RoleArn": os.environ["MEDIA_LIVE_ROLE_ARN"],
        "RequestId": f"{BODY['Name']}-{event['plan']['incarnation']}-channel",
    })["Channel"]
    table.update_item(
        TableName=LEDGER, Key=me,
        UpdateExpression="SET #n0 = :v0, #n1 = :v1 REMOVE #n2", ConditionExpression="#n3 = :v2",
        ExpressionAttributeNames={"#n0": "channel", "#n1": "on_air", "#n2": "intent", "#n3": "holder"},
        ExpressionAttributeValues={
            ":v0": {"M": {"id": {"S": made["Id"]}, "at": {"S": later(0)}}},
            ":v1": {"M": {"configuration": aim, "key_version": {"N": str(key["Version"])}, "input_id": row["input"]["M"]["id"]}},
            ":v2": {"S": event["execution"]},
        },
        ReturnValues="NONE", **OLD,
    )
    table.update_item(
        TableName=LEDGER, Key={"destination_id": {"S": f"channel#{made['Id']}"}},
        UpdateExpression="SET #n0 = :v0", ExpressionAttributeNames={"#n0": "serves"},
        ExpressionAttributeValues={":v0": {"S": event["destination_id"]}}, ReturnValues="NONE", **OLD,
    )
    print(json.dumps({
        "level": "INFO", "worker": "create-channel", "destination_id": event["destination_id"],
        "request_id": context.aws_request_id, "duration_ms": int((time.monotonic() - began) * 1000),
        "outcome": "done", "message": None,
    }))
    return {"did": "created"}
