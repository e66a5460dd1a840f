"""What goes wrong on the air, as somebody is told who subscribed with a stock client.

The debounce and the quiet time are Lunora's own, and run by the real clock. That each incident is told
once each way is tested in process, too (`tests/proof/tests/incidents.rs`).
"""

from datetime import datetime

from letters import about


def incidents(show, one):
    """What the table of incidents has about a destination, or about the flow."""
    answer = show.stage.boto("dynamodb").query(
        TableName=show.stage.outputs["IncidentsTableName"], KeyConditionExpression="destination_id = :d",
        ExpressionAttributeValues={":d": {"S": one}})
    return [{name: next(iter(value.values())) for name, value in item.items()} for item in answer["Items"]]


def alert(show, one, action):
    """Somebody sets or clears an alert on the channel of a destination."""
    channel = show.stage.record(one)["channel_id"]
    show.stage.simulator.post("by-hand", {"action": action, "id": channel, "alert_type": "Input Resource is Inaccessible",
                                          "message": "rtmps://a.example.com/live/canary-in-the-message"})


def test_one_message_when_it_begins_and_one_when_it_is_over(show, mail):
    """An alert becomes a problem, an item and one message; doubled events add nothing; its end takes the problem away and is told."""
    show.stage.simulator.post("events", {"duplicate": 1})
    one = show.streaming()
    alert(show, one, "set_alert")
    show.stage.wait_until(lambda: about(mail, one), 30, "a message")
    show.wait_problem(one, "missing_permission", 30)
    [item] = incidents(show, one)
    assert item["cause"] == "permissions" and item["severity"] == "critical" and "until" not in item, item
    alert(show, one, "clear_alert")
    show.wait_problem(one, None)
    # Quiet for a minute, then it is over.
    show.stage.wait_until(lambda: len(about(mail, one)) > 1, 120, "a message that it is over")
    told = about(mail, one)
    assert len(told) == 2 and told[1][0].startswith("Lunora over: "), told
    [item] = incidents(show, one)
    since, until = (datetime.fromisoformat(item[name]) for name in ("since", "until"))
    assert item["ending"] == "cleared" and until > since, item
    assert all("://" not in text and "canary" not in text for _, text in told), told
    assert "docs/runbooks/missing_permission.md" in told[0][1] and "What to do: " in told[0][1], told


def test_a_lost_feed_is_one_message_that_names_the_destinations(show, mail):
    """All channels lose their input with the feed: one message each way, about the feed; each destination says it, too."""
    both = [show.streaming(), show.streaming()]
    flow = show.stage.simulator.state()["flows"][0]
    sources = [source["arn"] for source in flow["sources"]]
    try:
        for source in sources:
            show.by_hand("cut_source", source)
        show.stage.wait_until(lambda: about(mail, "the feed: nothing arrives"), 60, "a message about the feed")
        for one in both:
            show.wait_problem(one, "no_input", 60)
    finally:
        for source in sources:
            show.by_hand("restore_source", source)
    for one in both:
        show.wait_problem(one, None)
    show.stage.wait_until(lambda: about(mail, "over: the feed: nothing arrives"), 120, "a message that it is over")
    told = mail()
    assert len(about(mail, "the feed: nothing arrives")) == 2, told
    assert not [subject for subject, _ in told if any(one in subject for one in both)], told
    assert all(one in about(mail, "the feed: nothing arrives")[0][1] for one in both), told
    assert all(incident["part_of"] for one in both for incident in incidents(show, one)), [incidents(show, one) for one in both]


def test_maintenance_of_the_flow_is_told_and_nothing_is_touched(show, mail):
    """AWS restarts the flow: somebody is told, and nothing is done about it. Its end is told as that of any other."""
    one = show.streaming()
    before = show.channel(one)
    show.by_hand("maintain_flow", show.stage.flow_arn)
    show.stage.wait_until(lambda: about(mail, "the feed: AWS does its maintenance"), 60, "a message about the maintenance")
    [(_, text)] = about(mail, "the feed: AWS does its maintenance")
    assert "docs/runbooks/maintenance.md" in text and "Nothing was changed: it ends by itself." in text, text
    assert [item for item in incidents(show, "flow") if item["cause"] == "maintenance"]
    after = show.whole(one)
    assert (after["id"], after["run"]) == (before["id"], before["run"])
