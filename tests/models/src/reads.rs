//! Reading: GetItem, BatchGetItem, Query and Scan, of what is now or of what was a moment ago.

use crate::{
    answer::Refusal,
    attribute::{self, Item, one},
    database::{Database, known},
    expression::{Condition, Operand},
    projection::project,
    scope::{Scope, Step},
    table::{Place, Table},
};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};

/// A page of Scan and Query ends here, says the developer guide.
const PAGE_BYTES: usize = 1024 * 1024;

impl Database {
    pub(crate) fn read(
        &self,
        as_of_ms: Option<u64>,
        operation: &str,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let as_of = as_of_ms.filter(|_| body["ConsistentRead"] != true);
        match operation {
            "GetItem" => {
                known(
                    operation,
                    body,
                    &[&[
                        "TableName",
                        "Key",
                        "ConsistentRead",
                        "ProjectionExpression",
                        "ExpressionAttributeNames",
                    ]],
                );
                let scope = Scope::of(body, &["ProjectionExpression"])?;
                let key = attribute::item(&body["Key"])?;
                let table = self.table(body)?;
                let row = table.row(&table.place_of(&key, false)?, as_of);
                Ok(match row {
                    Some(row) => one("Item", shown(&scope, row)?),
                    None => json!({}),
                })
            }
            "BatchGetItem" => self.batch(as_of_ms, body),
            "Query" => {
                let scope = pages(
                    operation,
                    body,
                    &[
                        "KeyConditionExpression",
                        "FilterExpression",
                        "ProjectionExpression",
                    ],
                )?;
                let table = self.table(body)?;
                let (hash, sort) = key_condition(&scope, table)?;
                let after = start(table, body)?;
                if after.as_ref().is_some_and(|after| after.1 != hash) {
                    return Err(Refusal::validation(
                        "The provided starting key is outside query boundaries based on provided conditions",
                    ));
                }
                let mut rows = table.rows_after(None, as_of);
                rows.retain(|(place, row)| {
                    place.1 == hash && sort.is_none_or(|sort| scope.holds(fields(row), sort))
                });
                let backward = body["ScanIndexForward"] == false;
                if backward {
                    rows.reverse();
                }
                if let Some(after) = after {
                    rows.retain(|(place, _)| (**place > after) != backward && **place != after);
                }
                page(&scope, table, body, rows)
            }
            "Scan" => {
                let scope = pages(
                    operation,
                    body,
                    &["FilterExpression", "ProjectionExpression"],
                )?;
                let table = self.table(body)?;
                let after = start(table, body)?;
                page(&scope, table, body, table.rows_after(after.as_ref(), as_of))
            }
            other => panic!("DynamoDB's {other} is not modelled"),
        }
    }

    fn batch(&self, as_of_ms: Option<u64>, body: &Value) -> Result<Value, Refusal> {
        known("BatchGetItem", body, &[&["RequestItems"]]);
        let tables = body["RequestItems"]
            .as_object()
            .filter(|tables| !tables.is_empty());
        let tables = tables
            .ok_or_else(|| Refusal::validation("RequestItems must have at least one member"))?;
        let (mut responses, mut asked) = (json!({}), 0);
        for (name, request) in tables {
            let members = &[
                "Keys",
                "ConsistentRead",
                "ProjectionExpression",
                "ExpressionAttributeNames",
            ];
            known("BatchGetItem", request, &[members]);
            let scope = Scope::of(request, &["ProjectionExpression"])?;
            let table = self.table(&one("TableName", name.as_str()))?;
            let as_of = as_of_ms.filter(|_| request["ConsistentRead"] != true);
            let (mut rows, mut seen) = (Vec::new(), BTreeSet::new());
            for key in request["Keys"].as_array().into_iter().flatten() {
                let place = table.place_of(&attribute::item(key)?, false)?;
                if !seen.insert(place.clone()) {
                    return Err(Refusal::validation(
                        "Provided list of item keys contains duplicates",
                    ));
                }
                if let Some(row) = table.row(&place, as_of) {
                    rows.push(shown(&scope, row)?);
                }
            }
            asked += seen.len();
            responses[name] = Value::Array(rows);
        }
        if !(1..=100).contains(&asked) {
            return Err(Refusal::validation(
                "Too many items requested for the BatchGetItem call",
            ));
        }
        let mut answer = json!({"UnprocessedKeys": {}});
        answer["Responses"] = responses;
        Ok(answer)
    }
}

fn pages<'b>(
    operation: &str,
    body: &'b Value,
    expressions: &[&'static str],
) -> Result<Scope<'b>, Refusal> {
    let members = &[
        "TableName",
        "ConsistentRead",
        "Limit",
        "ExclusiveStartKey",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
    ];
    let order: &[&str] = match operation {
        "Query" => &["ScanIndexForward"],
        _ => &[],
    };
    known(operation, body, &[members, expressions, order]);
    if body["Limit"].as_i64().is_some_and(|limit| limit < 1) {
        return Err(Refusal::validation(
            "Limit must be greater than or equal to 1",
        ));
    }
    Scope::of(body, expressions)
}

