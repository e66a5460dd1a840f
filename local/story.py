"""The story that `make run` tells: five destinations, from record edits to real video and back to nothing."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from local import counts, leaks, money, places, probe, say
from local.board import Board
from local.stage import PREFIX

YOUTUBE = "rtmps://a.rtmps.youtube.com:443/live2"
# destination: (platform, server URL, preset). The feed has 30 frames per second, and so has every preset here.
DESTINATIONS = {
    "youtube-main": ("youtube", YOUTUBE, "720p30"),
    "twitch-main": ("twitch", "rtmp://live-pdx.twitch.tv/app", "360p30"),
    "restream-main": ("restream", "rtmp://live.restream.io/live", "360p30"),
    "facebook-main": ("facebook", "rtmps://live-api-s.facebook.com:443/rtmp/", "360p30"),
    "youtube-second": ("youtube", YOUTUBE, "360p30"),
}
# Invented keys, one for each. They are looked for everywhere by the tests, and must be nowhere.
KEYS = {name: f"canary-{name}-7b1f" for name in DESTINATIONS}
SIZES = {"720p30": (1280, 720, 3_000_000), "360p30": (640, 360, 1_000_000)}

# Seconds of AWS time, about the middle of what is usual there; fixed, so that what Lunora adds can
# be told from what the media services take.
TIMES = {
    "law": "fixed", "input_create": 1, "channel_create": 4, "channel_start": 40, "channel_stop": 20, "channel_delete": 10,
    "input_detach": 2, "input_delete": 2, "flow_start": 15, "flow_stop": 10, "flow_update": 0.5, "read_lag": 0,
    "deleted_lingers": 60,
}


def tell(stage, patient=True):
    """Tells all of it; gives back whether every check passed. Not patient: the sweep that ends it is run by hand."""
    results = []

    def check(passed, text):
        results.append(say.check(bool(passed), text))

    stage.simulator.post("times", TIMES)
    foreign = plant_foreign(stage)
    with Board(stage) as board:
        try:
            two(stage, board, check)
            third(stage, board, check)
            five(stage, board, check)
            one_goes(stage, board, check)
            all_go(stage, board, check, patient)
        except AssertionError as error:
            check(False, str(error))
            return False
    nothing_left(stage, foreign, check)
    bill(stage, check)
    overheads(stage, board, check)
    return all(results)


def put(stage, board, name):
    """PutItem of a record that is to stream."""
    platform, url, preset = DESTINATIONS[name]
    board.edit(name, f"put: {platform}, {preset}, desired_state streaming")
    stage.put(name, name=name.replace("-", " ").title(), platform=platform, rtmp_url=url, preset_id=preset,
              stream_key_param=f"{PREFIX}/{name}", desired_state="streaming")


def streams(stage, *names):
    """Waits until the records say streaming and the platforms really get video."""
    for name in names:
        stage.wait_for(name, "streaming", 180)
    for name in names:
        stage.wait_until(lambda name=name: name in stage.platforms.publishing(), 30, f"video of {name} at its platform")


def plant_foreign(stage):
    """Resources of somebody else in the same account, one of them with a name like ours. Nobody may touch them."""
    stage.simulator.post("quotas", {"push_inputs": 6})
    live, connect = stage.boto("medialive"), stage.boto("mediaconnect")
    stranger = live.create_input(Name=f"lunora-{stage.stack}-stranger", Type="RTP_PUSH",
                                 InputSecurityGroups=[stage.security_group])["Input"]["Id"]
    output = connect.add_flow_outputs(FlowArn=stage.flow_arn, Outputs=[{
        "Name": "recorder", "Protocol": "rtp", "Destination": "192.0.2.50", "Port": 5000}])["Outputs"][0]["OutputArn"]
    return {"input": stranger, "output": output}


def two(stage, board, check):
    """Two destinations with different presets, looked at closely."""
    say.title("Two destinations from one encrypted feed")
    for name in ("youtube-main", "twitch-main"):
        put(stage, board, name)
    streams(stage, "youtube-main", "twitch-main")
    say.step("looking at both streams as their platforms get them")
    with ThreadPoolExecutor(2) as pool:
        looks = dict(zip(("youtube-main", "twitch-main"), pool.map(
            lambda name: probe.look(stage.platforms.play_url(name), 14), ("youtube-main", "twitch-main"))))
    for name, seen in looks.items():
        width, height, bitrate = SIZES[DESTINATIONS[name][2]]
        right = (seen.video_codec == "h264" and seen.audio_codec == "aac" and (seen.width, seen.height) == (width, height)
                 and abs(seen.fps - 30) < 0.3 and abs(seen.gop_seconds - 2) < 0.05 and seen.gop_spread < 0.1
                 and abs(seen.video_bitrate / bitrate - 1) <= 0.15)
        check(right, f"{name}: {seen.video_codec} + {seen.audio_codec}, {seen.width}x{seen.height}, {seen.fps:.2f} frames/s, "
                     f"key frame every {seen.gop_seconds:.2f} s, {seen.video_bitrate / 1e6:.2f} Mb/s of {bitrate / 1e6:.1f}")


def unharmed(check, name, window, what):
    """One check that a stretch of a stream has each of its frames, once."""
    missing, doubled = window.missing(30), window.doubled(30)
    check(window.frames > 30 and abs(missing) <= 1 and doubled == 0 and window.largest_gap() < 0.1,
          f"{name} {what}: {window.frames} frames in {window.seconds:.1f} s, {max(missing, 0)} missing, {doubled} twice, "
          f"largest gap {window.largest_gap() * 1000:.0f} ms")


def third(stage, board, check):
    """A third joins while two stream."""
    say.title("A third joins while they stream")
    with probe.Watcher(stage.platforms.play_url("youtube-main")) as first, \
            probe.Watcher(stage.platforms.play_url("twitch-main")) as second:
        stage.wait_until(lambda: first.count() > 60 and second.count() > 60, 20, "frames of both")
        began = time.monotonic()
        put(stage, board, "restream-main")
        streams(stage, "restream-main")
        for name, watcher in (("youtube-main", first), ("twitch-main", second)):
            unharmed(check, name, watcher.window(began), "meanwhile")


def five(stage, board, check):
    """Five at once, two of them at one platform."""
    say.title("Five at once, two of one platform")
    for name in ("facebook-main", "youtube-second"):
        put(stage, board, name)
    streams(stage, *DESTINATIONS)
    on_air = sorted(set(stage.platforms.publishing()) & set(DESTINATIONS))
    check(len(on_air) == 5, f"at their platforms at the same time: {', '.join(on_air)}")


def one_goes(stage, board, check):
    """One is stopped and removed; its neighbour is watched before, meanwhile and after."""
    say.title("One is stopped and removed; its neighbour must not notice")
    with probe.Watcher(stage.platforms.play_url("youtube-main")) as neighbour:
        stage.wait_until(lambda: neighbour.count() > 60, 20, "frames of the neighbour")
        before = time.monotonic()
        time.sleep(6)
        during = time.monotonic()
        board.edit("twitch-main", "update: desired_state ready")
        stage.update("twitch-main", desired_state="ready")
        stage.wait_for("twitch-main", "ready", 90)
        stage.wait_until(lambda: ("twitch-main", "ready") in board.took, 5, "the board to show it")
        check("twitch-main" not in stage.platforms.publishing(), "twitch-main has left its platform")
        remove(stage, board, "twitch-main")
        stage.wait_gone("twitch-main")
        board.gone("twitch-main")
        after = time.monotonic()
        time.sleep(6)
        unharmed(check, "youtube-main", neighbour.window(before, during), "before")
        unharmed(check, "youtube-main", neighbour.window(during, after), "meanwhile")
        unharmed(check, "youtube-main", neighbour.window(after), "after")
        unharmed(check, "youtube-main", neighbour.window(before), "in all")


def remove(stage, board, name):
    """DeleteItem: a deleted record means removed."""
    board.edit(name, "delete the record")
    stage.delete(name)


def all_go(stage, board, check, patient):
    """All others are removed, one of them by its wish and three by deleting the record."""
    say.title("All are removed")
    board.edit("restream-main", "update: desired_state removed")
    stage.update("restream-main", desired_state="removed")
    for name in ("youtube-main", "facebook-main", "youtube-second"):
        remove(stage, board, name)
    waiting = {"restream-main", "youtube-main", "facebook-main", "youtube-second"}

    def all_gone():
        for name in sorted(waiting):
            if not stage.held(name):
                waiting.discard(name)
                board.gone(name)
        return not waiting

    stage.wait_until(all_gone, 180, "everything to be gone")
    record = stage.wait_for("restream-main", "ready", 30)
    stage.wait_until(lambda: ("restream-main", "ready") in board.took, 5, "the board to show it")
    check(not any(record.get(field) for field in ("input_id", "channel_id", "mediaconnect_output_arn")),
          "the record that stayed is ready and names no resource")
    board.edit("restream-main", "delete the record")
    stage.delete("restream-main")
    say.step("nobody needs the flow any more; the sweep, once a minute, stops it")

    def stands_by():
        if not patient:
            stage.sweep()
        return flow_status(stage) == "STANDBY"

    flow = stage.wait_until(stands_by, 200, "the flow to be stopped by the sweep")
    check(flow, "the flow is in STANDBY, where it costs nothing")


def flow_status(stage):
    """The flow's status, read where it is not counted as a call of the API."""
    return next(flow["status"] for flow in stage.simulator.state()["flows"] if flow["arn"] == stage.flow_arn)


