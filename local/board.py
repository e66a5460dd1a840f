"""Shows each destination's way as it happens: one line for each change of a record, with the time
since its last edit and the money spent so far. It also keeps the moments, for the overheads."""

import threading
import time
from decimal import Decimal

from botocore.exceptions import BotoCoreError, ClientError

from local import say

# What Lunora writes into a record; everything else is the operator's.
MIRROR = {"streaming_status", "problem", "input_id", "mediaconnect_output_arn", "channel_id", "current_url_type",
          "streaming_started_at", "observed_at", "last_mediaconnect_sync", "created_at", "updated_at", "generation",
          "execution_arn", "cost_usd_per_hour", "cost_usd_per_start", "cost_usd_this_month", "attempt", "attempts_max", "next_try_at",
          "next_start_at", "next_stop_at"}


class Board:
    """Reads the records five times a second, as a dashboard would, and prints what changed."""

    def __init__(self, stage):
        self.stage = stage
        self.edited = {}  # destination -> when its record was last edited
        self.took = {}  # (destination, what was reached) -> seconds since the last edit
        self._shown = {}
        self._wishes = {}
        self._flow_shown = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(10)

    def _run(self):
        while not self._over.wait(0.1):
            try:
                self.look()
            except (BotoCoreError, ClientError, OSError, ValueError):
                if self._over.is_set() or not self.stage.cloud:
                    return

    def edit(self, destination, what):
        """Notes that a record is about to be edited, and how."""
        self.edited[destination] = time.monotonic()
        say.step(f"edit  {destination:<15} {what}")

    def look(self):
        """Compares the records with what was last shown."""
        now = time.monotonic()
        records = self.stage.records()
        self._flow(records.pop("flow", None))
        records.pop("status", None)
        for destination in sorted({*records, *self._shown}):
            record = records.get(destination)
            self._notice_edit(destination, record, now)
            state = _words(record)
            if self._shown.get(destination) == state:
                continue
            self._shown[destination] = state
            if record is None:
                del self._shown[destination]
                continue
            status = record.get("streaming_status")
            if status is None:
                continue
            since = now - self.edited.get(destination, now)
            self.took[destination, status] = since
            say.line(f"{say.clock().rjust(5)}        {destination:<15} {state:<34} {since:6.1f} s   {self.money()}")

    def _flow(self, record):
        """One line for each change of the flow and its sources."""
        if not record or "flow_status" not in record:
            return
        sources = ", ".join(f"{each['name']} {each['status']}" for each in record["sources"])
        state = f"{record['flow_status']}, {record.get('active_source', 'none')} is used ({sources})"
        if record["flow_status"] in ("ACTIVE", "STANDBY") and self._flow_shown != state:
            self._flow_shown = state
            say.line(f"{say.clock().rjust(5)}        {'flow':<15} {state}")

    def _notice_edit(self, destination, record, now):
        """Shows an edit by somebody else: the story announces its own."""
        wish = {name: value for name, value in (record or {}).items() if name not in MIRROR}
        before = self._wishes.get(destination, {})
        if wish == before:
            return
        self._wishes[destination] = wish
        if now - self.edited.get(destination, 0) > 2:
            changed = sorted(name for name in {*wish, *before} if wish.get(name) != before.get(name) and name != "destination_id")
            self.edit(destination, f"changed: {', '.join(changed)}" if wish else "the record was deleted")

    def money(self):
        """What the simulator's bill says now."""
        return f"${Decimal(self.stage.simulator.bill()['total_usd']):.4f}"

    def gone(self, destination):
        """Notes that nothing of a destination is left."""
        since = time.monotonic() - self.edited[destination]
        self.took[destination, "gone"] = since
        say.line(f"{say.clock().rjust(5)}        {destination:<15} {'gone':<34} {since:6.1f} s   {self.money()}")


def _words(record):
    if record is None:
        return "(record deleted)"
    problem = record.get("problem") or {}
    status = str(record.get("streaming_status", "new"))
    return f"{status} ({problem['code']})" if problem.get("code") else status
