"""A stage: the local cloud, the simulator and the platforms' stand-in with Lunora deployed on them.

`with Stage(...) as stage:` brings it up on ports of its own and ends it to the last process,
whatever happens in between. `make run` uses the fixed ports, tests take free ones and may run
several stages side by side. A stage holds no decisions: it edits records as any client would.
"""

import json
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config

from local import cloud, deploy, ports as port_numbers, simulator
from local.say import Trouble

ACCOUNT = "123456789012"
REGION = "us-west-2"
PREFIX = "/lunora-player/streaming"
PASSPHRASE = "canary-srt-passphrase"


class Stage:
    """Everything of Lunora on this machine, for as long as it is open."""

    def __init__(self, run_dir=None, ports=None, auth=False, media="ffmpeg", scale=10, account=ACCOUNT,
                 stack="lunora", keys=None, parameters=None, seed=1, with_platforms=True, log_dir=None):
        """`keys`: parameter name below the prefix -> stream key (invented). `parameters`: of the template, by name.
        `scale`: how many times faster than AWS the simulator's time passes."""
        self.run_dir = run_dir or tempfile.mkdtemp(prefix="lunora-stage-")
        self.own_dir = run_dir is None
        self.log_dir = log_dir or os.path.join(self.run_dir, "log")
        self.ports = ports or port_numbers.free()
        self.auth, self.media, self.scale, self.seed = auth, media, scale, seed
        self.account, self.stack = account, stack
        self.keys = dict(keys or {})
        self.parameters = dict(parameters or {})
        self.with_platforms = with_platforms
        self.region = REGION
        self.outputs, self._clients = {}, {}
        self.cloud = self.simulator = self.platforms = None
        self.flow_arn = self.security_group = self.egress = None

    # ------------------------------------------------------------------ up and down

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def log(self, name):
        """The log file of one of the children."""
        return os.path.join(self.log_dir, name + ".log")

    def start(self):
        """Brings everything up; what was already started ends again if something fails."""
        try:
            self.cloud = cloud.start(self.ports.cloud, self.run_dir, self.log("cloud"), self.auth)
            for name, key in self.keys.items():
                self.put_key(name, key)
            resolve, trust = [], None
            if self.with_platforms:
                from local.platforms import Platforms
                self.platforms = Platforms(
                    os.path.join(self.run_dir, "platforms"), self.ports.rtmp, self.ports.rtmps, self.ports.callbacks,
                    {key: name for name, key in self.keys.items()},
                )
                self.platforms.start()
                resolve, trust = self.platforms.resolve_arguments(), str(self.platforms.ca_file)
            self.simulator = simulator.Simulator(
                simulator.arguments(self.ports, self.account, self.region, self.scale, self.media, resolve, trust, self.seed),
                self.log("simulator"), {**self.environment(), "PATH": os.environ["PATH"], "HOME": self.run_dir},
            )
            self.make_feed()
            self.outputs = deploy.deploy(self, self.stack, {**self.template_parameters(), **self.parameters})
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Ends every process that this stage started. Safe to call twice."""
        for each in (self.simulator, self.platforms, self.cloud):
            if each:
                each.stop()
        self.simulator = self.platforms = self.cloud = None
        if self.own_dir:
            shutil.rmtree(self.run_dir, ignore_errors=True)

    def make_feed(self):
        """What CloudFormation makes on AWS and cannot make here: the flow, its secret and the security group.

        The flow carries our tag, so Lunora may start and stop it."""
        secret = self.boto("secretsmanager").create_secret(Name=f"lunora-{self.stack}-srt", SecretString=PASSPHRASE)["ARN"]
        decryption = {"KeyType": "srt-password", "SecretArn": secret,
                      "RoleArn": f"arn:aws:iam::{self.account}:role/lunora-{self.stack}-flow"}
        sources = [{"Name": name, "Protocol": "srt-listener", "IngestPort": port, "WhitelistCidr": "127.0.0.1/32",
                    "MinLatency": 200, "MaxBitrate": 20_000_000, "Decryption": decryption}
                   for name, port in (("primary", self.ports.srt), ("backup", self.ports.srt_backup))]
        flow = self.boto("mediaconnect").create_flow(
            Name=f"lunora-{self.stack}", Sources=sources,
            SourceFailoverConfig={"State": "ENABLED", "FailoverMode": "FAILOVER", "SourcePriority": {"PrimarySource": "primary"}},
            FlowTags={"lunora:stack": self.stack},
        )["Flow"]
        self.flow_arn = flow["FlowArn"]
        self.egress = flow["EgressIp"] + "/32"
        self.security_group = self.boto("medialive").create_input_security_group(
            WhitelistRules=[{"Cidr": self.egress}], Tags={"lunora:stack": self.stack},
        )["SecurityGroup"]["Id"]

    def template_parameters(self):
        """The parameters that the local cloud needs; everything else is the template's own default."""
        return {
            "Architecture": "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64",
            "StackLabel": self.stack, "EncoderCidr": "127.0.0.1/32",
            "FlowArn": self.flow_arn, "FlowEgressCidr": self.egress, "InputSecurityGroupId": self.security_group,
            "EventSources": simulator.EVENT_SOURCE,
            "MediaLiveEndpoint": self.simulator.address, "MediaConnectEndpoint": self.simulator.address,
            "GraceSeconds": 900, "FlowGraceSeconds": 900,
        }

    # ------------------------------------------------------------------ clients

    @property
    def address(self):
        """The local cloud's endpoint."""
        return f"http://127.0.0.1:{self.ports.cloud}"

    def environment(self):
        """What any AWS client needs to take over."""
        environment = {
            "AWS_ENDPOINT_URL": self.address,
            # A 12-digit access key is that account's root in the local cloud.
            "AWS_ACCESS_KEY_ID": self.account, "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "SAM_CLI_TELEMETRY": "0",
        }
        if self.simulator:
            environment["AWS_ENDPOINT_URL_MEDIALIVE"] = self.simulator.address
            environment["AWS_ENDPOINT_URL_MEDIACONNECT"] = self.simulator.address
        if self.outputs:
            environment["DESTINATIONS_TABLE"] = self.destinations_table
            environment["LEDGER_TABLE"] = self.ledger_table
            environment["SESSIONS_TABLE"] = self.sessions_table
            environment["STATE_MACHINE_ARN"] = self.state_machine_arn
        return environment

    def boto(self, service):
        """A client of this stage; MediaLive and MediaConnect are the simulator's."""
        if service not in self._clients:
            endpoint = self.simulator.address if service in ("medialive", "mediaconnect") else self.address
            self._clients[service] = boto3.session.Session().client(
                service, region_name=self.region, endpoint_url=endpoint, aws_access_key_id=self.account,
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 4, "mode": "standard"}, s3={"addressing_style": "path"}),
            )
        return self._clients[service]

    @property
    def destinations_table(self):
        """The operator's table."""
        return self.outputs["DestinationsTableName"]

    @property
    def ledger_table(self):
        """Lunora's own table."""
        return self.outputs["LedgerTableName"]

    @property
    def sessions_table(self):
        """What was streamed and what it cost."""
        return self.outputs["SessionsTableName"]

    @property
    def state_machine_arn(self):
        """The state machine `reconcile`."""
        return self.outputs["StateMachineArn"]

    @property
    def srt_address(self):
        """Where the encoder sends."""
        return f"srt://127.0.0.1:{self.ports.srt}"

    @property
    def backup_srt_address(self):
        """Where the second encoder sends."""
        return f"srt://127.0.0.1:{self.ports.srt_backup}"

    # ------------------------------------------------------------------ records, as an operator edits them

    def put_key(self, name, key):
        """A stream key as a SecureString below the prefix; gives back the parameter's name."""
        full = name if name.startswith("/") else f"{PREFIX}/{name}"
        self.boto("ssm").put_parameter(Name=full, Value=key, Type="SecureString", Overwrite=True)
        return full

    def put(self, destination_id, **attributes):
        """PutItem: the whole record."""
        self.boto("dynamodb").put_item(
            TableName=self.destinations_table, Item=_wire({"destination_id": destination_id, **attributes}))

    def update(self, destination_id, *, remove=(), **attributes):
        """UpdateItem: some attributes of a record."""
        names = {f"#n{index}": name for index, name in enumerate([*attributes, *remove])}
        values = {f":v{index}": value for index, value in enumerate(attributes.values())}
        clauses = []
        if attributes:
            clauses.append("SET " + ", ".join(f"#n{index} = :v{index}" for index in range(len(attributes))))
        if remove:
            clauses.append("REMOVE " + ", ".join(f"#n{len(attributes) + index}" for index in range(len(remove))))
        request = {"UpdateExpression": " ".join(clauses), "ExpressionAttributeNames": names}
        if values:
            request["ExpressionAttributeValues"] = _wire(values)
        self.boto("dynamodb").update_item(
            TableName=self.destinations_table, Key=_wire({"destination_id": destination_id}), **request)

    def delete(self, destination_id):
        """DeleteItem."""
        self.boto("dynamodb").delete_item(TableName=self.destinations_table, Key=_wire({"destination_id": destination_id}))

    def record(self, destination_id):
        """The record as it is now, or None."""
        return self._item(self.destinations_table, destination_id)

    def ledger(self, row_id):
        """A row of the ledger as it is now, or None."""
        return self._item(self.ledger_table, row_id)

    def _item(self, table, row_id):
        answer = self.boto("dynamodb").get_item(TableName=table, Key=_wire({"destination_id": row_id}), ConsistentRead=True)
        return _plain(answer["Item"]) if "Item" in answer else None

    def records(self):
        """All records by id."""
        return self._scan(self.destinations_table)

    def ledger_rows(self):
        """All rows of the ledger by id."""
        return self._scan(self.ledger_table)

    def _scan(self, table):
        pages = self.boto("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return {row["destination_id"]: row for page in pages for row in map(_plain, page["Items"])}

    # ------------------------------------------------------------------ waiting for what one can see

    def wait_until(self, look, seconds, what):
        """Looks until `look()` gives something true, and gives it back; `what` is for the complaint."""
        until = time.monotonic() + seconds
        while True:
            answer = look()
            if answer:
                return answer
            if time.monotonic() > until:
                raise AssertionError(f"waited {seconds} s in vain for: {what}")
            self.check_alive()
            time.sleep(0.1)

    def wait_for(self, destination_id, wanted, timeout=60):
        """Waits for a record: `wanted` is a status or a function of the record (None when it is gone)."""
        check = wanted if callable(wanted) else (lambda record: bool(record) and record.get("streaming_status") == wanted)
        seen = []

        def look():
            seen[:] = [self.record(destination_id)]
            return check(seen[0])

        try:
            self.wait_until(look, timeout, f"{destination_id} to be {wanted if isinstance(wanted, str) else 'as wanted'}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {json.dumps(seen[0], default=str)}") from None
        return seen[0]

    def wait_gone(self, destination_id, timeout=90):
        """Waits until the simulator holds nothing of this destination any more."""
        self.wait_until(lambda: not self.held(destination_id), timeout, f"nothing of {destination_id} to be left")

    def held(self, destination_id):
        """What the simulator holds of one destination: names of inputs, channels and flow outputs."""
        name, state = f"lunora-{self.stack}-{destination_id}", self.simulator.state()
        found = [f"input {each['id']}" for each in state["inputs"] if each["name"] == name]
        found += [f"channel {each['id']}" for each in state["channels"] if each["name"] == name]
        found += [f"flow output {each['name']}" for flow in state["flows"] for each in flow["outputs"] if each["name"] == name]
        return found

    def check_alive(self):
        """Complains if a child has died."""
        for child in (self.cloud, self.simulator and self.simulator.child):
            if child and not child.running():
                raise Trouble(f"{child.name} ended by itself. Its last words:\n{child.last_words()}")

    # ------------------------------------------------------------------ what went on inside

    def sweep(self):
        """Runs the sweep now and gives back its answer."""
        answer = self.boto("lambda").invoke(FunctionName=f"lunora-{self.stack}-sweep", Payload=json.dumps(
            {"version": "0", "id": "00000000-0000-0000-0000-000000000000", "detail-type": "Scheduled Event",
             "source": "aws.events", "account": self.account, "time": "2026-11-21T00:00:00Z", "region": self.region,
             "resources": [], "detail": {}}).encode())
        body = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise AssertionError(f"the sweep failed: {body}")
        return json.loads(body or "null")

    def executions(self, destination_id=None):
        """The executions of `reconcile`, newest first, of one destination or of all."""
        client = self.boto("stepfunctions")
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=self.state_machine_arn)
        runs = [run for page in pages for run in page["executions"]]
        with ThreadPoolExecutor(8) as pool:
            details = list(pool.map(lambda run: client.describe_execution(executionArn=run["executionArn"]), runs))
        return [run for run in details if destination_id is None
                or json.loads(run.get("input") or "{}").get("destination_id") == destination_id]

    def history(self, execution_arn):
        """All events of one execution."""
        pages = self.boto("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        return [event for page in pages for event in page["events"]]

    def replay(self, destination_id):
        """A new execution with the same input, as the console's "New execution" makes it."""
        return self.boto("stepfunctions").start_execution(
            stateMachineArn=self.state_machine_arn, input=json.dumps({"destination_id": destination_id}))["executionArn"]


def _wire(item):
    return {name: TypeSerializer().serialize(value) for name, value in item.items()}


def _plain(item):
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
