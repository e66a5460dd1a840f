//! Two sources on one flow: which one is used, and what is told of it.

use serde_json::{Value, json};

use super::{Account, encode, output, source, text};

/// A flow with an SRT source on 9998 and one on 9999, ACTIVE, both called: flow, primary and backup.
fn two(aws: &mut Account, primary: Value) -> (String, String, String) {
    aws.tell("options", json!({"feed": "all"}));
    aws.tell("times", json!({"source_notice": 1}));
    let mut config = json!({"state": "ENABLED", "failoverMode": "FAILOVER"});
    if !primary.is_null() {
        config["sourcePriority"] = json!({"primarySource": primary});
    }
    let answer = aws.ok("POST", "/v1/flows", json!({"name": "main", "sourceFailoverConfig": config,
        "sources": [source("primary", 9998), source("backup", 9999)], "outputs": [output("a", "203.0.113.1")]}));
    let arn = text(&answer["flow"]["flowArn"]);
    let sources = answer["flow"]["sources"].clone();
    aws.ok(
        "POST",
        &format!("/v1/flows/start/{}", encode(&arn)),
        Value::Null,
    );
    aws.pass(15);
    (
        arn,
        text(&sources[0]["sourceArn"]),
        text(&sources[1]["sourceArn"]),
    )
}

fn by_hand(aws: &mut Account, action: &str, id: &str) {
    aws.tell("by-hand", json!({"action": action, "id": id}));
}

/// The source that is used, as only the simulator's own state tells.
fn used(aws: &mut Account) -> String {
    let sources = aws.ask("state")["flows"][0]["sources"].clone();
    let used = sources.as_array().unwrap().iter();
    let used: Vec<_> = used.filter(|source| source["used"] == true).collect();
    used.first()
        .map_or_else(String::new, |source| text(&source["name"]))
}

/// Details of the events of one kind told since the last look.
fn told(aws: &mut Account, kind: &str) -> Vec<Value> {
    let kind = format!("MediaConnect {kind}");
    let events = std::mem::take(&mut aws.events);
    let (these, others) = events
        .into_iter()
        .partition(|event| event["detail-type"] == kind);
    aws.events = others;
    let these: Vec<Value> = these;
    these
        .into_iter()
        .map(|event| event["detail"].clone())
        .collect()
}

/// User guide, source failover: 500 ms without data, back as soon as data returns.
#[test]
fn the_primary_source_is_left_after_half_a_second_and_comes_back_with_its_data() {
    let mut aws = Account::new();
    let (id, _) = aws.channel("a");
    let (flow, primary, _) = two(&mut aws, json!("primary"));
    aws.start(&id);
    aws.pass(40);
    assert_eq!(used(&mut aws), "primary");
    aws.events.clear();
    by_hand(&mut aws, "cut_source", &primary);
    aws.now += 499;
    aws.pass(0);
    assert_eq!(used(&mut aws), "primary");
    aws.now += 1;
    aws.pass(0);
    assert_eq!(used(&mut aws), "backup");
    aws.pass(2);
    let health = told(&mut aws, "Flow Health");
    let switch = |row: &Value| {
        (
            row["current"]["failover_switch"] == true,
            row["unhealthy"] == true,
        )
    };
    assert_eq!(
        health.iter().map(switch).collect::<Vec<_>>(),
        [(true, false), (false, false)]
    );
    assert_eq!(
        health[0]["previous"],
        json!({"failover_switch": false, "source_state": "CONNECTED", "isBitrateZero": false,
        "tr101": {"ts_sync_loss": false, "continuity_count_error": false, "transport_error": false, "pcr_error": false}})
    );
    let sources = told(&mut aws, "Source Health");
    assert_eq!(sources.len(), 1);
    assert_eq!(
        (
            &sources[0]["unhealthy"],
            &sources[0]["current"]["state"],
            &sources[0]["previous"]["state"]
        ),
        (&json!(true), &json!("DISCONNECTED"), &json!("CONNECTED"))
    );
    let alert = told(&mut aws, "Alert");
    assert_eq!(
        (&alert[0]["error-code"], &alert[0]["errored"]),
        (&json!("SourceStreamError"), &json!(true))
    );
    assert_eq!(
        alert[0]["error-message"],
        "Source primary Stream Error: Timeout. Please investigate the flow source."
    );
    let described = aws.ok("GET", &format!("/v1/flows/{}", encode(&flow)), Value::Null);
    assert_eq!(
        described["messages"]["errors"],
        json!([alert[0]["error-message"]])
    );
    by_hand(&mut aws, "restore_source", &primary);
    assert_eq!(used(&mut aws), "primary", "at once");
    aws.pass(2);
    assert_eq!(told(&mut aws, "Alert")[0]["errored"], false);
    let described = aws.ok("GET", &format!("/v1/flows/{}", encode(&flow)), Value::Null);
    assert_eq!(described.get("messages"), None);
    // Half a second is no loss to MediaLive, which waits for one (user guide: alert 5302).
    let alerts = aws.ok("GET", &format!("/prod/channels/{id}/alerts"), Value::Null);
    assert_eq!(alerts["alerts"], json!([]));
    assert!(told(&mut aws, "Output Health").is_empty());
}

