"""The platforms' stand-in: a real RTMP server (nginx with its RTMP module) on loopback, with TLS.

Whoever publishes is asked for at a small server in this process, which knows the keys. nginx
is told to go on under a label instead of the key, so a player's address, which everyone on the
machine can read, never holds a key; and nginx writes no log line that could hold one.
The simulator's `--resolve` leads the platforms' real names here.
"""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from local import certificates
from local.children import Child
from local.say import Trouble

HOST = "127.0.0.1"
# Real hosts that lead here: port 443 to TLS, port 1935 to plain RTMP.
HOSTS = [
    *(f"{letter}.{kind}.youtube.com" for letter in "ab" for kind in ("rtmps", "rtmp")),
    "live.twitch.tv", "live-pdx.twitch.tv", "live-sfo.twitch.tv", "sfo.contribute.live-video.net",
    "live-api-s.facebook.com", "rtmp-api.facebook.com", "live.restream.io", "seattle.restream.io",
    *(f"{name}.example.com" for name in ("live", "rtmp", "ingest", "some", "a", "b")),
]
WILDCARDS = ["*.twitch.tv", "*.contribute.live-video.net", "*.facebook.com", "*.restream.io", "*.example.com", "localhost"]
APPLICATIONS = ["live2", "app", "live", "rtmp", "x"]
_FOLDERS = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules"]
# How often nginx asks whether a publisher may stay.
_ASK = "500ms"


class Platforms:
    """All platforms on one machine. `labels`: stream key -> the name to show instead of it."""

    def __init__(self, folder, rtmp_port=0, tls_port=0, callback_port=0, labels=None, applications=(), hosts=(), strict=False):
        """`strict`: keys without a label are refused, as a platform refuses a wrong key.
        `hosts`: more names that lead here, with or without a port."""
        self.folder = str(folder)
        self._wanted_ports = [rtmp_port, tls_port, callback_port]
        self.rtmp_port, self.tls_port, self.callback_port = rtmp_port, tls_port, callback_port
        self.applications = [*dict.fromkeys([*APPLICATIONS, *applications])]
        self.hosts = [*dict.fromkeys([*HOSTS, *hosts])]
        self.strict = strict
        self.ca_file = os.path.join(self.folder, "ca.pem")
        self._lock = threading.Lock()
        self._labels = dict(labels or {})
        self._clients = {}  # (application, client number) -> label
        self._applications = {}  # label -> application it was last published to
        self._published, self._refusals = Counter(), Counter()
        self._refused, self._closed = set(), set()  # labels; applications or labels
        self._server = self._child = None

    def __repr__(self):
        return f"Platforms(rtmp {self.rtmp_port}, tls {self.tls_port})"

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # ------------------------------------------------------------------ up and down

    def start(self):
        """Brings it up; what was started ends again if something fails."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        os.chmod(self.folder, 0o700)
        try:
            self._server = _Callbacks(self, self._wanted_ports[2])
            self.rtmp_port, self.tls_port = _ports(self._wanted_ports[:2])
            self.callback_port = self._server.server_address[1]
            names = sorted({*(host.split(":")[0] for host in self.hosts), *WILDCARDS})
            certificates.make(self.folder, names)
            with open(os.path.join(self.folder, "nginx.conf"), "w", encoding="utf-8") as file:
                file.write(self._configuration())
            self._serve()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Ends it. Safe to call twice."""
        if self._child:
            self._child.stop(3)
            self._child = None
        if self._server:
            self._server.close()
            self._server = None
        with self._lock:
            self._clients.clear()

    def running(self):
        """Whether the RTMP server runs."""
        return self._child is not None and self._child.running()

    def _serve(self):
        nginx = _nginx()
        command = [nginx, "-p", self.folder, "-e", "stderr", "-c", os.path.join(self.folder, "nginx.conf")]
        self._child = Child("the platforms' stand-in", command, os.path.join(self.folder, "nginx.log"),
                            {"PATH": os.environ.get("PATH", os.defpath)})
        self._child.wait_until(lambda: _answers(self.rtmp_port) and _answers(self.tls_port), 10, "answer")

    def _configuration(self):
        modules = "".join(f"load_module {path};\n" for path in _modules())
        applications = "".join(_APPLICATION.format(name=name, port=self.callback_port, ask=_ASK) for name in self.applications)
        return _CONFIGURATION.format(
            modules=modules, applications=applications, rtmp_port=self.rtmp_port, tls_port=self.tls_port)

    # ------------------------------------------------------------------ for the simulator and for players

    def resolve_arguments(self):
        """Arguments for the simulator: real names lead here."""
        targets = {443: self.tls_port, 1935: self.rtmp_port}
        arguments = []
        for host in self.hosts:
            name, _, given = host.partition(":")
            for port in [int(given)] if given else targets:
                # An unusual port is taken for TLS, which is what platforms use them for.
                arguments += ["--resolve", f"{name}:{port}={HOST}:{targets.get(port, self.tls_port)}"]
        return arguments

    def play_url(self, label):
        """Where a player finds what was published under a label."""
        with self._lock:
            application = self._applications.get(label)
        if application is None:
            raise AssertionError(f"nothing was ever published as {label}")
        return f"rtmp://{HOST}:{self.rtmp_port}/{application}/{label}"

    def publishing(self):
        """The labels that are published now."""
        with self._lock:
            return sorted(set(self._clients.values()))

    def publishers(self, label):
        """How many connections publish a label now; more than one never is right."""
        with self._lock:
            return list(self._clients.values()).count(label)

    def published(self, label):
        """How often publishing under a label has begun."""
        return self._published[label]

    def refused(self, label):
        """How often publishing under a label was refused."""
        return self._refusals[label]

    # ------------------------------------------------------------------ trouble on purpose

    def add_label(self, key, label):
        """One more key."""
        with self._lock:
            self._labels[key] = label

    def refuse(self, label):
        """From now on this key is wrong; a running stream goes on."""
        with self._lock:
            self._refused.add(label)

    def kill_platform(self, name=None):
        """Closes all streams of an application (or one label) within a second, and refuses new ones.
        Without a name the server itself goes away: connections break and new ones are not taken."""
        if name is None:
            if self._child:
                self._child.stop(0)
                self._child = None
            with self._lock:
                self._clients.clear()
            return
        with self._lock:
            self._closed.add(name)

    def restore(self, name=None):
        """Takes back `kill_platform` and `refuse` for a name, or for all without one."""
        with self._lock:
            for each in (self._closed, self._refused):
                each.intersection_update(each - {name} if name else set())
        if self._server and not self.running():
            self._serve()

    # ------------------------------------------------------------------ what nginx asks

    def _label(self, key):
        known = self._labels.get(key)
        return re.sub(r"[^A-Za-z0-9_.-]", "-", known) if known else "key-" + hashlib.sha256(key.encode()).hexdigest()[:12]

    def _answer(self, call, application, key, client):
        """The status, and for a new publication the label, for one question of nginx."""
        with self._lock:
            # Once it goes on under its label, nginx may ask by either name.
            known = key in self._labels
            label = key if not known and key in self._applications else self._label(key)
            closed = application in self._closed or label in self._closed
            if call == "publish":
                if closed or label in self._refused or (self.strict and not known):
                    self._refusals[label] += 1
                    return 403, None
                self._clients[application, client] = label
                self._applications[label] = application
                self._published[label] += 1
                return 302, label
            if call == "publish_done":
                self._clients.pop((application, client), None)
            if call == "update_publish" and closed:
                return 403, None
            return 200, None


