//! Flows, sources, outputs: MediaConnect knows no 409.

use serde_json::{Value, json};

use super::{Account, channel_body, encode, output, source, text};

/// Waiters FlowActive, FlowStandby and FlowDeleted of the API model.
#[test]
fn a_flow_lives_through_its_statuses() {
    let mut aws = Account::new();
    let flow = aws.flow();
    assert_eq!(aws.flow_status(&flow), "STANDBY");
    let (status, name, _) = aws.refused("POST", &format!("/v1/flows/stop/{flow}"), Value::Null);
    assert_eq!((status, name.as_str()), (400, "BadRequestException"));
    assert_eq!(
        aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null)["status"],
        "STARTING"
    );
    assert_eq!(
        aws.refused("POST", &format!("/v1/flows/start/{flow}"), Value::Null)
            .0,
        400
    );
    assert_eq!(
        aws.refused(
            "POST",
            &format!("/v1/flows/{flow}/outputs"),
            json!({"outputs": [output("a", "203.0.113.1")]})
        )
        .0,
        400
    );
    aws.pass(15);
    assert_eq!(aws.flow_status(&flow), "ACTIVE");
    assert_eq!(
        aws.refused("DELETE", &format!("/v1/flows/{flow}"), Value::Null)
            .0,
        400
    );
    aws.ok("POST", &format!("/v1/flows/stop/{flow}"), Value::Null);
    aws.pass(10);
    assert_eq!(aws.flow_status(&flow), "STANDBY");
    assert_eq!(
        aws.ok("DELETE", &format!("/v1/flows/{flow}"), Value::Null)["status"],
        "DELETING"
    );
    aws.pass(5);
    assert_eq!(
        aws.refused("GET", &format!("/v1/flows/{flow}"), Value::Null)
            .0,
        404
    );
}

/// User guide, updating flows: changes on an ACTIVE flow, UPDATING for a moment.
#[test]
fn an_active_flow_takes_changes_one_at_a_time() {
    let mut aws = Account::new();
    let flow = aws.flow();
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    aws.pass(15);
    aws.tell("times", json!({"flow_update": 1}));
    let path = format!("/v1/flows/{flow}/outputs");
    let answer = aws.ok(
        "POST",
        &path,
        json!({"outputs": [output("a", "203.0.113.1")]}),
    );
    let arn = encode(&text(&answer["outputs"][0]["outputArn"]));
    assert_eq!(aws.flow_status(&flow), "UPDATING");
    assert_eq!(
        aws.refused(
            "POST",
            &path,
            json!({"outputs": [output("b", "203.0.113.2")]})
        )
        .0,
        400
    );
    aws.tell("options", json!({"flow_busy": "ok"}));
    aws.ok(
        "POST",
        &path,
        json!({"outputs": [output("b", "203.0.113.2")]}),
    );
    aws.pass(1);
    assert_eq!(aws.flow_status(&flow), "ACTIVE");
    let answer = aws.ok(
        "PUT",
        &format!("{path}/{arn}"),
        json!({"outputStatus": "DISABLED"}),
    );
    assert_eq!(
        (&answer["output"]["outputStatus"], &answer["output"]["port"]),
        (&json!("DISABLED"), &json!(5000))
    );
    assert_eq!(
        aws.ok("DELETE", &format!("{path}/{arn}"), Value::Null)["outputArn"],
        arn.replace("%3A", ":")
    );
    aws.pass(1);
    assert_eq!(
        aws.refused("DELETE", &format!("{path}/{arn}"), Value::Null)
            .0,
        404
    );
}

