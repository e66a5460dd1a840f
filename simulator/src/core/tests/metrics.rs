//! What CloudWatch is told of the sources of a flow.

use serde_json::{Value, json};

use super::{Account, encode, source, text};

/// Value by metric and source, whole.
fn points(aws: &Account) -> Vec<(&'static str, String, u64)> {
    let points = aws.core.metrics().into_iter();
    points
        .map(|point| {
            let name = point.source_arn.rsplit(':').next().unwrap_or_default();
            (point.name, name.to_owned(), point.value as u64)
        })
        .collect()
}

/// User guide, metrics to monitor flow source health.
#[test]
fn a_running_flow_tells_of_each_source_and_a_stopped_one_of_none() {
    let mut aws = Account::new();
    aws.tell("options", json!({"feed_bits_per_second": 8_000_000}));
    let answer = aws.ok(
        "POST",
        "/v1/flows",
        json!({"name": "main",
        "sourceFailoverConfig": {"state": "ENABLED", "failoverMode": "FAILOVER"},
        "sources": [source("primary", 9998), source("backup", 9999)]}),
    );
    let flow = encode(&text(&answer["flow"]["flowArn"]));
    let arn = text(&answer["flow"]["sources"][0]["sourceArn"]);
    assert_eq!(points(&aws), []);
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    aws.pass(30);
    let one = |name: &str| name.to_owned();
    assert_eq!(
        points(&aws),
        [
            ("SourceBitRate", one("primary"), 8_000_000),
            ("SourcePacketLossPercent", one("primary"), 0),
            ("SourceRoundTripTime", one("primary"), 40),
            ("SourceBitRate", one("backup"), 0),
        ]
    );
    let worse =
        json!({"action": "set_quality", "id": arn, "loss_percent": 4, "round_trip_ms": 250});
    aws.tell("by-hand", worse);
    assert_eq!(points(&aws)[1].2, 4);
    assert_eq!(points(&aws)[2].2, 250);
    aws.tell("by-hand", json!({"action": "set_quality", "id": arn}));
    assert_eq!(points(&aws)[2].2, 40);
    for wrong in [
        json!({"action": "set_quality", "id": arn, "loss_percent": 101}),
        json!({"action": "set_quality", "id": arn, "round_trip_ms": "long"}),
        json!({"action": "set_quality", "id": "nobody"}),
    ] {
        let status = aws.core.control(aws.now, "POST", "by-hand", &wrong).0;
        assert_eq!(status, 400, "{wrong}");
    }
    aws.tell("by-hand", json!({"action": "cut_source", "id": arn}));
    aws.pass(10);
    assert_eq!(points(&aws)[0], ("SourceBitRate", one("primary"), 0));
    assert_eq!(points(&aws).len(), 2);
    aws.ok("POST", &format!("/v1/flows/stop/{flow}"), Value::Null);
    aws.pass(30);
    assert_eq!(points(&aws), []);
}