def nothing_left(stage, foreign, check):
    """Nothing of ours, everything of others."""
    say.title("What is left")
    left = [what for name in DESTINATIONS for what in stage.held(name)]
    check(not left, f"no input, output or channel of the five destinations{': ' + ', '.join(left) if left else ''}")
    live, connect = stage.boto("medialive"), stage.boto("mediaconnect")
    stranger = live.describe_input(InputId=foreign["input"])
    outputs = connect.describe_flow(FlowArn=stage.flow_arn)["Flow"]["Outputs"]
    check(stranger["State"] == "DETACHED" and [each["OutputArn"] for each in outputs] == [foreign["output"]],
          "what belongs to others is as it was: an input with a name like ours, an output on our flow")
    group = live.describe_input_security_group(InputSecurityGroupId=stage.security_group)
    check([rule["Cidr"] for rule in group["WhitelistRules"]], "the input security group is as it was")
    still_running = [run["name"] for run in stage.executions() if run["status"] == "RUNNING"]
    failed = [run["name"] for run in stage.executions() if run["status"] not in ("RUNNING", "SUCCEEDED")]
    check(not still_running and not failed, f"no execution is running, none failed{': ' + ', '.join(still_running + failed) if still_running + failed else ''}")
    found = leaks.search(stage, KEYS.values(), [stage.run_dir, places.LOGS])
    check(not found, f"no stream key in tables, histories, logs, files or process arguments{': ' + ', '.join(found[:5]) if found else ''}")


