//! DynamoDB: tables with a hash key and perhaps a sort key, expressions, conditions, pages, stream, time to live.

use crate::{
    Answer, StreamRecord,
    answer::Refusal,
    attribute::{self, ITEM_BYTES, Item, one},
    projection::project,
    scope::Scope,
    table::{Place, Table, place},
    update,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// All tables of one account in one Region.
#[derive(Clone, Debug, Default)]
pub struct Database {
    pub(crate) tables: BTreeMap<String, Table>,
    stream: Vec<StreamRecord>,
}

/// A write that may be carried out.
struct Write<'b> {
    table: &'b str,
    place: Place,
    after: Option<Item>,
    answer: Value,
}

/// Members that every write may have.
const WRITE: &[&str] = &[
    "TableName",
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValues",
    "ReturnValuesOnConditionCheckFailure",
];

/// Stops the program at a member that is not modelled. (A null member is no member.)
pub(crate) fn known(operation: &str, body: &Value, members: &[&[&str]]) {
    for (name, value) in body.as_object().into_iter().flatten() {
        let plain = name.starts_with("Return") && value == "NONE";
        assert!(
            plain
                || value.is_null()
                || members
                    .iter()
                    .any(|members| members.contains(&name.as_str())),
            "the models do not know {name} of {operation}"
        );
    }
}

