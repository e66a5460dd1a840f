"""`make run`: brings everything up, tells its stories by record edits alone, and stays.

The story: two destinations with different presets are looked at closely; a third and then two more
join while they stream; one is stopped and removed under the eyes of its neighbour; then all go.
After it comes what goes wrong while a show runs, made on purpose.
Every claim is checked and printed with a tick or a cross; with ONCE=1 the exit code says whether
all of them held.
"""

import os
import shutil
import signal
import sys
import time

from local import build, places, ports, say, story, troubles
from local.board import Board
from local.feed import Feed
from local.say import Trouble
from local.stage import PASSPHRASE, PREFIX, Stage


def main():
    """The whole of `make run`."""
    # Set even where a shell in the background has told us to ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    once = os.environ.get("ONCE", "") not in ("", "0")
    feed = os.environ.get("FEED", "test")
    try:
        if once and feed == "none":
            raise Trouble("ONCE=1 needs the test feed: leave FEED=none away, or leave ONCE=1 away.")
        chosen = ports.fixed()
        say.step("building (the first time takes some minutes, later only what changed)")
        build.compile_workspace()
        return run(chosen, once, feed, speed())
    except Trouble as trouble:
        say.trouble(trouble)
        return 1
    except KeyboardInterrupt:
        say.line()
        say.step("ended by you; nothing is left running")
        return 130 if once else 0


def speed():
    """How many times faster than AWS the simulator's media time passes."""
    text = os.environ.get("SPEED", "10")
    if not text.isdigit() or not 1 <= int(text) <= 100:
        raise Trouble(f"SPEED must be a whole number from 1 (as slow as AWS) to 100, and it is '{text}'.")
    return int(text)


def run(chosen, once, feed, scale):
    """Stage up, story, stay, stage down."""
    run_dir = os.path.join(places.STATE, "run")
    shutil.rmtree(run_dir, ignore_errors=True)
    stage = Stage(run_dir=run_dir, log_dir=places.LOGS, ports=chosen, scale=scale, keys=story.KEYS,
                  parameters={"GraceSeconds": 30, "FlowGraceSeconds": 5})
    say.step("starting the local cloud, the simulator and the platforms' stand-in, deploying template.yaml")
    with stage:
        write_env(stage)
        say.note(f"local cloud {stage.address}, simulator {stage.simulator.address}/_simulator/ (its time runs {scale} times faster)")
        encoder = None
        if feed != "none":
            encoder = Feed(stage.srt_address, PASSPHRASE)
            encoder.start()
        try:
            passed = True
            if encoder:
                say.note(f"a test feed goes to {stage.srt_address}, encrypted; FEED=none leaves that to your own encoder")
                passed = story.tell(stage)
                passed = troubles.tell(stage, encoder) and passed
            if once:
                say.line()
                say.step("all of it worked" if passed else "not all of it worked: see the crosses above")
                return 0 if passed else 1
            stay(stage, encoder)
            return 0
        finally:
            if encoder:
                encoder.stop()


def stay(stage, encoder):
    """Everything stays up for the person, until Ctrl-C."""
    say.title("It is yours now")
    if not encoder:
        say.line(f"""       Point your encoder at  {stage.srt_address}  as SRT caller, passphrase {PASSPHRASE}.
       (The flow listens as soon as the first destination starts.)""")
    key = f"{PREFIX}/{next(iter(story.KEYS))}"
    say.line(f"""       In another terminal, in this folder:
         source .local/env
         aws dynamodb put-item --table-name "$DESTINATIONS_TABLE" --item '{{"destination_id": {{"S": "mine"}},
           "platform": {{"S": "youtube"}}, "rtmp_url": {{"S": "rtmps://a.rtmps.youtube.com:443/live2"}},
           "stream_key_param": {{"S": "{key}"}}, "preset_id": {{"S": "360p30"}}, "desired_state": {{"S": "streaming"}}}}'
       More commands are in README.md. What exists and what it costs: {stage.simulator.address}/_simulator/
       Ctrl-C ends everything.""")
    with Board(stage):
        while True:
            stage.check_alive()
            time.sleep(1)


def write_env(stage):
    """Exports for the AWS CLI and the SDKs, so that any client can take over."""
    environment = {**stage.environment(), "SRT_ADDRESS": stage.srt_address, "SRT_PASSPHRASE": PASSPHRASE}
    lines = ["# Written by `make run`; read it with: source .local/env"]
    lines += [f"export {name}='{value}'" for name, value in sorted(environment.items())]
    lines.append(f"export PATH='{os.path.join(places.VENV_TOOLS, 'bin')}':\"$PATH\"")
    with open(places.ENV_FILE, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
