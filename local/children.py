"""Child processes: each in a group and a log of its own, ended by its number, never by a name."""

import os
import shutil
import signal
import subprocess
import time

from local.say import Trouble

# The kernel ends a child whose parent died without a goodbye (kill -9).
_LEASH = [shutil.which("setpriv"), "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []


class Child:
    """One program that runs until it is stopped."""

    def __init__(self, name, command, log, environment):
        self.name, self.log = name, log
        os.makedirs(os.path.dirname(log), exist_ok=True)
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                _LEASH + command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                env=environment, start_new_session=True,
            )

    def running(self):
        """Whether it still runs."""
        return self.process.poll() is None

    def last_words(self, count=12):
        """The end of its log."""
        with open(self.log, "rb") as file:
            return "\n".join(file.read()[-4000:].decode(errors="replace").splitlines()[-count:])

    def wait_until(self, ready, seconds, what):
        """Waits until `ready()` gives something true, and gives it back."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self.running():
                raise Trouble(f"{self.name} ended by itself (exit code {self.process.returncode}). Its last words:\n{self.last_words()}")
            answer = ready()
            if answer:
                return answer
            time.sleep(0.05)
        raise Trouble(f"{self.name} did not {what} within {seconds} s. Its last words:\n{self.last_words()}")

    def stop(self, seconds=10):
        """Asks it to end, and after a while makes it; its whole group goes."""
        if self.running():
            _signal(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                pass
        # What it left behind in its group goes too.
        _signal(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _signal(group, number):
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass
