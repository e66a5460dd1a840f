"""Where things are: the repository, the git-ignored state folder and the tools' folders."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STATE = os.path.join(ROOT, ".local")
LOGS = os.path.join(STATE, "log")
ENV_FILE = os.path.join(STATE, "env")
VENV_CLOUD = os.path.join(STATE, "venv-cloud")
VENV_TOOLS = os.path.join(STATE, "venv-tools")
TEMPLATE = os.path.join(ROOT, "template.yaml")


def target():
    """Cargo's target folder, as cargo itself would choose it."""
    return os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")


def built(name, profile="local"):
    """A program of the workspace, built with the profile `local` or another."""
    return os.path.join(target(), profile, name)


def tool(name):
    """A program of the tools' folder (aws, sam, cfn-lint, pytest)."""
    return os.path.join(VENV_TOOLS, "bin", name)
