"""What a person reads: one line per thing done, with the time since the start, and nothing else.

Kept free of newer syntax, so that an old Python can still print what it needs to print.
"""

import os
import sys
import time

_BEGAN = time.monotonic()
_COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


class Trouble(Exception):
    """Something a person must do first; the text is a full sentence that says what."""


def _paint(code, text):
    return "\033[%sm%s\033[0m" % (code, text) if _COLOUR else text


def elapsed():
    """Seconds since this program began."""
    return time.monotonic() - _BEGAN


def clock():
    """The time since this program began, as minutes and seconds."""
    seconds = int(elapsed())
    return "%d:%02d" % (seconds // 60, seconds % 60)


def line(text=""):
    """A line as it is."""
    print(text, flush=True)


def step(text):
    """Something that begins now."""
    line("%s  %s" % (_paint("2", clock().rjust(5)), text))


def note(text):
    """Something worth knowing below the step it belongs to."""
    line("       " + _paint("2", text))


def title(text):
    """A new part of the story."""
    line()
    line(_paint("1", text))


def check(passed, text):
    """A tick or a cross; gives back whether it passed."""
    mark = _paint("32", "\u2713") if passed else _paint("31", "\u2717")
    line("%s  %s %s" % (_paint("2", clock().rjust(5)), mark, text))
    return passed


def trouble(text):
    """A sentence on standard error."""
    sys.stdout.flush()
    print(_paint("31", "lunora: ") + str(text), file=sys.stderr, flush=True)
