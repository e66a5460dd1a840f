//! The models against what AWS documents, case by case.

use serde_json::{Value, json};

/// What a case's answers say otherwise than is expected.
fn complaints(case: &Value) -> Vec<String> {
    let told = models::answers(case);
    let answers = told["answers"].as_array().expect("answers");
    let at = case["before"].as_array().map_or(0, Vec::len);
    let (before, answer) = (&answers[..at], &answers[at]);
    let mut found = Vec::new();
    let mut differ = |what: &str, is: Value, expected: &Value| {
        if !expected.is_null() && is != *expected {
            found.push(format!("{}: {what} is {is}, not {expected}", case["name"]));
        }
    };
    differ(
        "each earlier answer",
        before.iter().all(|given| given["error"].is_null()).into(),
        &json!(true),
    );
    let error = &answer["error"];
    differ(
        "whether it is refused",
        error.is_null().into(),
        &case["error"].is_null().into(),
    );
    differ("the error", error.clone(), &case["error"]);
    differ("the body", body(answer), &sorted(case["body"].clone()));
    let page = &answer["body"];
    let page = json!({"Count": page["Count"], "ScannedCount": page["ScannedCount"], "more": !page["LastEvaluatedKey"].is_null()});
    differ("the page", page, &case["page"]);
    let after = if case["after"] == "as before" {
        &case["before"]
    } else {
        &case["after"]
    };
    differ(
        "the table",
        sorted(answers[answers.len() - 1]["body"].clone())["Items"].clone(),
        after,
    );
    let events = told["stream"].as_array().expect("a stream").iter();
    differ(
        "the stream",
        events.map(|event| event["eventName"].clone()).collect(),
        &case["stream"],
    );
    found
}

/// A body without what is not foretold: times, words, ciphertexts.
fn body(answer: &Value) -> Value {
    let mut body = sorted(answer["body"].clone());
    if let Some(members) = body.as_object_mut() {
        members.remove("__type");
        members.remove("message");
    }
    strip(&mut body);
    body
}

fn strip(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(strip),
        Value::Object(map) => {
            map.remove("LastModifiedDate");
            map.remove("Message");
            if let Some(Value::String(text)) = map.get_mut("Value")
                && text.starts_with("AQICAH")
            {
                *text = "(sealed)".into();
            }
            map.values_mut().for_each(strip);
        }
        _ => {}
    }
}

/// Items by key: a table has no order.
fn sorted(mut body: Value) -> Value {
    if let Some(Value::Array(items)) = body.get_mut("Items") {
        items.sort_by_key(Value::to_string);
    }
    body
}

#[test]
fn every_case_is_answered_as_aws_documents() {
    let mut found = Vec::new();
    let mut cases = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/cases")).expect("cases") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        let list: Vec<Value> = serde_json::from_str(&text).expect("a list of cases");
        cases += list.len();
        found.extend(list.iter().flat_map(complaints));
    }
    assert!(cases >= 250, "only {cases} cases were found");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