/// There and back within a second is one flag, and it goes out again.
#[test]
fn two_switches_in_a_row() {
    let mut aws = Account::new();
    let (_, primary, _) = two(&mut aws, json!("primary"));
    for _ in 0..2 {
        aws.events.clear();
        by_hand(&mut aws, "cut_source", &primary);
        aws.now += 600;
        aws.pass(0);
        by_hand(&mut aws, "restore_source", &primary);
        aws.pass(60);
        let flags: Vec<bool> = told(&mut aws, "Flow Health")
            .iter()
            .map(|row| row["current"]["failover_switch"] == true)
            .collect();
        assert_eq!(flags, [true, false]);
    }
}

/// User guide, source failover: without a primary both are equal, and nothing goes back by itself.
#[test]
fn equal_sources_change_only_when_the_one_in_use_is_silent() {
    let mut aws = Account::new();
    let (_, primary, backup) = two(&mut aws, Value::Null);
    let first = used(&mut aws);
    let (one, other) = if first == "primary" {
        (primary, "backup")
    } else {
        (backup, "primary")
    };
    by_hand(&mut aws, "cut_source", &one);
    aws.pass(1);
    assert_eq!(used(&mut aws), other);
    by_hand(&mut aws, "restore_source", &one);
    aws.pass(60);
    assert_eq!(used(&mut aws), other);
}

/// API model, UpdateFlow: the primary source of a running flow is changed by name.
#[test]
fn another_primary_source_takes_over_on_a_running_flow() {
    let mut aws = Account::new();
    let (flow, primary, backup) = two(&mut aws, json!("primary"));
    let path = format!("/v1/flows/{}", encode(&flow));
    let config = |name: &str| {
        json!({"sourceFailoverConfig": {"state": "ENABLED", "failoverMode": "FAILOVER",
        "sourcePriority": {"primarySource": name}}})
    };
    aws.ok("PUT", &path, config("backup"));
    assert_eq!(used(&mut aws), "backup");
    let answer = aws.ok("PUT", &path, config("primary"));
    assert_eq!(
        answer["flow"]["sourceFailoverConfig"]["sourcePriority"]["primarySource"],
        "primary"
    );
    assert_eq!(used(&mut aws), "primary");
    by_hand(&mut aws, "cut_source", &backup);
    aws.ok("PUT", &path, config("backup"));
    assert_eq!(used(&mut aws), "primary", "a silent primary is not used");
    by_hand(&mut aws, "restore_source", &backup);
    assert_eq!(used(&mut aws), "backup");
    aws.ok(
        "DELETE",
        &format!("{path}/source/{}", encode(&backup)),
        Value::Null,
    );
    assert_eq!(used(&mut aws), "primary");
    let described = aws.ok("GET", &path, Value::Null);
    assert_eq!(described["flow"]["sources"][0]["sourceArn"], primary);
    assert_eq!(
        described["flow"]["sourceFailoverConfig"].get("sourcePriority"),
        None
    );
}

