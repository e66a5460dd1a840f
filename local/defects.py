"""`make defects`: plants each known defect in a scratch copy and asks whether the proof finds it.

A defect is one replacement in one file (`tests/proof/defects.json`). The copy is built with a target
folder of its own, so that the house itself is never touched. What was found, by what and how soon
becomes the table in `docs/reliability.md`.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

from local import places, say

LIST = os.path.join(places.ROOT, "tests", "proof", "defects.json")
PAGE = os.path.join(places.ROOT, "docs", "reliability.md")
COPY = os.path.join(places.STATE, "defects")
TARGET = os.path.join(places.STATE, "defects-target")
# What earlier runs found: a run of some defects renews their rows, and a run that is cut off loses none.
FOUND = os.path.join(places.STATE, "defects-found.json")
SECONDS = 60
BUILD = ["cargo", "build", "--workspace", "--profile", "local", "--bin", "prove"]


def defects():
    """The planted defects: name, file, from, to."""
    with open(LIST, encoding="utf-8") as file:
        return json.load(file)


def copy():
    """The files that git knows, as they are now."""
    shutil.rmtree(COPY, ignore_errors=True)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=places.ROOT, check=True, capture_output=True).stdout
    for name in names.decode().split("\0"):
        source = os.path.join(places.ROOT, name)
        if name and os.path.isfile(source):
            os.makedirs(os.path.dirname(os.path.join(COPY, name)), exist_ok=True)
            shutil.copy2(source, os.path.join(COPY, name))


def plant(defect):
    """Plants one; gives back the file's path and its text from before."""
    path = os.path.join(COPY, defect["file"])
    with open(path, encoding="utf-8") as file:
        before = file.read()
    if before.count(defect["from"]) != 1:
        raise say.Trouble(f"{defect['name']}: its text stands {before.count(defect['from'])} times in {defect['file']}, not once.")
    write(path, before.replace(defect["from"], defect["to"]))
    return path, before


def write(path, text):
    """Writes a file so that cargo sees that it is newer."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def build():
    """Builds the copy; gives back cargo's complaint, or nothing."""
    done = subprocess.run(BUILD, cwd=COPY, env={**os.environ, "CARGO_TARGET_DIR": TARGET, "CARGO_INCREMENTAL": "1"}, capture_output=True, text=True, check=False)
    return done.stderr[-3000:] if done.returncode else ""


def hunt():
    """Lets the proof look for it; gives back what it says."""
    done = subprocess.run([os.path.join(TARGET, "local", "prove"), "hunt", str(SECONDS)], cwd=COPY, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return json.loads(lines[-1]) if lines else {"found": True, "seconds": 0.0, "runs": 0, "by": "a crash", "promise": done.stderr[-200:]}


def remember(name, answer):
    """Notes what was found of one defect; gives back all that is known."""
    known = {}
    if os.path.exists(FOUND):
        with open(FOUND, encoding="utf-8") as file:
            known = json.load(file)
    known[name] = answer
    write(FOUND, json.dumps(known, indent=1))
    return known


def page(rows):
    """Puts the table between its two marks."""
    lines = ["| defect | in | found after | runs | by the promise |", "|---|---|---|---|---|"]
    for defect, answer in rows:
        promise = re.split(r": ", answer["promise"])
        named = next((part for part in promise if re.match(r"[SL]\d|[A-Z]\w+ ", part)), promise[0]) if answer["found"] else "**not found**"
        lines.append(f"| {defect['name']} | `{defect['file']}` | {answer['seconds']:.1f} s | {answer['runs']} | {named[:60]} |")
    found = [answer["seconds"] for _, answer in rows if answer["found"]]
    lines += ["", f"{len(found)} of {len(rows)} found, the slowest after {max(found, default=0):.1f} s, half of them within {statistics.median(found or [0]):.1f} s of running on {os.cpu_count()} cores."]
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    begin, end = "<!-- defects: written by make defects -->", "<!-- end of defects -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    write(PAGE, head + begin + "\n" + "\n".join(lines) + "\n" + end + tail)


def main(names):
    """All defects, or those whose name contains one of the words given."""
    chosen = [defect for defect in defects() if not names or any(word in defect["name"] for word in names)]
    copy()
    say.step("the house as it is …")
    if complaint := build():
        say.line(complaint)
        return 1
    rows, passed = [], True
    for defect in chosen:
        path, before = plant(defect)
        began = time.monotonic()
        complaint = build()
        if complaint:
            passed = say.check(False, f"{defect['name']}: the compiler refuses it: {complaint}")
            write(path, before)
            continue
        built = time.monotonic() - began
        answer = hunt()
        rows.append((defect, answer))
        known = remember(defect["name"], answer)
        page([(each, known[each["name"]]) for each in defects() if each["name"] in known])
        say.check(answer["found"], f"{defect['name']}: {answer['seconds']:.1f} s after {answer['runs']} runs, {answer['by'][:80]}: {answer['promise'][:160]} (built in {built:.0f} s)")
        write(path, before)
    return 0 if passed and all(answer["found"] for _, answer in rows) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except say.Trouble as trouble:
        say.line(str(trouble))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
