"""Looks at real streams at the platforms' stand-in: what they are, and whether a frame is missing.

The addresses asked here carry labels, never stream keys: what stands in a process's arguments can
be read by everyone on the machine.
"""

import json
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass

# Give up on a silent server after eight seconds (in microseconds, as ffmpeg wants it).
_PATIENCE = ["-rw_timeout", "8000000"]


@dataclass
class Seen:
    """What one look at a stream found."""

    video_codec: str
    audio_codec: str
    width: int
    height: int
    fps: float
    gop_seconds: float
    gop_spread: float
    video_bitrate: float
    audio_rate: int
    frames: int


def look(url, seconds=12):
    """Watches a stream for a while and measures it."""
    command = ["ffprobe", "-v", "error", *_PATIENCE, "-read_intervals", f"%+{seconds}", "-show_streams",
               "-show_entries", "packet=stream_index,pts_time,dts_time,size,flags", "-of", "json", url]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds + 30, check=False)
    found = json.loads(done.stdout or b"{}")
    streams = {each["codec_type"]: each for each in found.get("streams", [])}
    if "video" not in streams:
        raise AssertionError(f"no video at {url}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    video, audio = streams["video"], streams.get("audio", {})
    packets = [each for each in found["packets"] if each["stream_index"] == video["index"] and "dts_time" in each]
    # The server sends its cached group of pictures at once; a whole number of groups is measured.
    keys = [index for index, each in enumerate(packets) if "K" in each["flags"]]
    if len(keys) < 3:
        raise AssertionError(f"only {len(keys)} key frames in {seconds} s at {url}")
    whole = packets[keys[0]:keys[-1]]
    span = float(packets[keys[-1]]["dts_time"]) - float(packets[keys[0]]["dts_time"])
    times = [float(packets[index]["pts_time"]) for index in keys]
    gops = [later - earlier for earlier, later in zip(times, times[1:])]
    return Seen(
        video_codec=video["codec_name"], audio_codec=audio.get("codec_name", "none"),
        width=video["width"], height=video["height"], fps=len(whole) / span,
        gop_seconds=statistics.mean(gops), gop_spread=max(gops) - min(gops),
        video_bitrate=sum(int(each["size"]) for each in whole) * 8 / span,
        audio_rate=int(audio.get("sample_rate", 0)), frames=len(whole),
    )


class Watcher:
    """Counts the video frames of one stream for as long as it is open, without decoding them."""

    def __init__(self, url):
        self.url = url
        self._lock = threading.Lock()
        self._frames = []  # (when it came, its time in the stream in seconds)
        command = ["ffprobe", "-v", "error", *_PATIENCE, "-select_streams", "v:0", "-show_entries",
                   "packet=dts_time", "-of", "csv=p=0", url]
        self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._child.stdout:
            text = line.decode(errors="replace").strip().strip(",")
            try:
                stamp = float(text)
            except ValueError:
                continue
            with self._lock:
                self._frames.append((time.monotonic(), stamp))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Stops watching."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._reader.join(5)

    def count(self):
        """How many frames have come until now."""
        with self._lock:
            return len(self._frames)

    def watching(self):
        """Whether the stream still goes on."""
        return self._child.poll() is None

    def last_frame_age(self):
        """Seconds since the last frame came."""
        with self._lock:
            return time.monotonic() - self._frames[-1][0] if self._frames else float("inf")

    def window(self, since, until=None):
        """The frames that came between two moments of `time.monotonic()`."""
        with self._lock:
            frames = [stamp for came, stamp in self._frames if came >= since and (until is None or came < until)]
        return Window(frames)


class Window:
    """A stretch of a stream: its frames' own times say whether one is missing or there twice."""

    def __init__(self, stamps):
        self.stamps = stamps

    @property
    def frames(self):
        """How many frames."""
        return len(self.stamps)

    @property
    def seconds(self):
        """How much of the stream they cover, by their own times."""
        return self.stamps[-1] - self.stamps[0] if len(self.stamps) > 1 else 0.0

    def missing(self, fps):
        """Frames that should be between the first and the last and are not (negative: too many)."""
        return round(self.seconds * fps) + 1 - self.frames if self.stamps else 0

    def largest_gap(self):
        """The longest time between two frames that follow each other."""
        return max((later - earlier for earlier, later in zip(self.stamps, self.stamps[1:])), default=0.0)

    def doubled(self, fps):
        """Frames that stand closer to the one before than half a frame's time."""
        return sum(later - earlier < 0.5 / fps for earlier, later in zip(self.stamps, self.stamps[1:]))
