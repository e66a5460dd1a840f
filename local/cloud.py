"""The local cloud (ministack): DynamoDB, Lambda, Step Functions, EventBridge, SSM and more on one port."""

import json
import os
import urllib.request

from local import places
from local.children import Child


def start(port, run_dir, log, auth, further=None):
    """Starts it with a clean environment: the functions inherit all of it, and nothing else must reach them."""
    scratch = os.path.join(run_dir, "tmp")
    os.makedirs(scratch, exist_ok=True)
    address = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": run_dir,
        "TMPDIR": scratch,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        # Functions get the endpoint only if ministack has it; without it they would call AWS itself.
        "AWS_ENDPOINT_URL": address,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true" if auth else "false",
        "PYTHONDONTWRITEBYTECODE": "1",
        **(further or {}),
    }
    child = Child("the local cloud", [os.path.join(places.VENV_CLOUD, "bin", "ministack")], log, environment)
    try:
        child.wait_until(lambda: healthy(address), 30, "answer")
    except BaseException:
        child.stop()
        raise
    return child


def healthy(address):
    """Whether it answers."""
    try:
        with urllib.request.urlopen(f"{address}/_ministack/health", timeout=2) as answer:
            return bool(json.load(answer))
    except (OSError, ValueError):
        return False
