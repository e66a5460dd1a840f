"""Brings what this machine lacks, or says in one sentence what a person has to do.

Python tools come into folders of their own below `.local`, pinned and checked by hash. A stamp
file beside each folder holds the lock file's hash, so that a second start only compares.
Debian packages are installed where the user may; otherwise the exact command is printed.
Run with whatever `python3` there is: it must stay readable for old Pythons to say so.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys

from local import places, say
from local.say import Trouble

# (program to look for, or a file of a module; the Debian package that brings it)
MEDIA_PACKAGES = [
    ("ffmpeg", "ffmpeg"),
    ("ffprobe", "ffmpeg"),
    ("nginx", "nginx"),
    ("ngx_rtmp_module.so", "libnginx-mod-rtmp"),
    ("ngx_stream_module.so", "libnginx-mod-stream"),
    ("openssl", "openssl"),
]
MODULE_FOLDERS = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules"]
RUST_OLDEST = (1, 94)  # the AWS SDK's own minimum, as in Cargo.toml


def main(wanted):
    """Sets up for `run` or `test`."""
    try:
        languages(wanted)
        media()
        python_tools("cloud", places.VENV_CLOUD)
        python_tools("tools", places.VENV_TOOLS)
    except Trouble as trouble:
        say.trouble(trouble)
        return 1
    return 0


def languages(wanted):
    """Python, Rust, git and, for the tests, Node."""
    if sys.version_info < (3, 10):
        raise Trouble(
            "Python 3.10 or newer is needed, and this is %s. Install one and run `make %s PYTHON=python3.12` "
            "(or whatever it is called)." % (platform.python_version(), wanted)
        )
    need("git", "Install git, for example with `apt-get install git`.")
    need("cc", "A C compiler is needed for the AWS SDK's crypto library. Install one, for example with "
               "`apt-get install build-essential`.")
    need("cargo", "Install Rust from rust-lang.org (rustup), version %d.%d or newer." % RUST_OLDEST)
    version = output(["rustc", "--version"]).split()[1]
    if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) < RUST_OLDEST:
        raise Trouble("Rust %d.%d or newer is needed, and this is %s. Run `rustup update stable`." % (RUST_OLDEST + (version,)))
    if wanted == "test":
        need("npm", "Node 18 or newer with npm is needed for the state machine validator. Install it, for example "
                    "with `apt-get install nodejs npm`.")
        node = output(["node", "--version"]).strip().lstrip("v")
        if int(node.split(".")[0]) < 18:
            raise Trouble("Node 18 or newer is needed, and this is %s. Install a newer one from nodejs.org." % node)


def need(program, advice):
    """Refuses to go on without a program."""
    if not shutil.which(program):
        raise Trouble("`%s` was not found. %s" % (program, advice))


def output(command):
    """What a program printed, or a sentence if it cannot run."""
    try:
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Trouble("`%s` does not run here (%s). Repair or reinstall it." % (" ".join(command), error))


def present(thing):
    """Whether a program, or a module of nginx, is on this machine."""
    if thing.endswith(".so"):
        return any(os.path.exists(os.path.join(folder, thing)) for folder in MODULE_FOLDERS)
    return bool(shutil.which(thing) or shutil.which(thing, path="/usr/sbin:/usr/local/sbin"))


def missing_packages():
    """The Debian packages whose programs are not here, each once."""
    return sorted({package for thing, package in MEDIA_PACKAGES if not present(thing)})


def media():
    """ffmpeg moves the video, nginx with its RTMP and stream modules plays the platforms."""
    packages = missing_packages()
    if packages:
        command = ["apt-get", "install", "-y", "--no-install-recommends"] + packages
        sentence = "These programs are missing: %s. Run `sudo %s`" % (", ".join(packages), " ".join(command))
        if not shutil.which("apt-get"):
            raise Trouble("ffmpeg with SRT, and nginx with the RTMP and stream modules, are needed; missing here are "
                          "Debian's %s. Install their like with your system's package manager." % ", ".join(packages))
        if os.geteuid() != 0:
            raise Trouble(sentence + " and start again.")
        apt(command, sentence, fresh_nginx="nginx" in packages)
    if "srt" not in output(["ffmpeg", "-hide_banner", "-protocols"]).split():
        raise Trouble("This ffmpeg cannot speak SRT. Install one built with libsrt (Debian's is).")


def apt(command, sentence, fresh_nginx):
    """Installs packages as root, and keeps a fresh nginx from serving anything by itself."""
    say.step("installing Debian packages: %s" % " ".join(command[4:]))
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    with open(log("apt"), "wb") as out:
        for line in (["apt-get", "update"], command):
            if subprocess.run(line, stdout=out, stderr=subprocess.STDOUT, env=environment, stdin=subprocess.DEVNULL).returncode:
                raise Trouble("%s and look at .local/log/apt.log: it did not work from here." % sentence)
    if fresh_nginx and os.path.isdir("/run/systemd/system"):
        subprocess.run(["systemctl", "disable", "--now", "nginx"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    left = missing_packages()
    if left:
        raise Trouble("Debian packages were installed, yet these are still not found: %s." % ", ".join(left))


def log(name):
    """A child's log file."""
    os.makedirs(places.LOGS, exist_ok=True)
    return os.path.join(places.LOGS, name + ".log")


def python_tools(name, folder, lock=None):
    """One folder of Python packages, exactly as its lock file says."""
    lock = os.path.join(places.ROOT, lock or "local/requirements-%s.txt" % name)
    with open(lock, "rb") as file:
        wanted = hashlib.sha256(file.read() + sys.version.encode() + folder.encode()).hexdigest()
    stamp = os.path.join(folder, "lunora-stamp")
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == wanted:
                return
    shown = os.path.relpath(lock, places.ROOT)
    say.step("installing the Python packages of %s (about %s)" % (shown, "45 s" if name == "tools" else "15 s"))
    shutil.rmtree(folder, ignore_errors=True)
    with open(log("pip-" + name), "wb") as out:
        make = [sys.executable, "-m", "venv", folder]
        # The lock names every package, so nothing is left to resolve.
        install = [os.path.join(folder, "bin", "python"), "-m", "pip", "install", "--require-hashes", "--no-deps",
                   "--no-input", "--disable-pip-version-check", "-r", lock]
        if subprocess.run(make, stdout=out, stderr=subprocess.STDOUT).returncode:
            raise Trouble("Python could not make a folder for its packages. On Debian install `python3-venv`; "
                          "the reason is in .local/log/pip-%s.log." % name)
        if subprocess.run(install, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL).returncode:
            raise Trouble("The Python packages of %s could not be installed. "
                          "Look at .local/log/pip-%s.log, and check the network or the package index." % (shown, name))
    with open(stamp, "w") as file:
        file.write(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "run"))