/// Where a page before ended.
fn start(table: &Table, body: &Value) -> Result<Option<Place>, Refusal> {
    if body["ExclusiveStartKey"].is_null() {
        return Ok(None);
    }
    let key = attribute::item(&body["ExclusiveStartKey"])?;
    let place = table.place_of(&key, false);
    let place = place.map_err(|_| Refusal::validation("The provided starting key is invalid"))?;
    Ok(Some(place))
}

/// The hash key that a Query asks for, and what it asks of the sort key if it does.
fn key_condition<'s>(
    scope: &'s Scope<'_>,
    table: &Table,
) -> Result<(String, Option<&'s Condition>), Refusal> {
    let whole = scope.condition("KeyConditionExpression");
    let whole = whole.ok_or_else(|| {
        Refusal::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        )
    })?;
    let (first, second) = match whole {
        Condition::And(first, second) => (&**first, Some(&**second)),
        alone => (alone, None),
    };
    // The two may stand in either order; the hash key's is the one with an equals sign and its name.
    let (hash, sort) = match (is_hash(scope, table, first), second) {
        (Some(name), second) => (name, second),
        (None, Some(second)) => (
            is_hash(scope, table, second).ok_or_else(|| missed(&table.key))?,
            Some(first),
        ),
        (None, None) => return Err(missed(&table.key)),
    };
    if let Some(sort) = sort {
        check_sort(scope, table, sort)?;
    }
    match scope.value(hash)["S"].as_str() {
        Some("") => Err(Refusal::validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value.",
        )),
        Some(text) => Ok((text.to_owned(), sort)),
        None => Err(unlike()),
    }
}

fn missed(key: &str) -> Refusal {
    Refusal::validation(format!("Query condition missed key schema element: {key}"))
}

fn unlike() -> Refusal {
    Refusal::validation(
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    )
}

/// The value's placeholder where a condition says which hash key.
fn is_hash<'s>(scope: &Scope<'_>, table: &Table, condition: &'s Condition) -> Option<&'s str> {
    match condition {
        Condition::Compare("=", Operand::Path(path), Operand::Value(value))
            if scope.steps(path) == [Step::Name(&table.key)] =>
        {
            Some(value)
        }
        _ => None,
    }
}

/// A sort key may be compared, be between two, or begin with something: no more.
fn check_sort(scope: &Scope<'_>, table: &Table, sort: &Condition) -> Result<(), Refusal> {
    let (path, values): (_, &[&Operand]) = match sort {
        Condition::Compare(operator, path, value) if *operator != "<>" => (path, &[value]),
        Condition::Between(path, low, high) => (path, &[low, high]),
        Condition::Begins(path, part) => (path, &[part]),
        _ => {
            return Err(Refusal::validation(
                "Invalid operator used in KeyConditionExpression",
            ));
        }
    };
    let name = table.range.as_deref().unwrap_or_default();
    let Operand::Path(path) = path else {
        return Err(missed(name));
    };
    if name.is_empty() || scope.steps(path) != [Step::Name(name)] {
        return Err(missed(if name.is_empty() { &table.key } else { name }));
    }
    let is_text = |operand: &&Operand| match operand {
        Operand::Value(value) => scope.value(value)["S"].is_string(),
        _ => false,
    };
    if values.iter().all(is_text) {
        Ok(())
    } else {
        Err(unlike())
    }
}

fn fields(row: &Value) -> &Item {
    row.as_object().expect("a row is a map")
}

fn shown(scope: &Scope<'_>, row: &Value) -> Result<Value, Refusal> {
    Ok(match scope.projection()? {
        Some(paths) => Value::Object(project(fields(row), &paths)),
        None => row.clone(),
    })
}

fn page(
    scope: &Scope<'_>,
    table: &Table,
    body: &Value,
    rows: Vec<(&Place, &Arc<Value>)>,
) -> Result<Value, Refusal> {
    scope.projection()?;
    let limit = body["Limit"]
        .as_u64()
        .map_or(usize::MAX, |limit| limit as usize);
    let (mut items, mut scanned, mut bytes) = (Vec::new(), 0, 0);
    let (mut last, mut full) = (None, false);
    for (place, row) in rows {
        bytes += attribute::item_bytes(fields(row));
        full = bytes > PAGE_BYTES && scanned > 0;
        if full {
            break;
        }
        scanned += 1;
        last = Some(place);
        let keeps = scope
            .condition("FilterExpression")
            .is_none_or(|filter| scope.holds(fields(row), filter));
        if keeps {
            items.push(shown(scope, row)?);
        }
        // At its limit a page says that there may be more, even if there is nothing: an empty last page is usual.
        full = scanned == limit;
        if full {
            break;
        }
    }
    let mut answer = json!({"Count": items.len(), "ScannedCount": scanned});
    answer["Items"] = items.into();
    if let Some(place) = last.filter(|_| full) {
        answer["LastEvaluatedKey"] = table.key_of(place);
    }
    Ok(answer)
}