def bill(stage, check):
    """The simulator's bill and the cost model's."""
    say.title("The bill, in AWS time and list prices")
    theirs = stage.simulator.bill()
    for kind, usd in sorted(money.by_kind(theirs["lines"]).items()):
        say.line(f"       {kind.replace('_', ' '):<20} ${usd:.4f}")
    encodes = {name: {"preset": preset} for name, (_, _, preset) in DESTINATIONS.items()}
    simulators, models, agree = money.compare(theirs, encodes)
    check(agree, f"the simulator bills ${simulators:.6f}, the cost model says ${models:.6f}: the same to the cent")
    rest = money.cost("at-rest")
    say.line(f"       The control plane at rest: ${Decimal(rest['total_usd']):.2f} a month "
             f"(${Decimal(rest['total_usd_after_free_units']):.2f} after AWS's free units).")


def overheads(stage, board, check):
    """What Lunora adds to the time that the media services take, and what a life of a destination counts."""
    say.title("What Lunora adds to the media services' own time")
    made = TIMES["input_create"] + TIMES["channel_create"]
    ended = TIMES["channel_delete"] + TIMES["input_detach"] + TIMES["input_delete"]
    say.line(f"       {'':<15} {'edit to streaming':>17} {'media':>7} {'Lunora':>7}   {'removal to gone':>17} {'media':>7} {'Lunora':>7}")
    for name in DESTINATIONS:
        # The first two find the flow in standby and wait for it too; twitch-main was stopped before its removal.
        flow = TIMES["flow_start"] if name in ("youtube-main", "twitch-main") else 0
        up = (made + flow + TIMES["channel_start"]) / stage.scale
        down = (ended + (0 if name == "twitch-main" else TIMES["channel_stop"])) / stage.scale
        streaming, gone = board.took[name, "streaming"], board.took[name, "gone"]
        say.line(f"       {name:<15} {streaming:15.1f} s {up:5.1f} s {streaming - up:5.1f} s   {gone:15.1f} s {down:5.1f} s {gone - down:5.1f} s")
    transitions = counts.transitions(stage)
    times, spent = counts.invocations(stage)
    calls = counts.calls(stage)
    lives, sweeps = len(DESTINATIONS), times.pop("sweep", 0)
    spent.pop("sweep", 0)
    invoked = sum(times.values())
    say.line(f"       Each destination's life took {sum(calls.values()) / lives:.0f} calls of MediaLive and MediaConnect, "
             f"{transitions / lives:.0f} transitions and {invoked / lives:.0f} invocations of {sum(spent.values()) / max(invoked, 1):.0f} ms "
             f"on average; the sweep ran {sweeps} times.")
    check(transitions and invoked and calls, "all of these were counted, none estimated")
