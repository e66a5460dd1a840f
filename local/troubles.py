"""The second story that `make run` tells: what goes wrong while the show runs, with real video.

Each trouble is made on purpose, what the viewers get is counted in frames, and what Lunora needed
for it is timed. The media services' own times are as fixed in `story.TIMES`.
"""

import json
import time
from decimal import Decimal

from local import probe, say
from local.board import Board
from local.feed import Feed
from local.stage import PASSPHRASE, PREFIX
from local.story import TIMES, put, streams, unharmed

FPS = 30
# Two servers of one platform, each with a key of its own. Their applications tell them apart at the stand-in.
STUDIO = {"rtmp_url": "rtmps://ingest.example.com/rtmp", "backup_rtmp_url": "rtmps://b.example.com/x"}
KEYS = {name: f"canary-{name}-2f9c" for name in ("studio", "studio-backup", "wrong-key", "right-key")}
# Short, so that the story need not wait for long; a show's is thirty.
NO_INPUT_SECONDS = 30
# Limits are kept by the sweep, which comes once a minute; then MediaLive stops and deletes.
LATE_SECONDS = 60 + 30


def tell(stage, feed):
    """Tells all of it; gives back whether every check passed. `feed` is the encoder that sends now."""
    results = []

    def check(passed, text):
        results.append(say.check(bool(passed), text))

    stage.simulator.post("times", TIMES)
    for name, key in KEYS.items():
        stage.put_key(name, key)
        stage.platforms.add_label(key, name)
    with Board(stage) as board, Post(stage) as post:
        try:
            two_encoders(stage, board, feed, check)
            wrong_key(stage, board, check)
            platform_lost(stage, board, check)
            feed_lost(stage, board, feed, check)
            told(stage, post, check)
            all_go(stage, board)
        except AssertionError as error:
            check(False, str(error))
            return False
    return all(results)


class Post:
    """The messages that people would get: a queue that listens to the topic."""

    NAME = "lunora-demo-post"

    def __init__(self, stage):
        self.stage, self.messages = stage, []

    def __enter__(self):
        sqs, sns = self.stage.boto("sqs"), self.stage.boto("sns")
        self.queue = sqs.create_queue(QueueName=self.NAME)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        topic = self.stage.outputs["IncidentsTopicArn"]
        sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]})})
        self.subscription = sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)["SubscriptionArn"]
        return self

    def __exit__(self, *_):
        self.stage.boto("sns").unsubscribe(SubscriptionArn=self.subscription)
        self.stage.boto("sqs").delete_queue(QueueUrl=self.queue)

    def read(self):
        """Every subject until now."""
        sqs = self.stage.boto("sqs")
        while got := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
            for message in got:
                self.messages.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [message.get("Subject") or "" for message in self.messages]


def wait_problem(stage, name, *codes, timeout=90):
    """Waits until a record shows one of these problems (or, without any, none); gives the record."""
    return stage.wait_for(
        name, lambda record: bool(record) and ((record.get("problem") or {}).get("code") in (codes or (None,))), timeout)


def put_custom(stage, board, name, key, **attributes):
    """A record for a server of one's own."""
    board.edit(name, "put: custom, 360p30, desired_state streaming")
    stage.put(name, platform="custom", preset_id="360p30", stream_key_param=f"{PREFIX}/{key}", desired_state="streaming", **attributes)


def wrong_key(stage, board, check):
    """The platform closes the connection; the record says so, and heals when the key is put right."""
    say.title("A stream key is wrong")
    stage.put_key("own-server", KEYS["wrong-key"])
    stage.platforms.refuse("wrong-key")
    put_custom(stage, board, "own-server", "own-server", rtmp_url="rtmps://live.example.com/app")
    stage.wait_until(lambda: stage.platforms.refused("wrong-key"), 60, "the platform to refuse the key")
    began = time.monotonic()
    record = wait_problem(stage, "own-server", "rtmp_failed", "output_failed")
    seen = time.monotonic() - began
    check(seen < 40, f"own-server says {record['problem']['code']} {seen:.1f} s after the first refusal: {record['problem']['advice'][:110]}")
    stage.put_key("own-server", KEYS["right-key"])
    began = time.monotonic()
    board.edit("own-server", "the parameter is put right; update: retry")
    stage.update("own-server", retry="the key is right now")
    stage.wait_until(lambda: "right-key" in stage.platforms.publishing(), 90, "video under the right key")
    wait_problem(stage, "own-server")
    check(True, f"it is on the air and shows no problem {time.monotonic() - began:.1f} s after the edit")
    board.edit("own-server", "delete the record")
    stage.delete("own-server")


def starts(stage, channel_id):
    """How often a channel was started."""
    return sum(call["operation"] == "StartChannel" and call["resource"] == channel_id and call["status"] < 300
               for call in stage.simulator.calls())


