"""The demo as a test: the same story with real video, on free ports, with every function's role enforced.

The sweep's own minutes are waited for once, where a limit acts; the flow's stop is swept by hand.
"""

import os
import sys

from local import places, say, story, troubles
from local.feed import Feed
from local.say import Trouble
from local.stage import PASSPHRASE, Stage


def main():
    """0 if every check of the story held."""
    try:
        with Stage(auth=True, scale=10, keys=story.KEYS, log_dir=os.path.join(places.LOGS, "rehearsal"),
                   parameters={"GraceSeconds": 30, "FlowGraceSeconds": 5}) as stage, \
                Feed(stage.srt_address, PASSPHRASE) as feed:
            passed = story.tell(stage, patient=False)
            passed = troubles.tell(stage, feed) and passed
    except Trouble as trouble:
        say.trouble(trouble)
        return 1
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
