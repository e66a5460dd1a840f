//! What no case shows: time to live, the past, the shape of a stream record, and loud refusals.

use models::{Answer, Database, Parameters};
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

const NOW: u64 = 1_767_312_000_000;

fn database() -> Database {
    let mut database = Database::new();
    database.create_table("t", "id", true);
    database.expire_by("t", "expires_at");
    database
}

fn put(database: &mut Database, now_ms: u64, id: &str, more: Value) {
    let mut item = json!({"id": {"S": id}});
    item.as_object_mut()
        .unwrap()
        .append(&mut more.as_object().unwrap().clone());
    let answer = database.handle(now_ms, "PutItem", &json!({"TableName": "t", "Item": item}));
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn seen(answer: &Answer) -> Vec<&str> {
    let items = answer.body["Items"].as_array().unwrap().iter();
    let mut seen: Vec<&str> = items.map(|item| item["n"]["N"].as_str().unwrap()).collect();
    seen.sort_unstable();
    seen
}

#[test]
fn what_has_expired_goes_and_says_who_did_it() {
    let seconds = NOW / 1000;
    let mut database = database();
    for (id, expires_at) in [
        ("passed", json!({"N": (seconds - 1).to_string()})),
        ("to-come", json!({"N": (seconds + 1).to_string()})),
        ("no-number", json!({"S": "1"})),
        (
            "six-years-ago",
            json!({"N": (seconds - 6 * 365 * 86_400).to_string()}),
        ),
    ] {
        put(&mut database, NOW, id, json!({"expires_at": expires_at}));
    }
    put(&mut database, NOW, "never", json!({}));
    database.take_stream();
    assert_eq!(database.expire(NOW), 1);
    assert!(database.item("t", "passed").is_none());
    assert_eq!(database.items("t").count(), 4);
    let stream = database.take_stream();
    assert_eq!(stream.len(), 1);
    let event = stream[0].event();
    assert_eq!(event["eventName"], "REMOVE");
    assert_eq!(
        event["userIdentity"],
        json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"})
    );
}

#[test]
fn a_read_may_be_answered_from_the_past() {
    let mut database = database();
    for (at, id, n) in [(0, "a", 1), (1000, "a", 2), (1000, "b", 7), (1500, "a", 3)] {
        put(
            &mut database,
            NOW + at,
            id,
            json!({"n": {"N": n.to_string()}}),
        );
    }
    database.handle(
        NOW + 2000,
        "DeleteItem",
        &json!({"TableName": "t", "Key": {"id": {"S": "b"}}}),
    );
    for (at, scanned, got) in [
        (500, vec!["1"], Some("1")),
        (1000, vec!["2", "7"], Some("2")),
        (1500, vec!["3", "7"], Some("3")),
        (2000, vec!["3"], Some("3")),
    ] {
        let scan = database.handle_stale(NOW + at, "Scan", &json!({"TableName": "t"}));
        assert_eq!(seen(&scan), scanned, "at {at}");
        let get = json!({"TableName": "t", "Key": {"id": {"S": "a"}}});
        let answer = database.handle_stale(NOW + at, "GetItem", &get);
        assert_eq!(answer.body["Item"]["n"]["N"].as_str(), got, "at {at}");
    }
    let consistent = json!({"TableName": "t", "ConsistentRead": true});
    assert_eq!(
        seen(&database.handle_stale(NOW, "Scan", &consistent)),
        ["3"]
    );
}

#[test]
fn the_past_is_two_seconds_long() {
    let mut database = database();
    for second in 0..10 {
        put(
            &mut database,
            NOW + second * 1000,
            "a",
            json!({"n": {"N": second.to_string()}}),
        );
    }
    // What is older than two seconds before the last write is forgotten.
    let scan = database.handle_stale(NOW, "Scan", &json!({"TableName": "t"}));
    assert_eq!(seen(&scan), ["6"]);
}

#[test]
fn a_stream_record_looks_like_the_sample_event() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../events/stream-modify.json"
    );
    let sample: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut database = database();
    put(&mut database, NOW, "a", json!({}));
    put(&mut database, NOW, "a", json!({"n": {"N": "1"}}));
    let stream = database.take_stream();
    let members = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let (event, sample) = (stream[1].event(), &sample["Records"][0]);
    assert_eq!(members(&event), members(sample));
    assert_eq!(members(&event["dynamodb"]), members(&sample["dynamodb"]));
    assert!(stream[0].sequence_number < stream[1].sequence_number);
    assert_ne!(stream[0].event_id, stream[1].event_id);
    assert_eq!(event["dynamodb"]["OldImage"], json!({"id": {"S": "a"}}));
    assert_eq!(event["dynamodb"]["SizeBytes"], 3 + 3 + 3 + 3);
}