/// API model: no 409, so a name used twice, a missing address, a port that overlaps are all 400.
#[test]
fn outputs_that_are_refused() {
    let mut aws = Account::new();
    let flow = aws.flow();
    let path = format!("/v1/flows/{flow}/outputs");
    aws.ok(
        "POST",
        &path,
        json!({"outputs": [output("a", "203.0.113.1")]}),
    );
    let mut overlapping = output("c", "203.0.113.1");
    overlapping["port"] = json!(5004);
    let rows = [
        ("name used twice", output("a", "203.0.113.9")),
        ("destination used twice", output("b", "203.0.113.1")),
        ("FEC ports overlap", overlapping),
        (
            "no protocol",
            json!({"name": "d", "destination": "203.0.113.3", "port": 5000}),
        ),
        (
            "no address",
            json!({"name": "e", "protocol": "rtp-fec", "port": 5000}),
        ),
        (
            "no port",
            json!({"name": "f", "protocol": "rtp-fec", "destination": "203.0.113.3"}),
        ),
        (
            "a protocol that MediaConnect does not have",
            json!({"name": "g", "protocol": "rtmp", "destination": "203.0.113.3", "port": 1935}),
        ),
    ];
    for (why, wrong) in rows {
        let (status, name, _) = aws.refused(
            "POST",
            &path,
            json!({"outputs": [output("fine", "203.0.113.7"), wrong]}),
        );
        assert_eq!(
            (status, name.as_str()),
            (400, "BadRequestException"),
            "{why}"
        );
    }
    let outputs =
        aws.ok("GET", &format!("/v1/flows/{flow}"), Value::Null)["flow"]["outputs"].clone();
    assert_eq!(outputs.as_array().unwrap().len(), 1, "all or nothing");
    // An output without a status is ENABLED.
    assert_eq!(outputs[0]["outputStatus"], "ENABLED");
}

/// API model: CreateFlow420Exception, AddFlowOutputs420Exception; user guide, quotas: 50 and 20.
#[test]
fn quotas_are_420() {
    let mut aws = Account::new();
    let flow = aws.flow();
    let outputs: Vec<Value> = (1..=51)
        .map(|last| output(&format!("o{last}"), &format!("203.0.113.{last}")))
        .collect();
    let path = format!("/v1/flows/{flow}/outputs");
    let (status, name, _) = aws.refused("POST", &path, json!({"outputs": outputs}));
    assert_eq!((status, name.as_str()), (420, "AddFlowOutputs420Exception"));
    aws.ok("POST", &path, json!({"outputs": outputs[..50]}));
    aws.tell("quotas", json!({"flows": 1}));
    let (status, name, _) = aws.refused("POST", "/v1/flows", json!({"name": "two"}));
    assert_eq!((status, name.as_str()), (420, "CreateFlow420Exception"));
}

/// User guide, source failover and SRT sources; the algorithm was seen refused by the real service.
#[test]
fn sources() {
    let mut aws = Account::new();
    let with = |decryption: Value| {
        let mut one = source("primary", 9998);
        one["decryption"] = decryption;
        json!({"name": "f", "sources": [one]})
    };
    let role = "arn:aws:iam::123456789012:role/r";
    let secret = "arn:aws:secretsmanager:us-west-2:123456789012:secret:s";
    let fine = json!({"keyType": "srt-password", "roleArn": role, "secretArn": secret});
    let mut with_algorithm = fine.clone();
    with_algorithm["algorithm"] = json!("aes128");
    assert_eq!(
        aws.refused("POST", "/v1/flows", with(with_algorithm)).0,
        400
    );
    assert_eq!(
        aws.refused(
            "POST",
            "/v1/flows",
            with(json!({"keyType": "srt-password", "roleArn": role}))
        )
        .0,
        400
    );
    aws.ok("POST", "/v1/flows", with(fine));
    let two = json!([source("primary", 9998), source("backup", 9999)]);
    assert_eq!(
        aws.refused("POST", "/v1/flows", json!({"name": "f", "sources": two}))
            .0,
        400
    );
    let merge = json!({"state": "ENABLED", "failoverMode": "MERGE"});
    assert_eq!(
        aws.refused(
            "POST",
            "/v1/flows",
            json!({"name": "f", "sources": two, "sourceFailoverConfig": merge})
        )
        .0,
        400
    );
    let failover = json!({"state": "ENABLED", "failoverMode": "FAILOVER", "sourcePriority": {"primarySource": "primary"}});
    let answer = aws.ok(
        "POST",
        "/v1/flows",
        json!({"name": "f", "sources": two, "sourceFailoverConfig": failover}),
    );
    let flow = encode(&text(&answer["flow"]["flowArn"]));
    let third = aws.refused(
        "POST",
        &format!("/v1/flows/{flow}/source"),
        json!({"sources": [source("third", 9997)]}),
    );
    assert_eq!(third.0, 400);
    let backup = encode(&text(&answer["flow"]["sources"][1]["sourceArn"]));
    aws.ok(
        "PUT",
        &format!("/v1/flows/{flow}/source/{backup}"),
        json!({"whitelistCidr": "203.0.113.9/32"}),
    );
    aws.ok(
        "DELETE",
        &format!("/v1/flows/{flow}/source/{backup}"),
        Value::Null,
    );
    let primary = encode(&text(&answer["flow"]["sources"][0]["sourceArn"]));
    assert_eq!(
        aws.refused(
            "DELETE",
            &format!("/v1/flows/{flow}/source/{primary}"),
            Value::Null
        )
        .0,
        400
    );
    assert_eq!(
        aws.ok(
            "POST",
            &format!("/v1/flows/{flow}/source"),
            json!({"sources": [source("again", 9999)]})
        )["sources"][0]["name"],
        "again"
    );
}

