"""The minute hand: runs the sweep every second while it is open, as the schedule does every minute."""

import threading


class Sweeping:
    """`with Sweeping(stage):` sweeps once a second. What a pass answered is kept; a pass that failed fails the test."""

    def __init__(self, stage, seconds=1.0):
        self.stage, self.seconds = stage, seconds
        self.passes, self.failed = [], None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._end.is_set():
            try:
                self.passes.append(self.stage.sweep())
            except Exception as error:  # told where the test can see it
                self.failed = error
                return
            self._end.wait(self.seconds)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._end.set()
        self._thread.join(30)
        if self.failed is not None and kind is None:
            raise self.failed
