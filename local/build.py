"""Compiles the workspace with the profile `local` and packs each worker as Lambda wants it."""

import contextlib
import hashlib
import json
import os
import subprocess
import time
import zipfile

from local import places, say
from local.say import Trouble


def compile_workspace(extra=(), profile="local", packages=()):
    """`cargo build` of all or some packages, with a line now and then that says how far it is."""
    which = [word for package in packages for word in ("-p", package)] or ["--workspace"]
    command = ["cargo", "build", *which, "--profile", profile, "--message-format", "json-render-diagnostics", *extra]
    began, said, done = time.monotonic(), time.monotonic(), 0
    log = os.path.join(places.LOGS, "build.log")
    os.makedirs(places.LOGS, exist_ok=True)
    total = _units()
    with open(log, "wb") as out, subprocess.Popen(
        command, cwd=places.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out
    ) as cargo:
        for message in cargo.stdout:
            if b'"compiler-artifact"' in message or b'"build-script-executed"' in message:
                done += b'"fresh":false' in message or b'"build-script-executed"' in message
                if time.monotonic() - said > 10:
                    said = time.monotonic()
                    folder, _, version = json.loads(message).get("package_id", "").rpartition("#")
                    name = version.partition("@")[0] if "@" in version else os.path.basename(folder)
                    say.note(f"{done} parts of {total} or so built, now at {name}")
    if cargo.returncode:
        with open(log, encoding="utf-8", errors="replace") as file:
            say.line("".join(line for line in file if not line.lstrip().startswith(("Compiling", "Fresh", "Blocking")))[-6000:])
        raise Trouble("The workspace does not build; the compiler's words are above and in .local/log/build.log.")
    return time.monotonic() - began


def _units():
    with open(os.path.join(places.ROOT, "Cargo.lock"), encoding="utf-8") as file:
        return file.read().count("[[package]]")


def workers():
    """The workers' names: the folders of `workers/`."""
    folder = os.path.join(places.ROOT, "workers")
    return sorted(name for name in os.listdir(folder) if os.path.exists(os.path.join(folder, name, "Cargo.toml")))


def pack(worker):
    """One worker as a zip with `bootstrap` in it; gives back its path and its fingerprint.

    Stored, not compressed: it only travels over loopback. Packed again only when the program
    changed (by time and size), so that a second start does not read 200 MB again.
    """
    program = places.built(worker)
    if not os.path.exists(program):
        raise Trouble(f"The worker `{worker}` has no program at {os.path.relpath(program, places.ROOT)}: was it built?")
    facts = os.stat(program)
    mark = hashlib.sha256(f"{program} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = os.path.join(places.STATE, "zips")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{worker}-{mark}.zip")
    if not os.path.exists(path):
        for old in os.listdir(folder):
            if old.endswith(".zip") and old[: -len(".zip")].rpartition("-")[0] == worker:
                with contextlib.suppress(FileNotFoundError):  # another stage was faster
                    os.remove(os.path.join(folder, old))
        entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        entry.create_system = 3  # Unix, or the mode is not looked at
        with open(program, "rb") as file:
            content = file.read()
        # Stages that start side by side pack at the same time: each has a file of its own until it is whole.
        part = f"{path}.{os.getpid()}.part"
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as package:
            package.writestr(entry, content)
        os.replace(part, path)
    return path, mark
