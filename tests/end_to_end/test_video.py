"""Real video: one encrypted feed, real encoders, a real RTMP server, and what its viewers get.

One test on a stage of its own, because the story is one: two streams are measured, a third joins
while they run, one leaves, and its neighbour's frames are counted throughout.
"""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from canary import Taps
from local import money, probe
from local.feed import Feed
from local.stage import PASSPHRASE, PREFIX, Stage

FPS = 30
# destination: (platform, server URL, preset). Two sizes, one rate: the feed's own.
DESTINATIONS = {
    "small": ("custom", "rtmps://live.example.com/live", "360p30"),
    "wide": ("youtube", "rtmps://a.rtmps.youtube.com:443/live2", "720p30"),
    "third": ("twitch", "rtmp://live-pdx.twitch.tv/app", "360p30"),
}
SIZES = {"360p30": (640, 360, 1_000_000), "720p30": (1280, 720, 3_000_000)}
KEYS = {name: f"canary-{name}-5c2e-video" for name in DESTINATIONS}
TIMES = {"law": "fixed", "input_create": 0, "channel_create": 2, "channel_start": 10, "channel_stop": 6, "channel_delete": 4,
         "input_detach": 2, "input_delete": 1, "flow_start": 4, "flow_stop": 4, "flow_update": 0.5, "read_lag": 0,
         "deleted_lingers": 60}


@pytest.fixture
def stage():
    """A stage with platforms and real media."""
    with Stage(auth=True, media="ffmpeg", scale=10, keys=KEYS, parameters={"GraceSeconds": 3}) as stage:
        stage.simulator.post("times", TIMES)
        yield stage


def put(stage, name):
    """A record that is to stream."""
    platform, url, preset = DESTINATIONS[name]
    stage.put(name, platform=platform, rtmp_url=url, preset_id=preset, stream_key_param=f"{PREFIX}/{name}", desired_state="streaming")


def streams(stage, *names):
    """Waits until records say so and platforms get video."""
    for name in names:
        stage.wait_for(name, "streaming", 60)
        stage.wait_until(lambda name=name: name in stage.platforms.publishing(), 30, f"video of {name} at its platform")


def source(stage):
    """The flow's first source, as the simulator sees it."""
    return stage.simulator.state()["flows"][0]["sources"][0]


def right(seen, preset):
    """Whether what a viewer gets is what the preset says."""
    width, height, bitrate = SIZES[preset]
    assert (seen.video_codec, seen.audio_codec, seen.width, seen.height) == ("h264", "aac", width, height), seen
    assert abs(seen.fps - FPS) < 0.3 and abs(seen.gop_seconds - 2) < 0.05 and seen.gop_spread < 0.1, seen
    assert abs(seen.video_bitrate / bitrate - 1) <= 0.15, seen


def unharmed(window):
    """Each frame of a stretch of a stream is there, once."""
    assert window.frames > 60, window.frames
    assert abs(window.missing(FPS)) <= 1 and window.doubled(FPS) == 0 and window.largest_gap() < 0.1, \
        f"{window.frames} frames in {window.seconds:.2f} s, {window.missing(FPS)} missing, largest gap {window.largest_gap():.3f} s"


def frames(stage, watcher, count):
    """Waits for so many more frames."""
    goal = watcher.count() + count
    stage.wait_until(lambda: watcher.count() >= goal, 30, f"{count} more frames")


def test_from_one_feed_to_many_and_back_to_nothing(stage):
    with contextlib.ExitStack() as stack:
        taps = stack.enter_context(Taps(stage))
        put(stage, "small")
        put(stage, "wide")
        # A wrong passphrase is refused: the flow listens, the channels run, no picture comes.
        with Feed(stage.srt_address, "canary-wrong-passphrase", size="640x360", bitrate=1_000_000) as wrong:
            stage.wait_until(lambda: stage.boto("mediaconnect").describe_flow(FlowArn=stage.flow_arn)["Flow"]["Status"] == "ACTIVE",
                             40, "the flow to listen")
            calls = wrong.calls
            stage.wait_until(lambda: wrong.calls >= calls + 3, 30, "three more calls with the wrong passphrase")
            assert not source(stage)["connected"]
        feed = stack.enter_context(Feed(stage.srt_address, PASSPHRASE))
        streams(stage, "small", "wide")
        stage.wait_until(lambda: source(stage)["connected"], 20, "the feed to be connected")

        with ThreadPoolExecutor(2) as pool:
            looks = list(pool.map(lambda name: probe.look(stage.platforms.play_url(name), 10), ("small", "wide")))
        for name, seen in zip(("small", "wide"), looks):
            right(seen, DESTINATIONS[name][2])

        # A third joins while they stream; then one is stopped and removed beside the other.
        watcher = stack.enter_context(probe.Watcher(stage.platforms.play_url("small")))
        other = stack.enter_context(probe.Watcher(stage.platforms.play_url("wide")))
        frames(stage, watcher, 60)
        frames(stage, other, 60)
        began = time.monotonic()
        frames(stage, watcher, 90)
        joins = time.monotonic()
        put(stage, "third")
        streams(stage, "third")
        frames(stage, watcher, 30)
        unharmed(other.window(began))
        leaves = time.monotonic()
        stage.update("wide", desired_state="ready")
        stage.wait_for("wide", "ready", 60)
        assert "wide" not in stage.platforms.publishing()
        stage.delete("wide")
        stage.wait_gone("wide")
        gone = time.monotonic()
        frames(stage, watcher, 90)
        for window in (watcher.window(began, joins), watcher.window(joins, leaves), watcher.window(leaves, gone),
                       watcher.window(gone), watcher.window(began)):
            unharmed(window)
        assert stage.platforms.publishers("small") == 1 and stage.platforms.published("small") == 1

        for name in ("small", "third"):
            stage.delete(name)
        for name in ("small", "third"):
            stage.wait_gone(name)
        assert stage.platforms.publishing() == []
        bill = stage.simulator.bill()
        theirs, ours, agree = money.compare(bill, {name: {"preset": preset} for name, (_, _, preset) in DESTINATIONS.items()})
        assert agree and theirs > Decimal("0.01"), (theirs, ours)
        assert any(line["kind"] == "egress" and line["bytes"] > 100_000 for line in bill["lines"])

        # With real encoders and a real RTMP server, the keys are nowhere either.
        found, seen = taps.search([*KEYS.values(), PASSPHRASE, "canary-wrong-passphrase"], "small")
        assert not found, found
        assert any(argument for argument in taps.arguments if b"ffmpeg" in argument), "no encoder was seen"
        assert "executions" in seen