def platform_lost(stage, board, check):
    """One platform's server goes away: over to the backup, the others untouched, and nothing flaps when it is back."""
    say.title("A platform's server goes away")
    put(stage, board, "youtube-main")
    put_custom(stage, board, "studio", "studio", backup_stream_key_param=f"{PREFIX}/studio-backup", failover_enabled=True, **STUDIO)
    streams(stage, "youtube-main", "studio")
    with probe.Watcher(stage.platforms.play_url("youtube-main")) as neighbour:
        stage.wait_until(lambda: neighbour.count() > 60, 20, "frames of the neighbour")
        killed = time.monotonic()
        stage.platforms.kill_platform("rtmp")
        say.step("kill  studio          its primary server takes no connection any more")
        wait_problem(stage, "studio", "rtmp_failed", "output_failed", "on_backup")
        detected = time.monotonic() - killed
        stage.wait_for("studio", lambda record: record.get("current_url_type") == "backup", 120)
        switched = time.monotonic() - killed
        stage.wait_until(lambda: "studio-backup" in stage.platforms.publishing(), 60, "video at the backup server")
        stage.wait_for("studio", "streaming", 60)
        whole = time.monotonic() - killed
        media = (TIMES["channel_stop"] + TIMES["channel_start"]) / stage.scale
        check(whole < 120, f"studio streams to its backup: seen after {detected:.1f} s, decided after {switched:.1f} s, on the air after "
                           f"{whole:.1f} s, of which MediaLive's stop and start took {media:.1f} s")
        record = wait_problem(stage, "studio", "on_backup")
        check(record["current_url_type"] == "backup", f"the record says so: {record['problem']['message']}")
        stage.platforms.restore("rtmp")
        say.step("mend  studio          its primary server is back")
        channel, back = record["channel_id"], time.monotonic()
        stage.wait_until(lambda: time.monotonic() - back > 15, 30, "fifteen seconds in which it might flap")
        check("studio-backup" in stage.platforms.publishing() and starts(stage, channel) == 2, "nothing flaps: it stays on the backup, with two starts in all")
        board.edit("studio", "update: retry (back to the primary, at a moment of one's own choice)")
        stage.update("studio", retry="back")
        stage.wait_until(lambda: "studio" in stage.platforms.publishing(), 60, "video at the primary server")
        stage.wait_for("studio", lambda record: record.get("current_url_type") == "primary" and record["streaming_status"] == "streaming", 60)
        check(starts(stage, channel) == 3, "an edit goes back, with one start more")
        unharmed(check, "youtube-main", neighbour.window(killed), "all the while")


def feed_lost(stage, board, feed, check):
    """Nobody sends any more: the platform's session goes on with a slate until the limit ends it."""
    say.title("The feed is cut")
    stage.update("youtube-main", no_input_minutes_max=Decimal(NO_INPUT_SECONDS) / 60)
    stage.update("studio", no_input_minutes_max=Decimal(NO_INPUT_SECONDS) / 60)
    with probe.Watcher(stage.platforms.play_url("youtube-main")) as viewer:
        stage.wait_until(lambda: viewer.count() > 60, 20, "frames")
        cut = time.monotonic()
        feed.stop()
        say.step("cut   the encoder's line")
        stage.wait_for("flow", lambda record: "no_input_since" in record, 30)
        known = time.monotonic() - cut
        for name in ("youtube-main", "studio"):
            wait_problem(stage, name, "no_input", "cap_warning", "cap_no_input")
        seen = time.monotonic() - cut
        check(seen < 30, f"the record flow says no input after {known:.1f} s, both destinations after {seen:.1f} s")
        stage.wait_until(lambda: time.monotonic() - cut > 20, 30, "some seconds of slate")
        window = viewer.window(cut)
        check(viewer.watching() and window.largest_gap() < 2 and window.seconds > 12,
              f"youtube-main's viewers get a slate: {window.frames} frames in {window.seconds:.1f} s, {max(window.missing(FPS), 0)} missing, "
              f"largest gap {window.largest_gap() * 1000:.0f} ms, one connection")
    for name in ("youtube-main", "studio"):
        record = wait_problem(stage, name, "cap_no_input", timeout=NO_INPUT_SECONDS + LATE_SECONDS)
        stage.wait_gone(name)
        board.gone(name)
    whole = time.monotonic() - cut
    check(NO_INPUT_SECONDS < whole < NO_INPUT_SECONDS + LATE_SECONDS,
          f"both are stopped and deleted {whole:.1f} s after the cut (the limit is {NO_INPUT_SECONDS} s, the sweep comes once a minute): "
          f"{record['problem']['message']}")
    check(not any(stage.held(name) for name in ("youtube-main", "studio", "own-server")), "nothing of them exists any more")
    feed.start()


def told(stage, post, check):
    """What people were told, and that nothing was told twice."""
    say.title("What people were told")
    subjects = post.read()
    for subject in subjects:
        say.line(f"       {subject}")
    check(subjects and len(subjects) == len(set(zip(subjects, map(since, post.messages)))), f"{len(subjects)} messages, none of them twice")
    text = json.dumps(post.messages)
    check(not any(key in text for key in KEYS.values()), "no stream key is in them")


def since(message):
    """What tells one incident from the next of the same name."""
    return message.get("Message", "")


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
