"""The second story that `make run` tells: what goes wrong while the show runs, with real video.

Each trouble is made on purpose, what the viewers get is counted in frames, and what Lunora needed
for it is timed. The media services' own times are as fixed in `story.TIMES`.
"""

import time

from local import probe, say
from local.board import Board
from local.feed import Feed
from local.stage import PASSPHRASE
from local.story import TIMES, put, streams

FPS = 30


def tell(stage, feed):
    """Tells all of it; gives back whether every check passed. `feed` is the encoder that sends now."""
    results = []

    def check(passed, text):
        results.append(say.check(bool(passed), text))

    stage.simulator.post("times", TIMES)
    with Board(stage) as board:
        try:
            two_encoders(stage, board, feed, check)
            all_go(stage, board)
        except AssertionError as error:
            check(False, str(error))
            return False
    return all(results)


def all_go(stage, board):
    """Whatever the troubles have left on the air goes."""
    for name in sorted(set(stage.records()) - {"flow", "status"}):
        board.edit(name, "delete the record")
        stage.delete(name)
        stage.wait_gone(name)
        board.gone(name)


def flow_says(stage, active, timeout=30, **statuses):
    """Waits until the record `flow` says which source is used and where each is; gives the record."""
    def told(record):
        there = {each["name"]: each["status"] for each in (record or {}).get("sources", [])}
        return bool(record) and record.get("active_source") == active and all(
            there.get(name) == status for name, status in statuses.items())
    return stage.wait_for("flow", told, timeout)


def two_encoders(stage, board, feed, check):
    """The second encoder takes over from the first, and an edit goes back."""
    say.title("A second encoder, and the first one's line is cut")
    put(stage, board, "youtube-main")
    streams(stage, "youtube-main")
    with Feed(stage.backup_srt_address, PASSPHRASE, size=feed.size, fps=feed.fps, bitrate=feed.bitrate), \
            probe.Watcher(stage.platforms.play_url("youtube-main")) as viewer:
        flow_says(stage, "primary", primary="connected", backup="connected")
        board.edit("flow", "update: preferred_source auto (whichever is used stays until it drops)")
        stage.update("flow", preferred_source="auto")
        stage.wait_for("flow", lambda record: record.get("priority_source") == "none", 20)
        stage.wait_until(lambda: viewer.count() > 90, 30, "frames at the platform")
        began = time.monotonic()
        feed.stop()
        flow_says(stage, "backup", primary="disconnected")
        seen = time.monotonic() - began
        check(seen < 10, f"the record flow names the second encoder {seen:.1f} s after the cut")
        settle(stage, viewer)
        unbroken(stage, check, viewer, began, "over the cut")
        feed.start()
        flow_says(stage, "backup", primary="connected")
        check(True, "the first encoder is back, and nothing is switched by itself")
        began = time.monotonic()
        board.edit("flow", "update: preferred_source primary")
        stage.update("flow", preferred_source="primary")
        flow_says(stage, "primary", backup="connected")
        seen = time.monotonic() - began
        check(seen < 10, f"the edit is carried out and shown {seen:.1f} s after it")
        settle(stage, viewer)
        unbroken(stage, check, viewer, began, "over the edit")
        check(stage.platforms.publishers("youtube-main") == 1 and stage.record("youtube-main")["streaming_status"] == "streaming",
              "youtube-main was on the air all the time, over one connection")


def settle(stage, viewer):
    """Waits for three more seconds of the stream."""
    goal = viewer.count() + 3 * FPS
    stage.wait_until(lambda: viewer.count() >= goal, 30, "three more seconds of the stream")


def unbroken(stage, check, viewer, since, what):
    """The platform's stream goes on over a change of encoders: its gap in frames is told."""
    window = viewer.window(since)
    missing, gap = max(window.missing(FPS), 0), window.largest_gap()
    # MediaConnect leaves a silent source after half a second; MediaLive fills what is missing.
    check(viewer.watching() and missing <= 2 * FPS and gap < 2.0,
          f"youtube-main {what}: {window.frames} frames in {window.seconds:.1f} s, {missing} missing, largest gap {gap * 1000:.0f} ms")
