"""Cuts AWS's own API models down to what the simulator needs and writes model.json beside this file.

Input: the service-2 files of botocore (the version is noted in the output). Kept: every operation's
method, URI and status code (so that an unknown operation can be named), and the request shapes of
the operations the simulator answers (so that a request can be checked as AWS's model has it).

    python extract.py       # needs botocore
"""

import gzip
import json
import pathlib
import re

import botocore

ANSWERED = {
    "medialive": """CreateInput DescribeInput ListInputs UpdateInput DeleteInput CreateInputSecurityGroup
        DescribeInputSecurityGroup UpdateInputSecurityGroup DeleteInputSecurityGroup ListInputSecurityGroups
        CreateChannel DescribeChannel ListChannels UpdateChannel UpdateChannelClass StartChannel StopChannel
        DeleteChannel BatchStart BatchStop BatchDelete RestartChannelPipelines ListAlerts DescribeThumbnails
        CreateTags DeleteTags ListTagsForResource""".split(),
    "mediaconnect": """CreateFlow DescribeFlow ListFlows UpdateFlow StartFlow StopFlow DeleteFlow AddFlowOutputs
        UpdateFlowOutput RemoveFlowOutput AddFlowSources UpdateFlowSource RemoveFlowSource
        DescribeFlowSourceMetadata TagResource UntagResource ListTagsForResource""".split(),
}
VERSIONS = {"medialive": "2017-10-14", "mediaconnect": "2018-11-14"}


def load(service):
    path = pathlib.Path(botocore.__file__).parent / "data" / service / VERSIONS[service]
    return json.loads(gzip.decompress((path / "service-2.json.gz").read_bytes()))


def bounds(name):
    """MediaLive writes limits into shape names: `__integerMin1Max6`, `__stringMax32`, `MinNegative5`."""
    found = re.fullmatch(r"__[a-z]+?(?:Min((?:Negative)?[\d.]+))?(?:Max((?:Negative)?[\d.]+))?", name)
    number = lambda text: float(text.replace("Negative", "-")) if "." in text else int(text.replace("Negative", "-"))
    return {key: number(text) for key, text in zip(("min", "max"), found.groups()) if text} if found else {}


def cut(name, shape):
    """What a check needs of one shape."""
    kind = shape["type"]
    out = {"type": kind, **bounds(name)}
    for key in ("enum", "min", "max", "pattern"):
        if key in shape:
            out[key] = shape[key]
    if kind == "structure":
        body = {
            member.get("locationName", name): member["shape"]
            for name, member in shape["members"].items()
            if "location" not in member
        }
        names = {name: member for name, member in shape["members"].items()}
        required = [
            names[name].get("locationName", name)
            for name in shape.get("required", [])
            if "location" not in names[name]
        ]
        out["members"] = body
        if required:
            out["required"] = required
    elif kind == "list":
        out["member"] = shape["member"]["shape"]
    elif kind == "map":
        out["value"] = shape["value"]["shape"]
    return out


def reach(name, shapes, seen):
    if name in seen:
        return
    seen[name] = cut(name, shapes[name])
    shape = seen[name]
    for child in (*shape.get("members", {}).values(), shape.get("member"), shape.get("value")):
        if child:
            reach(child, shapes, seen)


def main():
    services = {}
    for service, answered in ANSWERED.items():
        model = load(service)
        shapes = {}
        operations = {}
        for name, operation in sorted(model["operations"].items()):
            http = operation["http"]
            row = {"method": http["method"], "uri": http["requestUri"], "code": http.get("responseCode", 200)}
            if name in answered:
                row["answered"] = True
                row["input"] = operation["input"]["shape"]
                row["errors"] = {
                    str(model["shapes"][error["shape"]]["error"]["httpStatusCode"]): error["shape"]
                    for error in operation.get("errors", [])
                }
                reach(row["input"], model["shapes"], shapes)
            operations[name] = row
        services[service] = {"operations": operations, "shapes": dict(sorted(shapes.items()))}
    lines = ['{"source": "botocore %s",' % botocore.__version__]
    for index, (service, parts) in enumerate(services.items()):
        lines.append('"%s": {' % service)
        for part, entries in parts.items():
            lines.append('"%s": {' % part)
            rows = [f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in entries.items()]
            lines.append(",\n".join(rows))
            lines.append("}" + ("," if part == "operations" else ""))
        lines.append("}" + ("," if index == 0 else ""))
    lines.append("}")
    target = pathlib.Path(__file__).with_name("model.json")
    target.write_text("\n".join(lines) + "\n")
    json.loads(target.read_text())


if __name__ == "__main__":
    main()
