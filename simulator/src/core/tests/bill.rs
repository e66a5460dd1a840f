//! The bill of whole lives, reckoned by hand (pricing pages of MediaLive and MediaConnect).

use serde_json::{Value, json};

use super::Account;

/// (kind, minutes, dollars), sorted.
fn lines(aws: &mut Account) -> Vec<(String, u64, String)> {
    let bill = aws.ask("bill");
    let mut rows: Vec<(String, u64, String)> = bill["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| {
            (
                super::text(&line["kind"]),
                line["minutes"].as_u64().unwrap(),
                super::text(&line["usd"]),
            )
        })
        .collect();
    rows.sort();
    rows
}

fn row(kind: &str, minutes: u64, usd: &str) -> (String, u64, String) {
    (kind.to_owned(), minutes, usd.to_owned())
}

#[test]
fn a_short_run_costs_ten_minutes_and_idling_until_deleted() {
    let mut aws = Account::new();
    aws.tell("options", json!({"media": "reported"}));
    let (id, input) = aws.channel("a");
    // 4 s of creation and 56 s more: one minute of idling, exactly.
    aws.pass(56);
    aws.start(&id);
    aws.pass(40);
    aws.stop(&id);
    aws.pass(20);
    // 61 s idle again, the channel's deletion of 10 s among them, and the input's 12 s longer.
    aws.pass(51);
    aws.ok("DELETE", &format!("/prod/channels/{id}"), Value::Null);
    aws.pass(15);
    aws.ok("DELETE", &format!("/prod/inputs/{input}"), Value::Null);
    aws.pass(3600);
    let expected = vec![
        row("channel_input", 10, "0.023400"),
        row("channel_output", 10, "0.070200"),
        // RUNNING had no length, so nothing left.
        row("idle_channel", 1, "0.000167"),
        row("idle_channel", 2, "0.000333"),
        row("idle_input", 1, "0.000167"),
        row("idle_input", 2, "0.000333"),
    ];
    assert_eq!(lines(&mut aws), expected);
    assert_eq!(aws.ask("bill")["total_usd"], "0.094600");
}

#[test]
fn an_hour_on_air_with_its_flow_and_its_bytes() {
    let mut aws = Account::new();
    let flow = aws.flow();
    let outputs = json!({"outputs": [super::output("a", "203.0.113.1")]});
    aws.ok("POST", &format!("/v1/flows/{flow}/outputs"), outputs);
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    let (id, _) = aws.channel("a");
    aws.pass(11);
    aws.start(&id);
    aws.pass(40 + 3600);
    aws.stop(&id);
    aws.ok("POST", &format!("/v1/flows/stop/{flow}"), Value::Null);
    aws.pass(20);
    let found = lines(&mut aws);
    // 3640 s and 20 s of stopping: 61 minutes. The flow was ACTIVE for 3640 s.
    assert!(
        found.contains(&row("channel_output", 61, "0.428220")),
        "{found:?}"
    );
    assert!(
        found.contains(&row("channel_input", 61, "0.142740")),
        "{found:?}"
    );
    assert!(found.contains(&row("flow", 61, "0.162667")), "{found:?}");
    // 6.128 Mb/s for 3600 s are 2,757,600,000 bytes.
    assert!(found.contains(&row("egress", 0, "0.248184")), "{found:?}");
}

#[test]
fn counted_bytes_go_before_reckoned_ones() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    aws.start(&id);
    aws.pass(40);
    aws.tell(
        "report",
        json!({"kind": "egress", "channel_id": id, "bytes": 1_000_000_000u64}),
    );
    aws.pass(60);
    assert!(lines(&mut aws).contains(&row("egress", 0, "0.090000")));
}

#[test]
fn a_start_that_falls_back_is_billed_too_and_open_lines_grow() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    aws.tell(
        "faults",
        json!({"operation": "medialive:StartChannel", "kind": "falls_back_to_idle"}),
    );
    aws.start(&id);
    aws.pass(40);
    assert!(lines(&mut aws).contains(&row("channel_output", 10, "0.070200")));
    let minutes = |aws: &mut Account| {
        lines(aws)
            .iter()
            .filter(|line| line.0 == "idle_channel")
            .map(|line| line.1)
            .max()
    };
    aws.pass(60);
    assert_eq!(minutes(&mut aws), Some(1));
    aws.pass(1);
    assert_eq!(minutes(&mut aws), Some(2));
    let open = aws.ask("bill")["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["open"] == true)
        .count();
    assert_eq!(open, 2);
}

#[test]
fn lines_belong_to_the_tagged_destination() {
    let mut aws = Account::new();
    aws.channel("studio");
    aws.pass(1);
    let bill = aws.ask("bill");
    assert!(
        bill["lines"]
            .as_array()
            .unwrap()
            .iter()
            .all(|line| line["destination"] == "studio")
    );
}

/// A flow sends to MediaLive whether or not a channel runs there (MediaConnect user guide:
/// distributing content to MediaLive), while it is fed and the output is enabled.
#[test]
fn what_a_flow_sends_is_billed_by_output() {
    let mut aws = Account::new();
    aws.tell(
        "options",
        json!({"flow_transfer": "on", "feed_bits_per_second": 8_000_000}),
    );
    let flow = aws.flow();
    let mut tagged = super::output("a", "203.0.113.1");
    tagged["outputTags"] = json!({"lunora:destination": "studio"});
    let body = json!({"outputs": [tagged, super::output("b", "203.0.113.2")]});
    let outputs = aws.ok("POST", &format!("/v1/flows/{flow}/outputs"), body)["outputs"].clone();
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    aws.pass(15 + 1000);
    let second = super::encode(&super::text(&outputs[1]["outputArn"]));
    let status = |word: &str| json!({"outputStatus": word});
    let path = format!("/v1/flows/{flow}/outputs/{second}");
    aws.ok("PUT", &path, status("DISABLED"));
    aws.pass(1000);
    aws.ok("DELETE", &path, Value::Null);
    aws.tell("options", json!({"feed": "off"}));
    aws.pass(1000);
    aws.ok("POST", &format!("/v1/flows/stop/{flow}"), Value::Null);
    aws.pass(10);
    let bill = aws.ask("bill");
    let bytes: Vec<(u64, Value)> = bill["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["kind"] == "flow_transfer")
        .map(|line| {
            (
                line["bytes"].as_u64().unwrap() / 1_000_000,
                line["destination"].clone(),
            )
        })
        .collect();
    assert_eq!(bytes.len(), 2, "{bytes:?}");
    assert!(
        bytes.contains(&(2000, json!("studio"))) && bytes.contains(&(1000, Value::Null)),
        "{bytes:?}"
    );
    assert_eq!(bill["by_destination"]["studio"], "0.040006");
    assert_eq!(bill["by_kind"]["flow_transfer"], "0.060006");
}

/// Not published: by the minute, or by the begun hour.
#[test]
fn a_flow_by_the_minute_or_by_the_hour() {
    for (rounding, minutes) in [("minute", 61), ("hour", 120)] {
        let mut aws = Account::new();
        aws.tell("options", json!({"flow_rounding": rounding}));
        let flow = aws.flow();
        aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
        aws.pass(15 + 3601);
        let found = lines(&mut aws);
        assert_eq!((found[0].0.as_str(), found[0].1), ("flow", minutes));
    }
}