class _Callbacks(ThreadingHTTPServer):
    """Answers nginx. It never writes a log: what it is asked holds keys."""

    daemon_threads = True

    def __init__(self, platforms, port):
        self.platforms = platforms
        try:
            super().__init__((HOST, port), _Callback)
        except OSError:
            raise Trouble(f"Port {port} (TCP), meant for the platforms' stand-in, is in use.") from None
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()

    def close(self):
        self.shutdown()
        self.server_close()
        self._thread.join(5)

    def handle_error(self, request, client_address):
        """A connection that broke needs no words, and words could hold a key."""


class _Callback(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
        status, label = self.server.platforms._answer(
            form.get("call", ""), form.get("app", ""), form.get("name", ""), form.get("clientid", ""))
        self.send_response_only(status)
        if label:
            self.send_header("Location", label)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Silence."""


# ---------------------------------------------------------------------- nginx

_CONFIGURATION = """\
# One process, in the foreground, under whoever started it.
daemon off;
master_process off;
pid nginx.pid;
# Only what keeps it from running at all: no line of that level names a stream.
error_log stderr emerg;
{modules}
events {{ worker_connections 512; }}

rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{rtmp_port};
        chunk_size 4096;
        max_message 8M;
        timeout 300s;
{applications}    }}
}}

stream {{
    server {{
        listen 127.0.0.1:{tls_port} ssl;
        ssl_certificate server.pem;
        ssl_certificate_key server.key;
        ssl_protocols TLSv1.2 TLSv1.3;
        proxy_pass 127.0.0.1:{rtmp_port};
        proxy_timeout 1h;
    }}
}}
"""

_APPLICATION = """\
        application {name} {{
            live on;
            wait_key on;
            wait_video on;
            on_publish http://127.0.0.1:{port}/;
            on_publish_done http://127.0.0.1:{port}/;
            on_update http://127.0.0.1:{port}/;
            notify_update_timeout {ask};
            notify_update_strict off;
        }}
"""


def _nginx():
    program = shutil.which("nginx", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")
    if not program:
        raise Trouble("nginx is needed for the platforms' stand-in: `apt-get install nginx libnginx-mod-rtmp libnginx-mod-stream`.")
    return program


def _modules():
    """The modules to load; those built into the program need no file."""
    built = subprocess.run([_nginx(), "-V"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stderr
    path = re.search(r"--modules-path=(\S+)", built)
    folders = ([path.group(1)] if path else []) + _FOLDERS
    found = []
    for name, inside in (("ngx_stream_module.so", r"--with-stream(\s|$)"), ("ngx_rtmp_module.so", r"--add-module=\S*rtmp")):
        files = [os.path.join(folder, name) for folder in folders if os.path.exists(os.path.join(folder, name))]
        if files:
            found.append(files[0])
        elif not re.search(inside, built):
            package = "libnginx-mod-" + name.split("_")[1]
            raise Trouble(f"nginx has no {name}: `apt-get install {package}`.")
    return found


def _ports(wanted):
    """Ports as wanted; 0 becomes a free one."""
    held = []
    for port in wanted:
        held.append(socket.socket())
        held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held[-1].bind((HOST, port))
        except OSError:
            raise Trouble(f"Port {port} (TCP), meant for the platforms' stand-in, is in use.") from None
    chosen = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return chosen


def _answers(port):
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except OSError:
        return False