/// User guide: source failover, adding a source; MediaConnect refuses with 400.
#[test]
fn failover_that_is_refused() {
    let mut aws = Account::new();
    let (flow, _, backup) = two(&mut aws, json!("primary"));
    let path = format!("/v1/flows/{}", encode(&flow));
    let rows = [
        ("two sources need it", json!({"state": "DISABLED"})),
        (
            "SRT never merges",
            json!({"state": "ENABLED", "failoverMode": "MERGE"}),
        ),
        ("the mode has to be said", json!({"state": "ENABLED"})),
        (
            "a stranger",
            json!({"state": "ENABLED", "failoverMode": "FAILOVER", "sourcePriority": {"primarySource": "third"}}),
        ),
        (
            "the window is too wide",
            json!({"state": "ENABLED", "failoverMode": "FAILOVER", "recoveryWindow": 20_000}),
        ),
    ];
    for (why, config) in rows {
        let refused = aws.refused("PUT", &path, json!({"sourceFailoverConfig": config}));
        assert_eq!(refused.0, 400, "{why}");
    }
    let to_rtp = aws.refused(
        "PUT",
        &format!("{path}/source/{}", encode(&backup)),
        json!({"protocol": "rtp"}),
    );
    assert_eq!(to_rtp.0, 400, "both sources use the same protocol");
    let same_port = aws.refused(
        "PUT",
        &format!("{path}/source/{}", encode(&backup)),
        json!({"ingestPort": 9998}),
    );
    assert_eq!(same_port.0, 400, "each source has a port of its own");
    assert_eq!(
        aws.ok("GET", &path, Value::Null)["flow"]["sourceFailoverConfig"]["failoverMode"],
        "FAILOVER"
    );
}

/// Seen with the real service: a flow that nobody feeds says so some seconds after it is ACTIVE.
#[test]
fn a_flow_that_nobody_feeds() {
    let mut aws = Account::new();
    aws.tell("options", json!({"feed": "off", "flow_health": "observed"}));
    let flow = aws.flow();
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    aws.pass(15);
    assert!(told(&mut aws, "Flow Health").is_empty());
    aws.pass(5);
    let health = told(&mut aws, "Flow Health");
    assert_eq!(health[0]["previous"], json!({"state": ""}));
    assert_eq!(
        (
            &health[0]["unhealthy"],
            &health[0]["current"]["state"],
            &health[0]["current"]["isBitrateZero"]
        ),
        (&json!(true), &json!("DISCONNECTED"), &json!(true))
    );
    assert_eq!(health[0]["current"].get("failover_switch"), None);
    assert_eq!(told(&mut aws, "Alert").len(), 1);
    let metadata = aws.ok(
        "GET",
        &format!("/v1/flows/{flow}/source-metadata"),
        Value::Null,
    );
    assert!(metadata.get("transportMediaInfo").is_none());
    aws.tell("options", json!({"feed": "on"}));
    aws.pass(1);
    assert_eq!(told(&mut aws, "Alert")[0]["errored"], false);
    let metadata = aws.ok(
        "GET",
        &format!("/v1/flows/{flow}/source-metadata"),
        Value::Null,
    );
    assert_eq!(
        metadata["transportMediaInfo"]["programs"][0]["streams"][0]["codec"],
        "H.264"
    );
}

/// User guide, determining a source's peer IP address: up to 20 seconds late.
#[test]
fn the_peer_address_follows_late() {
    let mut aws = Account::new();
    aws.tell("times", json!({"peer_lag": 20}));
    let flow = aws.flow();
    let peer = |aws: &mut Account| {
        let described = aws.ok("GET", &format!("/v1/flows/{flow}"), Value::Null);
        described["flow"]["sources"][0]["peerIpAddress"].clone()
    };
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    aws.pass(34);
    assert_eq!(peer(&mut aws), Value::Null);
    aws.pass(1);
    assert_eq!(peer(&mut aws), "203.0.113.7");
    aws.tell("options", json!({"feed": "off"}));
    aws.pass(19);
    assert_eq!(peer(&mut aws), "203.0.113.7");
    aws.pass(2);
    assert_eq!(peer(&mut aws), Value::Null);
}

/// An updated listener drops its caller, which calls again; the other source helps out meanwhile.
#[test]
fn an_updated_source_is_called_again() {
    let mut aws = Account::new();
    aws.tell("times", json!({"source_reconnect": 3}));
    let (flow, primary, _) = two(&mut aws, json!("primary"));
    let path = format!("/v1/flows/{}/source/{}", encode(&flow), encode(&primary));
    aws.ok("PUT", &path, json!({"description": "nothing that matters"}));
    aws.pass(1);
    assert_eq!(used(&mut aws), "primary");
    aws.ok("PUT", &path, json!({"minLatency": 3000}));
    aws.pass(1);
    assert_eq!(used(&mut aws), "backup");
    aws.pass(3);
    assert_eq!(used(&mut aws), "primary");
}