/// User guide, distribution to MediaLive: MediaLive makes and removes the output of its own input.
#[test]
fn a_mediaconnect_input_brings_its_own_output() {
    let mut aws = Account::new();
    let flow = aws.flow();
    let arn = flow.replace("%3A", ":");
    let body = json!({"type": "MEDIACONNECT", "name": "m", "mediaConnectFlows": [{"flowArn": arn}], "roleArn": "arn:aws:iam::123456789012:role/r"});
    let input = aws.ok("POST", "/prod/inputs", body)["input"].clone();
    let outputs =
        aws.ok("GET", &format!("/v1/flows/{flow}"), Value::Null)["flow"]["outputs"].clone();
    assert_eq!(outputs[0]["mediaLiveInputArn"], input["arn"]);
    let path = format!(
        "/v1/flows/{flow}/outputs/{}",
        encode(&text(&outputs[0]["outputArn"]))
    );
    assert_eq!(aws.refused("DELETE", &path, Value::Null).0, 400);
    aws.ok(
        "DELETE",
        &format!("/prod/inputs/{}", text(&input["id"])),
        Value::Null,
    );
    aws.pass(2);
    assert_eq!(
        aws.ok("GET", &format!("/v1/flows/{flow}"), Value::Null)["flow"]["outputs"],
        json!([])
    );
}

/// Tags of flows, sources and outputs live at /tags.
#[test]
fn tags_of_mediaconnect() {
    let mut aws = Account::new();
    let flow = aws.flow();
    let mut tagged = output("a", "203.0.113.1");
    tagged["outputTags"] = json!({"k": "v"});
    let answer = aws.ok(
        "POST",
        &format!("/v1/flows/{flow}/outputs"),
        json!({"outputs": [tagged]}),
    );
    let arn = encode(&text(&answer["outputs"][0]["outputArn"]));
    assert_eq!(
        aws.ok("GET", &format!("/tags/{arn}"), Value::Null)["tags"],
        json!({"k": "v"})
    );
    assert_eq!(
        aws.call(
            "POST",
            &format!("/tags/{flow}"),
            json!({"tags": {"s": "t"}})
        )
        .0,
        204
    );
    assert_eq!(
        aws.call("DELETE", &format!("/tags/{flow}?tagKeys=s"), Value::Null)
            .0,
        204
    );
    assert_eq!(
        aws.ok("GET", &format!("/tags/{flow}"), Value::Null)["tags"],
        json!({})
    );
}

/// What the media plane is shown: enabled outputs of active flows, running channels, and whether
/// the group lets the flow's address in.
#[test]
fn the_media_view_follows_the_apis() {
    let mut aws = Account::new();
    let flow = aws.flow();
    let group = aws.group();
    let input = aws.input("a", &group);
    aws.ok(
        "POST",
        &format!("/v1/flows/{flow}/outputs"),
        json!({"outputs": [output("a", "203.0.113.1")]}),
    );
    let channel =
        text(&aws.ok("POST", "/prod/channels", channel_body("a", &input))["channel"]["id"]);
    let view = aws.core.media_view();
    assert!(!view.flows[0].active && view.channels.is_empty());
    assert!(
        view.flows[0].outputs[0].enabled
            && view.flows[0].outputs[0].fec
            && view.flows[0].outputs[0].admitted
    );
    aws.pass(4);
    aws.start(&channel);
    aws.ok("POST", &format!("/v1/flows/start/{flow}"), Value::Null);
    aws.pass(40);
    let view = aws.core.media_view();
    assert!(view.flows[0].active);
    assert_eq!(
        view.channels[0].input_addresses,
        [("203.0.113.1".to_owned(), 5000)]
    );
    assert_eq!(
        view.channels[0].destination.stream_name.expose(),
        "canary-core-key"
    );
    aws.ok(
        "PUT",
        &format!("/prod/inputSecurityGroups/{group}"),
        json!({"whitelistRules": [{"cidr": "198.51.100.0/24"}]}),
    );
    assert!(!aws.core.media_view().flows[0].outputs[0].admitted);
}
