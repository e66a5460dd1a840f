"""The stage the end-to-end tests stand on, and what a failed test leaves to read.

Each process of the test run brings up one stage (local cloud with the functions' roles enforced,
simulator with fixed quick times, the very template) and keeps it for all its tests. A test makes
destinations through `show`, which removes them afterwards; a stage that does not come back to
nothing is thrown away, so that one failure does not cause the next.
"""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from local.stage import Stage  # noqa: E402  (the path has to be set first)

from letters import subscribed  # noqa: E402
from show import GRACE, Show  # noqa: E402

# Simulated seconds. Long enough that an edit can be made in the middle of each, and at 20 times
# AWS's pace short enough for the whole suite.
TIMES = {
    "law": "fixed", "channel_create": 12, "channel_start": 24, "channel_stop": 16, "channel_delete": 10,
    "channel_update": 4, "channel_recover": 40, "input_create": 0, "input_detach": 6, "input_delete": 2,
    "group_update": 0, "group_release": 0, "flow_start": 8, "flow_stop": 6, "flow_update": 1, "flow_delete": 4,
    "read_lag": 0, "deleted_lingers": 600,
}
SCALE = 20


class Stages:
    """The stage of this process, made when it is first asked for and again after it was spoilt."""

    def __init__(self):
        self.stage = None

    def get(self):
        """A stage with everything that can be set back at its default."""
        if self.stage is None:
            stage = Stage(auth=True, media="none", scale=SCALE, with_platforms=False,
                          parameters={"GraceSeconds": GRACE})
            stage.start()
            self.stage = stage
        settle(self.stage)
        return self.stage

    def throw_away(self):
        """Ends it; the next test gets a new one."""
        if self.stage is not None:
            stage, self.stage = self.stage, None
            stage.stop()


def settle(stage):
    """Takes back every fault, and sets times, quotas, options and events as they are meant to be."""
    control = stage.simulator
    control.delete("faults")
    control.post("events", {"drop": 0, "duplicate": 0, "delay_seconds": [0, 0], "shuffle": False})
    control.post("quotas", {"channels": 5, "push_inputs": 5, "security_groups": 5, "flow_outputs": 50, "flows": 20})
    control.post("options", {"wrong_state": "conflict", "stop_while_starting": "conflict", "start_while_creating": "400",
                             "over_quota": "403", "idempotent_replay": "first", "gave_up": "stops", "feed": "on"})
    control.post("times", TIMES)
    control.post("clock", {"scale": SCALE})


@pytest.fixture(scope="session")
def stages():
    """All stages of this process."""
    stages = Stages()
    yield stages
    stages.throw_away()


@pytest.fixture
def show(stages, request):
    """A stage to oneself, with nothing of Lunora's on it but what a module keeps."""
    show = Show(stages.get(), request.node.name)
    yield show
    try:
        settle(show.stage)
        show.clear()
    except BaseException:
        stages.throw_away()
        raise


@pytest.fixture
def mail(show):
    """What people are told from here on: gives all messages so far, whenever it is asked."""
    yield from subscribed(show)


@pytest.fixture
def stage(show):
    """The stage itself."""
    return show.stage


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the operator, the ledger, AWS and the executions have to say."""
    report = yield
    show = getattr(item, "funcargs", {}).get("show")
    if report.failed and show is not None and show.stage.simulator is not None:
        try:
            report.sections.append(("what is there now", show.tell()))
        except Exception as error:  # the report must not hide the failure it belongs to
            report.sections.append(("what is there now", f"cannot be told: {error!r}"))
    return report
