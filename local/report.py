"""`make report`: what exists in the Region, what of it is Lunora's, what is billed and why, and what
this month's sessions cost.

It asks with the account's usual credentials (a profile, a role, variables of the environment). Where
`make run` is up, it asks the local cloud: `.local/env` says where that is. `STACK=name` names a
stack on AWS.
"""

import os
import re
import sys
from datetime import datetime, timezone
from decimal import Decimal

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError

from local import places, say
from local.say import Trouble

GONE = "DELETED"


def main():
    """Prints the report; the exit code says whether anything could be asked."""
    try:
        show(ask(environment()))
    except (Trouble, BotoCoreError, ClientError) as trouble:
        say.trouble(trouble)
        return 1
    return 0


def environment():
    """The variables to ask with: those that are set, or those of a running `make run`."""
    if "STACK" not in os.environ and "DESTINATIONS_TABLE" not in os.environ and os.path.exists(places.ENV_FILE):
        with open(places.ENV_FILE, encoding="utf-8") as file:
            found = dict(re.findall(r"^export (\w+)='([^']*)'$", file.read(), re.MULTILINE))
        found.pop("PATH", None)
        return {**os.environ, **found}
    return dict(os.environ)


def ask(settings):
    """Everything the report is made from, straight from the services."""
    region = settings.get("AWS_REGION") or settings.get("AWS_DEFAULT_REGION")
    session = boto3.session.Session(
        region_name=region, aws_access_key_id=settings.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=settings.get("AWS_SECRET_ACCESS_KEY"), aws_session_token=settings.get("AWS_SESSION_TOKEN"))

    def client(service):
        special = settings.get("AWS_ENDPOINT_URL_" + service.upper())
        return session.client(service, endpoint_url=special or settings.get("AWS_ENDPOINT_URL"))
    tables = {name: settings.get(name.upper() + "_TABLE") for name in ("destinations", "sessions")}
    if not all(tables.values()):
        tables = of_stack(client("cloudformation"), settings.get("STACK", "lunora"))
    live, connect, database = client("medialive"), client("mediaconnect"), client("dynamodb")
    things = [(kind, each) for kind, name in (("channel", "channels"), ("input", "inputs"))
              for page in live.get_paginator(f"list_{name}").paginate() for each in page[name.capitalize()]]
    things += [("flow", each) for page in connect.get_paginator("list_flows").paginate() for each in page["Flows"]]
    status = database.get_item(TableName=tables["destinations"], Key={"destination_id": {"S": "status"}}).get("Item", {})
    month = datetime.now(timezone.utc).strftime("%Y-%m")
    pages = database.get_paginator("scan").paginate(
        TableName=tables["sessions"], FilterExpression="begins_with(started_at, :month)",
        ExpressionAttributeValues={":month": {"S": month}})
    sessions = [plain(item) for page in pages for item in page["Items"]]
    return {"things": [(kind, each) for kind, each in things if each.get("State") != GONE],
            "status": plain(status), "month": month, "sessions": sessions}


def of_stack(formation, stack):
    """The tables of a stack on AWS, by its outputs."""
    outputs = {row["OutputKey"]: row["OutputValue"]
               for row in formation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])}
    try:
        return {"destinations": outputs["DestinationsTableName"], "sessions": outputs["SessionsTableName"]}
    except KeyError as missing:
        raise Trouble(f"The stack {stack} has no output {missing}. Name another with STACK=name, or deploy this version.") from None


def plain(item):
    """An item without DynamoDB's types."""
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def show(found):
    """Prints it."""
    status = found["status"]
    say.title("What exists in this Region")
    if not found["things"]:
        say.line("       No channel, no input, no flow: 0 resources.")
    why = {line["id"]: line for line in status.get("resources", [])}
    for kind, each in found["things"]:
        key = str(each.get("Id") or each.get("FlowArn"))
        line = why.get(key) or (why.get("main") if kind == "flow" else None)
        price = f"${Decimal(line['usd_per_hour']):.2f} an hour: {line['why']}" if line else "not in Lunora's report"
        say.line(f"       {kind:8} {each.get('State') or each.get('Status'):10} {each['Name']:40} {price}")
    say.title("What the sweep says")
    say.line(f"       {status.get('summary', 'It has not reported yet.')}  (since {status.get('changed_at', '-')})")
    for thing in status.get("removed", []):
        say.line(f"       removed {thing['kind']} {thing['id']} ({thing['name']}) at {thing['at']}")
    say.title(f"What the sessions of {found['month']} cost")
    rows = sorted(found["sessions"], key=lambda row: row["started_at"])
    for row in rows:
        say.line(f"       {row['started_at']}  {row['destination_id']:30} {int(row['billed_minutes']):5} min  {row['cause']:14}"
                 f" ${Decimal(row['cost_usd']):.2f}")
    total = sum((Decimal(row["cost_usd"]) for row in rows), Decimal(0))
    say.line(f"       {len(rows)} sessions, ${total:.2f} in all (without the flow, which all share)")


if __name__ == "__main__":
    sys.exit(main())
