//! What is asked of DynamoDB, and what its answers are taken for.

mod wired;

use cloud::{Error, ledgers, sessions};
use domain::cost::Money;
use serde_json::{Value, json};
use wired::{block_on, settings, wire};

fn row(id: &str) -> Value {
    json!({"destination_id": {"S": id}, "generation": {"N": "1"}, "knock": {"N": "0"}})
}

#[test]
fn what_dynamodb_leaves_out_is_not_taken_for_missing() {
    let answered = json!({"Responses": {"ledger": [row("a")]}, "UnprocessedKeys": {}});
    let left_out = json!({"Responses": {"ledger": [row("a")]}, "UnprocessedKeys": {
        "destinations": {"Keys": [{"destination_id": {"S": "a"}}]}}});
    let (_, clients) = wire(&[(200, "", answered), (200, "", left_out)]);
    let look = || block_on(ledgers::read_with_record(&clients, &settings(), "a"));
    assert!(look().unwrap().1.is_none(), "there is no record");
    let error = look().err().unwrap();
    assert!(matches!(error, Error::Transient(_)), "{error}");
}

#[test]
fn everything_is_read_to_its_last_page() {
    let page = |id: &str, more: bool| {
        let mut page = json!({"Items": [row(id)], "Count": 1, "ScannedCount": 1});
        if more {
            page["LastEvaluatedKey"] = json!({"destination_id": {"S": id}});
        }
        (200, "", page)
    };
    let empty = json!({"Items": [], "Count": 0, "ScannedCount": 1,
        "LastEvaluatedKey": {"destination_id": {"S": "b"}}});
    let (wire, clients) = wire(&[page("a", true), (200, "", empty), page("c", false)]);
    let all = block_on(ledgers::all(&clients, &settings())).unwrap();
    assert_eq!(all.rows.keys().collect::<Vec<_>>(), ["a", "c"]);
    let requests = wire.requests.lock().unwrap();
    assert_eq!(requests.len(), 3);
    for (_, body) in requests.iter() {
        assert_eq!(body["ConsistentRead"], true);
    }
    assert_eq!(
        requests[2].1["ExclusiveStartKey"]["destination_id"]["S"],
        "b"
    );
}

#[test]
fn a_row_that_cannot_be_read_hides_no_other() {
    let mut strange = row("b");
    strange["channel"] = json!({"S": "of another version"});
    let page = json!({"Items": [row("a"), strange, row("c")], "Count": 3, "ScannedCount": 3});
    let (_, clients) = wire(&[(200, "", page)]);
    let all = block_on(ledgers::all(&clients, &settings())).unwrap();
    assert_eq!(all.rows.keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(all.unreadable.iter().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn what_was_spent_is_read_from_the_sessions_of_both_months() {
    let session = |from: &str, to: &str, usd: &str| {
        json!({"destination_id": {"S": "a"}, "started_at": {"S": from}, "stopped_at": {"S": to},
            "cost_usd": {"S": usd}})
    };
    let page = |items: &[Value]| (200, "", json!({"Items": items, "Count": items.len()}));
    let night = session("2026-11-30T23:00:00Z", "2026-12-01T01:00:00Z", "2.00");
    let morning = session("2026-12-01T08:00:00Z", "2026-12-01T09:00:00Z", "1.00");
    let (wire, clients) = wire(&[page(&[night]), page(&[morning])]);
    let now = "2026-12-01T10:00:00Z".parse().unwrap();
    let spent = block_on(sessions::spent(&clients, &settings(), "a", now)).unwrap();
    assert_eq!(
        spent.today,
        Money(2_000_000),
        "an hour of the night and the morning"
    );
    let requests = wire.requests.lock().unwrap();
    let asked = requests.iter().map(|(_, body)| {
        assert_eq!(body["ConsistentRead"], true, "what was just written counts");
        body["ExpressionAttributeValues"][":from"]["S"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    assert_eq!(asked.collect::<Vec<_>>(), ["2026-11", "2026-12"]);
}

#[test]
fn a_throttled_table_is_tried_again() {
    for (status, code) in [
        (400, "ProvisionedThroughputExceededException"),
        (400, "RequestLimitExceeded"),
        (400, "ThrottlingException"),
        (400, "TransactionConflictException"),
        (500, "InternalServerError"),
    ] {
        let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}")});
        let (_, clients) = wire(&[(status, "", body)]);
        let error = block_on(ledgers::read(&clients, &settings(), "a"))
            .err()
            .unwrap();
        assert!(matches!(error, Error::Transient(_)), "{code}: {error}");
    }
}
