"""Money: the simulator's bill and Lunora's cost model, which share no code, agree to the cent; and
what was removed costs nothing any more.
"""

from decimal import Decimal

from bystanders import Planter, things
from local import money

# A run is billed for ten minutes at least, however short it was (MediaLive pricing page).
LEAST = 10


def own(bill, ids):
    """The part of a bill that belongs to some destinations and to the flow that feeds them."""
    lines = [line for line in bill["lines"] if line.get("destination") in ids or line["kind"] == "flow"]
    return {"lines": lines, "total_usd": str(sum(Decimal(line["usd"]) for line in lines))}


def test_the_bill_and_the_cost_model_agree_and_nothing_goes_on_after_removal(show):
    stage, control = show.stage, show.stage.simulator
    stage.simulator.post("quotas", {"push_inputs": 10})
    often, large = show.streaming(), show.streaming(preset_id="1080p30")
    planter = Planter(stage, show.channel(often)["id"])
    foreign = [planter.input(f"lunora-{stage.stack}-stranger", {}), planter.output("recorder", {}), stage.security_group]
    before = things(stage, foreign)
    # Three runs of one channel, one of them longer than the ten minutes that any costs.
    for _ in range(2):
        stage.update(often, desired_state="ready")
        show.wait_channel(often, "IDLE")
        stage.update(often, desired_state="streaming")
        show.wait_streaming(often)
    control.post("clock", {"advance_seconds": 47 * 60 + 13})
    # An edit on the air is a stop and a start, and so a run of its own.
    stage.update(large, rtmp_url=f"rtmps://live.example.com/{large}-b")
    stage.wait_until(lambda: show.writes(large).count("StartChannel") == 2, 40, "the second start of the large one")
    show.wait_streaming(large)
    for each in (often, large):
        stage.delete(each)
    show.wait_all_gone([often, large])

    bill = own(control.bill(), [often, large])
    theirs, ours, agree = money.compare(bill, {often: {"preset": "360p30"}, large: {"preset": "1080p30"}})
    assert agree and theirs > 0, f"the simulator bills {theirs}, the cost model says {ours}"
    model = money.cost("bill", question={"periods": money.periods(bill, {often: {"preset": "360p30"}, large: {"preset": "1080p30"}})})
    assert money.by_kind(bill["lines"]) == money.by_kind(model["lines"])
    runs = {each: [line for line in bill["lines"] if line["kind"] == "channel_output" and line["destination"] == each]
            for each in (often, large)}
    assert [len(lines) for lines in runs.values()] == [3, 2]
    minutes = sorted(line["minutes"] for lines in runs.values() for line in lines)
    assert minutes[:3] == [LEAST] * 3 and minutes[3] >= 47, minutes
    assert show.writes(often).count("StartChannel") == 3

    # An hour later none of it has cost a cent more.
    left = [line for line in control.bill()["lines"] if line.get("destination") in (often, large) and line["open"]]
    assert not left, left
    control.post("clock", {"advance_seconds": 3600})
    later = own(control.bill(), [often, large])
    assert [line for line in later["lines"] if line["kind"] != "flow"] == [line for line in bill["lines"] if line["kind"] != "flow"]
    assert things(stage, foreign) == before
    control.post("by-hand", {"action": "delete_input", "id": foreign[0]})
    control.post("by-hand", {"action": "remove_flow_output", "id": foreign[1]})