/// User guide: how maintenance works (the flow is restarted, all outputs are interrupted), flow
/// maintenance event, content quality event, adding a source (a brief interruption).
#[test]
fn maintenance_content_quality_and_a_flow_that_learns_failover() {
    let mut aws = Account::new();
    aws.tell(
        "times",
        json!({"flow_maintenance": 30, "flow_interrupt": 2}),
    );
    let flow = aws.flow();
    let arn = flow.replace("%3A", ":");
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    aws.pass(15);
    aws.tell(
        "by-hand",
        json!({"action": "schedule_flow_maintenance", "id": arn, "date": "2026-01-06"}),
    );
    let described = aws.ok("GET", &format!("/v1/flows/{flow}"), Value::Null);
    assert_eq!(
        described["flow"]["maintenance"]["maintenanceScheduledDate"],
        "2026-01-06"
    );
    aws.pass(1);
    aws.events.clear();
    by_hand(&mut aws, "maintain_flow", &arn);
    aws.pass(29);
    assert_eq!(aws.flow_status(&flow), "ACTIVE");
    assert!(!aws.core.media_view().flows[0].active);
    aws.pass(1);
    assert!(aws.core.media_view().flows[0].active);
    aws.pass(1);
    let status = |row: &Value| text(&row["currentStatus"]);
    assert_eq!(
        told(&mut aws, "Flow Maintenance")
            .iter()
            .map(status)
            .collect::<Vec<_>>(),
        ["INPROGRESS", "FINISHED"]
    );
    let state = |row: &Value| text(&row["current"]["state"]);
    assert_eq!(
        told(&mut aws, "Source Health")
            .iter()
            .map(state)
            .collect::<Vec<_>>(),
        ["DISCONNECTED", "CONNECTED"]
    );

    let streams = json!([{"video_missing": true}, {"silent_audio_duration_breaching": false}]);
    let asked = json!({"action": "content_quality", "id": arn, "streams": streams});
    let (status, told_off) = aws.core.control(aws.now, "POST", "by-hand", &asked);
    assert_eq!(status, 400, "{told_off}");
    let monitoring = json!({"sourceMonitoringConfig": {"contentQualityAnalysisState": "ENABLED"}});
    aws.ok("PUT", &format!("/v1/flows/{flow}"), monitoring);
    aws.tell("by-hand", asked);
    aws.pass(1);
    assert_eq!(
        told(&mut aws, "Flow Content Quality"),
        [json!({"impacted": true, "streams": streams})]
    );

    let failover =
        json!({"sourceFailoverConfig": {"state": "ENABLED", "failoverMode": "FAILOVER"}});
    aws.ok("PUT", &format!("/v1/flows/{flow}"), failover.clone());
    aws.pass(1);
    assert_eq!(told(&mut aws, "Flow Health")[0]["unhealthy"], true);
    aws.pass(1);
    aws.pass(0);
    assert_eq!(told(&mut aws, "Flow Health")[0]["unhealthy"], false);
    aws.ok("PUT", &format!("/v1/flows/{flow}"), failover);
    aws.pass(1);
    assert!(told(&mut aws, "Flow Health").is_empty());
}

/// `failover_switch` is a state in the guide's words; how long it lasts is not said.
#[test]
fn the_switch_flag_both_ways_and_errors_of_a_source() {
    let mut aws = Account::new();
    aws.tell("options", json!({"failover_switch": "stays"}));
    let (flow, primary, _) = two(&mut aws, json!("primary"));
    aws.events.clear();
    by_hand(&mut aws, "cut_source", &primary);
    aws.pass(60);
    let flags = |rows: Vec<Value>| -> Vec<bool> {
        rows.iter()
            .map(|row| row["current"]["failover_switch"] == true)
            .collect()
    };
    assert_eq!(flags(told(&mut aws, "Flow Health")), [true]);
    by_hand(&mut aws, "restore_source", &primary);
    aws.pass(1);
    assert_eq!(flags(told(&mut aws, "Flow Health")), [false]);
    aws.events.clear();
    let report = |on: bool| json!({"kind": "source_errors", "flow_arn": flow, "source_arn": primary, "continuity": on});
    aws.tell("report", report(true));
    aws.pass(1);
    let health = told(&mut aws, "Source Health");
    assert_eq!(
        (
            &health[0]["unhealthy"],
            &health[0]["current"]["state"],
            &health[0]["current"]["tr101"]["continuity_count_error"]
        ),
        (&json!(true), &json!("CONNECTED"), &json!(true))
    );
    assert_eq!(told(&mut aws, "Flow Health")[0]["unhealthy"], true);
    aws.tell("report", report(false));
    aws.pass(1);
    assert_eq!(told(&mut aws, "Flow Health")[0]["unhealthy"], false);
}
