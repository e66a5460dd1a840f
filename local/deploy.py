"""Deploys the very `template.yaml` to the local cloud through CloudFormation.

What `aws cloudformation package` does, in a second instead of eighteen: the functions' programs
and the state machines' definitions are uploaded, and the template is told where they are. Nothing
else in it changes. In a definition the pauses before a retry become shorter, by as much as the
simulator's time passes faster than AWS's: what they wait for happens so much sooner. And a wait whose
length stands in its input ends after a constant time: the local cloud does not know TimeoutSecondsPath
and would never end it.
"""

import hashlib
import json
import os

import yaml

from local import build, places
from local.say import Trouble

BUCKET = "lunora-deploy"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (!Sub, !GetAtt and the others)."""


def _short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
# A date such as 2012-10-17 stays the text it is in a policy.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_template():
    """The template as plain data."""
    with open(places.TEMPLATE, encoding="utf-8") as file:
        return yaml.load(file, _Loader)  # a safe loader with constructors for CloudFormation's tags


# How long a wait takes here whose length stands in its input, seconds: Lunora's own quiet time, the longest
# that somebody waits for at the screen.
WAIT_SECONDS = 60


def adapted(definition, scale):
    """A state machine's definition as the local cloud can run it: retries in whole seconds, `scale` times sooner, one at least."""
    machine = json.loads(definition)
    for state in machine["States"].values():
        if state.pop("TimeoutSecondsPath", None):
            state["TimeoutSeconds"] = WAIT_SECONDS
    for retrier in (each for state in machine["States"].values() for each in state.get("Retry", [])):
        retrier["IntervalSeconds"] = max(1, round(retrier["IntervalSeconds"] / scale))
    return json.dumps(machine).encode()


def upload(s3, template, scale):
    """Uploads what the template points at, and points it there."""
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            worker = os.path.basename(properties["CodeUri"])
            path, mark = build.pack(worker)
            key = f"{worker}-{mark}.zip"
            s3.upload_file(path, BUCKET, key)
            properties["CodeUri"] = f"s3://{BUCKET}/{key}"
            resource.pop("Metadata", None)
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            with open(os.path.join(places.ROOT, properties["DefinitionUri"]), "rb") as file:
                body = adapted(file.read(), scale)
            key = f"{name}-{hashlib.sha256(body).hexdigest()[:16]}.asl.json"
            s3.put_object(Bucket=BUCKET, Key=key, Body=body)
            properties["DefinitionUri"] = f"s3://{BUCKET}/{key}"
    body = json.dumps(template).encode()
    key = f"template-{hashlib.sha256(body).hexdigest()[:16]}.json"
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"{s3.meta.endpoint_url}/{BUCKET}/{key}"


def deploy(stage, stack, parameters):
    """Makes the stack and gives back its outputs."""
    formation = stage.boto("cloudformation")
    address = upload(stage.boto("s3"), load_template(), stage.scale)
    formation.create_stack(
        StackName=stack, TemplateURL=address,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": key, "ParameterValue": str(value)} for key, value in parameters.items()],
    )
    try:
        formation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except Exception as error:
        reasons = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in formation.describe_stack_events(StackName=stack)["StackEvents"]
            if "FAILED" in event["ResourceStatus"]
        ]
        raise Trouble(f"The local cloud refused the template ({error}): " + "; ".join(reasons)) from None
    outputs = formation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}
