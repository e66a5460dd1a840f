"""A test feed: moving test pictures with a running frame number and a tone, sent as a stock SRT caller.

It keeps calling until it is stopped, as an encoder in the field does: the flow listens only while
a destination wants it. The passphrase goes to ffmpeg through its standard input, as a file of
options, because what stands in a process's arguments can be read by everyone on the machine.
"""

import os
import shutil
import subprocess
import threading

# Between two calls, when nobody listened.
_PAUSE = 0.5
# The kernel ends the feed if we die without a goodbye (kill -9).
_LEASH = [shutil.which("setpriv"), "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []


class Feed:
    """One encoder in the field. `srt_address` is `srt://host:port`, `bitrate` in bits per second."""

    def __init__(self, srt_address, passphrase, size="1280x720", fps=30, bitrate=2_500_000, key_bits=256, log=None, ffmpeg="ffmpeg"):
        self.address, self._passphrase = srt_address, passphrase
        self.size, self.fps, self.bitrate, self.key_bits = size, fps, bitrate, key_bits
        self.log, self.ffmpeg = log, ffmpeg
        self.calls = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._child = self._thread = None

    def __repr__(self):
        return f"Feed({self.address}, {self.size}, {self.fps} fps)"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Begins to call."""
        self._over.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """Hangs up. Safe to call twice."""
        self._over.set()
        with self._lock:
            child = self._child
        if child:
            _end(child)
        if self._thread:
            self._thread.join(10)
            self._thread = None

    def running(self):
        """Whether ffmpeg runs now; it may still be calling."""
        with self._lock:
            return self._child is not None and self._child.poll() is None

    def command(self):
        """What is run: no secret is in it."""
        pictures = f"testsrc2=size={self.size}:rate={self.fps}"
        if _can_write(self.ffmpeg):
            pictures += ",drawtext=text='%{n}':fontsize=h/8:fontcolor=white:box=1:boxcolor=black:x=w/20:y=h-h/5"
        return [
            *_LEASH, self.ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-loglevel", "error",
            "-re", "-f", "lavfi", "-i", pictures,
            "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
            "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p",
            "-b:v", str(self.bitrate), "-maxrate", str(self.bitrate), "-bufsize", str(self.bitrate),
            "-g", str(self.fps), "-threads", "1", "-c:a", "aac", "-b:a", "128k", "-ac", "2",
            # The options for SRT come from the standard input.
            "-fpre", "/dev/stdin", "-f", "mpegts",
            self.address + ("&" if "?" in self.address else "?") + "mode=caller&pkt_size=1316&latency=200000",
        ]

    def _run(self):
        command = self.command()
        while not self._over.is_set():
            # A fresh log for each call: hours of calling in vain do not fill a disk.
            with open(self.log or os.devnull, "wb") as out:
                with self._lock:
                    if self._over.is_set():
                        return
                    child = self._child = subprocess.Popen(
                        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=out, start_new_session=True)
                    self.calls += 1
            try:
                with child.stdin as options:
                    options.write(f"passphrase={self._passphrase}\npbkeylen={self.key_bits // 8}\n".encode())
            except OSError:
                pass  # it has ended already
            child.wait()
            self._over.wait(_PAUSE)


def _end(child):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(3)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


_writes = {}


def _can_write(ffmpeg):
    """Whether this ffmpeg can burn a number into the picture: it needs the filter and a font."""
    if ffmpeg not in _writes:
        trial = [ffmpeg, "-v", "quiet", "-nostdin", "-f", "lavfi", "-i", "color=s=64x64:d=0.1,drawtext=text=1", "-f", "null", "-"]
        done = subprocess.run(trial, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        _writes[ffmpeg] = done.returncode == 0
    return _writes[ffmpeg]
