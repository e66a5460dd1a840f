"""The ports of a stage: fixed ones for a person, free ones for tests, all on loopback."""

import os
import random
import socket
from dataclasses import dataclass

from local.say import Trouble

HOST = "127.0.0.1"

# name: (port for a person, variable that changes it, what listens there, kind)
KNOWN = {
    "cloud": (4600, "LUNORA_CLOUD_PORT", "the local cloud", "tcp"),
    "simulator": (4700, "LUNORA_SIMULATOR_PORT", "the simulator of MediaLive and MediaConnect", "tcp"),
    "rtmp": (4935, "LUNORA_RTMP_PORT", "the platforms' stand-in (RTMP)", "tcp"),
    "rtmps": (4936, "LUNORA_RTMPS_PORT", "the platforms' stand-in (RTMPS)", "tcp"),
    "callbacks": (4937, "LUNORA_CALLBACK_PORT", "the platforms' stand-in (who publishes)", "tcp"),
    "srt": (9998, "LUNORA_SRT_PORT", "the encoder's SRT feed", "udp"),
    "srt_backup": (9999, "LUNORA_SRT_BACKUP_PORT", "the backup encoder's SRT feed", "udp"),
}


@dataclass(frozen=True)
class Ports:
    """One number for each thing that listens."""

    cloud: int
    simulator: int
    rtmp: int
    rtmps: int
    callbacks: int
    srt: int
    srt_backup: int


def _socket(kind):
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)


def fixed():
    """The ports for a person, each changeable by its variable; a taken one is said in a sentence."""
    chosen = {}
    for name, (port, variable, what, kind) in KNOWN.items():
        text = os.environ.get(variable, str(port))
        if not text.isdigit() or not 1024 <= int(text) <= 65535:
            raise Trouble(f"{variable} must be a port from 1024 to 65535, and it is '{text}'.")
        chosen[name] = int(text)
        # An empty port counts as free even right after its last user has closed it.
        with _socket(kind) as trial:
            if kind == "tcp":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((HOST, chosen[name]))
            except OSError:
                raise Trouble(
                    f"Port {chosen[name]} ({kind.upper()}), meant for {what}, is in use. End the other program "
                    f"(perhaps an earlier `make run`), or choose another port: `{variable}={chosen[name] + 1000} make run`."
                ) from None
    return Ports(**chosen)


# Below the ports that systems give to outgoing connections (from 32768 on Linux): one of those could
# be taken between our choice and its use.
_FREE = range(15000, 32000)


def free():
    """Ports that nobody uses now, for a stage beside others. Drawn by chance, so that stages which
    start at the same moment do not choose the same."""
    held, chosen = [], {}
    for name, (_, _, _, kind) in KNOWN.items():
        while name not in chosen:
            port = random.SystemRandom().choice(_FREE)
            held.append(_socket(kind))
            try:
                held[-1].bind((HOST, port))
            except OSError:
                continue
            chosen[name] = port
    for each in held:
        each.close()
    return Ports(**chosen)