#[test]
fn scan_walks_through_all_pages_in_an_order_that_means_nothing() {
    let mut database = database();
    for id in ["a", "b", "c", "d", "e"] {
        put(&mut database, NOW, id, json!({}));
    }
    let mut found = Vec::new();
    let mut request = json!({"TableName": "t", "Limit": 2});
    loop {
        let page = database.handle(NOW, "Scan", &request).body;
        for item in page["Items"].as_array().unwrap() {
            found.push(item["id"]["S"].as_str().unwrap().to_owned());
        }
        let Some(last) = page.get("LastEvaluatedKey") else {
            break;
        };
        request["ExclusiveStartKey"] = last.clone();
    }
    assert_ne!(found, ["a", "b", "c", "d", "e"]);
    found.sort();
    assert_eq!(found, ["a", "b", "c", "d", "e"]);
}

#[test]
fn a_query_walks_through_a_sort_key_both_ways() {
    let mut database = Database::new();
    database.create_sorted_table("t", "id", Some("at"), false);
    for (id, at) in [("a", "2"), ("b", "1"), ("a", "10"), ("a", "1"), ("a", "3")] {
        put(&mut database, NOW, id, json!({"at": {"S": at}}));
    }
    // By bytes: "10" is before "2".
    for (forward, wanted) in [
        (true, ["1", "10", "2", "3"]),
        (false, ["3", "2", "10", "1"]),
    ] {
        let mut request = json!({
            "TableName": "t", "Limit": 3, "ScanIndexForward": forward,
            "KeyConditionExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": "a"}},
        });
        let mut found = Vec::new();
        loop {
            let page = database.handle(NOW, "Query", &request).body;
            for item in page["Items"].as_array().unwrap() {
                found.push(item["at"]["S"].as_str().unwrap().to_owned());
            }
            let Some(last) = page.get("LastEvaluatedKey") else {
                break;
            };
            request["ExclusiveStartKey"] = last.clone();
        }
        assert_eq!(found, wanted);
    }
    assert!(database.sorted_item("t", "a", "10").is_some());
    assert!(database.item("t", "a").is_none());
}

#[test]
fn an_encrypted_key_shows_nothing_of_itself() {
    let mut parameters = Parameters::new();
    parameters.put("/canary/a", "canary-one", true, NOW);
    let get = json!({"Name": "/canary/a", "WithDecryption": false});
    let one = parameters.handle(NOW, "GetParameter", &get);
    let mut other = Parameters::new();
    other.put("/canary/a", "canary-two", true, NOW);
    assert_eq!(
        one,
        other.handle(NOW, "GetParameter", &get),
        "it is made from the name alone"
    );
    assert!(!one.body.to_string().contains("canary-one"));
}

#[test]
fn what_is_not_modelled_is_loud() {
    for (operation, body) in [
        ("CreateTable", json!({})),
        (
            "GetItem",
            json!({"TableName": "t", "Key": {"id": {"S": "a"}}, "AttributesToGet": ["n"]}),
        ),
        (
            "UpdateItem",
            json!({"TableName": "t", "Key": {"id": {"S": "a"}}, "AttributeUpdates": {}}),
        ),
        (
            "PutItem",
            json!({"TableName": "t", "Item": {"id": {"S": "a"}, "x": {"B": "eA=="}}}),
        ),
        ("Scan", json!({"TableName": "t", "IndexName": "other"})),
        (
            "Scan",
            json!({"TableName": "t", "ReturnConsumedCapacity": "TOTAL"}),
        ),
    ] {
        let mut database = database();
        let told = catch_unwind(AssertUnwindSafe(|| database.handle(NOW, operation, &body)));
        assert!(told.is_err(), "{operation} {body}: {told:?}");
    }
}