/// One of the words a member may have; the first if there is none.
fn choice<'b>(body: &'b Value, member: &str, words: &[&'b str]) -> Result<&'b str, Refusal> {
    let given = body[member].as_str().unwrap_or(words[0]);
    let known = words.iter().find(|word| **word == given);
    known
        .copied()
        .ok_or_else(|| Refusal::validation(format!("{member} can only be one of {words:?}")))
}

impl Database {
    /// No tables yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a table whose key is one attribute of type S. `stream`: with NEW_AND_OLD_IMAGES.
    pub fn create_table(&mut self, name: &str, hash_key: &str, stream: bool) {
        self.create_sorted_table(name, hash_key, None, stream);
    }

    /// Makes a table whose key is one attribute of type S, or two: then items under one hash key are
    /// sorted by the bytes of the second.
    pub fn create_sorted_table(
        &mut self,
        name: &str,
        hash_key: &str,
        range_key: Option<&str>,
        stream: bool,
    ) {
        let table = Table::new(name, hash_key, range_key, stream);
        assert!(
            self.tables.insert(name.to_owned(), table).is_none(),
            "there is a table {name} already"
        );
    }

    /// Switches time to live on: items whose `attribute` (Unix seconds) has passed may go.
    pub fn expire_by(&mut self, table: &str, attribute: &str) {
        self.tables.get_mut(table).expect("a table").expires = Some(attribute.to_owned());
    }

    /// Removes every item whose time to live has passed, as DynamoDB does some time after it has.
    /// Gives back how many went. Their stream records name dynamodb.amazonaws.com as the doer.
    pub fn expire(&mut self, now_ms: u64) -> usize {
        let mut gone = 0;
        for table in self.tables.values_mut() {
            for place in table.expired(now_ms) {
                self.stream.extend(table.write(now_ms, place, None, true));
                gone += 1;
            }
        }
        gone
    }

    /// Answers one call. `operation` is the part of `x-amz-target` after the dot.
    pub fn handle(&mut self, now_ms: u64, operation: &str, body: &Value) -> Answer {
        let writes = match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                self.write(operation, body).map(|write| vec![write])
            }
            "TransactWriteItems" => self.transaction(body),
            _ => return Answer::of(self.read(None, operation, body)),
        };
        Answer::of(writes.map(|writes| {
            let mut answer = Value::Null;
            for write in writes {
                answer = write.answer;
                let table = self
                    .tables
                    .get_mut(write.table)
                    .expect("it was found a moment ago");
                self.stream
                    .extend(table.write(now_ms, write.place, write.after, false));
            }
            answer
        }))
    }

    /// Answers a read as of an earlier moment, at most two seconds back, as an eventually consistent
    /// read may be answered. A read that asks for ConsistentRead gets the newest all the same.
    pub fn handle_stale(&self, as_of_ms: u64, operation: &str, body: &Value) -> Answer {
        Answer::of(self.read(Some(as_of_ms), operation, body))
    }

    /// Takes what the streams hold, oldest first.
    pub fn take_stream(&mut self) -> Vec<StreamRecord> {
        std::mem::take(&mut self.stream)
    }

    /// The items of a table by hash key, as DynamoDB's JSON, in no order that means anything but that
    /// those under one hash key are together and sorted.
    pub fn items(&self, table: &str) -> impl Iterator<Item = (&str, &Value)> {
        let rows = self
            .tables
            .get(table)
            .into_iter()
            .flat_map(|table| &table.rows);
        rows.map(|((_, key, _), row)| (key.as_str(), &**row))
    }

    /// One item of a table without a sort key, without a call.
    pub fn item(&self, table: &str, key: &str) -> Option<&Value> {
        self.sorted_item(table, key, "")
    }

    /// One item of a table with a sort key, without a call.
    pub fn sorted_item(&self, table: &str, key: &str, range: &str) -> Option<&Value> {
        let table = self.tables.get(table)?;
        table.rows.get(&place(key, range)).map(|row| &**row)
    }

    /// The size of an item as DynamoDB counts and bills it; of one that is not there, nothing.
    pub fn item_bytes(&self, table: &str, key: &str) -> usize {
        let item = self.item(table, key).and_then(Value::as_object);
        item.map_or(0, attribute::item_bytes)
    }

    pub(crate) fn table(&self, body: &Value) -> Result<&Table, Refusal> {
        let name = body["TableName"].as_str().unwrap_or_default();
        self.tables.get(name).ok_or_else(|| {
            Refusal::new("ResourceNotFoundException", "Requested resource not found")
        })
    }

    fn write<'b>(&self, operation: &str, body: &'b Value) -> Result<Write<'b>, Refusal> {
        let (own, returns): (&[&str], &[&str]) = match operation {
            "PutItem" => (&["Item"], &["NONE", "ALL_OLD"]),
            "UpdateItem" => (
                &["Key", "UpdateExpression"],
                &["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"],
            ),
            _ => (&["Key"], &["NONE", "ALL_OLD"]),
        };
        known(operation, body, &[WRITE, own]);
        let returns = choice(body, "ReturnValues", returns)?;
        let shows = choice(
            body,
            "ReturnValuesOnConditionCheckFailure",
            &["NONE", "ALL_OLD"],
        )? == "ALL_OLD";
        let scope = Scope::of(body, &["UpdateExpression", "ConditionExpression"])?;
        let given = attribute::item(&body[own[0]])?;
        if attribute::item_bytes(&given) > ITEM_BYTES {
            return Err(Refusal::validation(
                "Item size has exceeded the maximum allowed size",
            ));
        }
        let table = self.table(body)?;
        let place = table.place_of(&given, operation == "PutItem")?;
        if let Some(update) = scope.update() {
            update::check(&scope, update, table.keys())?;
        }
        let row = table.rows.get(&place);
        let before = row.and_then(|row| row.as_object());
        if let Some(condition) = scope.condition("ConditionExpression")
            && !scope.holds(before.unwrap_or(&Item::new()), condition)
        {
            let mut refusal = Refusal::new(
                "ConditionalCheckFailedException",
                "The conditional request failed",
            );
            if let Some(row) = row.filter(|_| shows) {
                refusal.more.push(("Item", Value::clone(row)));
            }
            return Err(refusal);
        }
        let after = match (operation, scope.update()) {
            ("PutItem", _) => Some(given),
            ("DeleteItem", _) => None,
            (_, Some(update)) => update::apply(&scope, update, before, &given)?,
            (_, None) => Some(before.cloned().unwrap_or(given)),
        };
        if after
            .as_ref()
            .is_some_and(|after| attribute::item_bytes(after) > ITEM_BYTES)
        {
            return Err(Refusal::validation(
                "Item size to update has exceeded the maximum allowed size",
            ));
        }
        let shown = match returns {
            "ALL_OLD" => before.cloned(),
            "ALL_NEW" => after.clone(),
            "UPDATED_OLD" | "UPDATED_NEW" => {
                let item = if returns == "UPDATED_OLD" {
                    before
                } else {
                    after.as_ref()
                };
                let paths = scope.update().map(|update| update::targets(&scope, update));
                item.zip(paths).map(|(item, paths)| project(item, &paths))
            }
            _ => None,
        };
        let answer = match shown.filter(|shown| !shown.is_empty()) {
            Some(shown) => one("Attributes", shown),
            None => json!({}),
        };
        Ok(Write {
            table: body["TableName"].as_str().unwrap_or_default(),
            place,
            after,
            answer,
        })
    }

    /// All of some writes or none.
    fn transaction<'b>(&self, body: &'b Value) -> Result<Vec<Write<'b>>, Refusal> {
        known("TransactWriteItems", body, &[&["TransactItems"]]);
        let items = body["TransactItems"]
            .as_array()
            .filter(|items| (1..=100).contains(&items.len()));
        let items =
            items.ok_or_else(|| Refusal::validation("TransactItems must have 1 to 100 members"))?;
        let (mut writes, mut reasons, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for item in items {
            let (kind, inner) = attribute::parts(item);
            let operation = match kind {
                "Put" => "PutItem",
                "Update" => "UpdateItem",
                "Delete" => "DeleteItem",
                other => panic!("the models do not know {other} in a transaction"),
            };
            assert!(
                inner["ReturnValues"].is_null(),
                "a transaction gives no values back"
            );
            match self.write(operation, inner) {
                Ok(write) => {
                    if !seen.insert((write.table, write.place.clone())) {
                        return Err(Refusal::validation(
                            "Transaction request cannot include multiple operations on one item",
                        ));
                    }
                    writes.push(write);
                    reasons.push(json!({"Code": "None"}));
                }
                Err(refusal) if refusal.name == "ConditionalCheckFailedException" => {
                    let mut reason =
                        json!({"Code": "ConditionalCheckFailed", "Message": refusal.message});
                    for (name, value) in refusal.more {
                        reason[name] = value;
                    }
                    reasons.push(reason);
                }
                Err(refusal) => return Err(refusal),
            }
        }
        if writes.len() == items.len() {
            return Ok(writes);
        }
        let codes: Vec<&str> = reasons
            .iter()
            .filter_map(|reason| reason["Code"].as_str())
            .collect();
        let mut refusal = Refusal::new(
            "TransactionCanceledException",
            format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                codes.join(", ")
            ),
        );
        refusal
            .more
            .push(("CancellationReasons", Value::Array(reasons)));
        Err(refusal)
    }
}
