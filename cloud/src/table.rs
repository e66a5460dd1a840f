//! Items and conditional updates, so that the rest of the crate speaks of attributes, not of
//! expressions.

use crate::{clients::Clients, fault::CallError};
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use domain::record::Item;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// A row as DynamoDB gives it.
pub(crate) type Row = HashMap<String, AttributeValue>;

/// An attribute as plain JSON. A set becomes an array, bytes become null: the operator's
/// attributes are text, numbers and booleans.
pub(crate) fn value(attribute: &AttributeValue) -> Value {
    match attribute {
        AttributeValue::S(text) => Value::from(text.as_str()),
        AttributeValue::N(number) => serde_json::from_str(number).unwrap_or(Value::Null),
        AttributeValue::Bool(flag) => Value::from(*flag),
        AttributeValue::L(list) => list.iter().map(value).collect(),
        AttributeValue::M(map) => Value::Object(
            map.iter()
                .map(|(name, attribute)| (name.clone(), value(attribute)))
                .collect(),
        ),
        AttributeValue::Ss(texts) => texts
            .iter()
            .map(|text| Value::from(text.as_str()))
            .collect(),
        AttributeValue::Ns(numbers) => numbers
            .iter()
            .map(|number| serde_json::from_str(number).unwrap_or(Value::Null))
            .collect(),
        _ => Value::Null,
    }
}

/// A row as plain JSON.
pub(crate) fn item(row: &Row) -> Item {
    row.iter()
        .map(|(name, attribute)| (name.clone(), value(attribute)))
        .collect()
}

/// Plain data as an attribute. Everything we write is built by us, so it always fits.
pub(crate) fn attribute<T: Serialize>(data: &T) -> AttributeValue {
    serde_dynamo::to_attribute_value(data).unwrap_or(AttributeValue::Null(true))
}

/// A text as an attribute.
pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A row as one of our types.
pub(crate) fn parse<T: DeserializeOwned>(row: Row) -> Option<T> {
    serde_dynamo::from_item(row).ok()
}

/// Plain data as a row.
pub(crate) fn row<T: Serialize>(data: &T) -> Row {
    serde_dynamo::to_item(data).unwrap_or_default()
}

/// A conditional update of one row.
#[derive(Default)]
pub(crate) struct Update {
    sets: Vec<String>,
    removes: Vec<String>,
    adds: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

impl Update {
    fn name(&mut self, name: &str) -> String {
        if let Some((placeholder, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    pub fn set(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.sets.push(format!("{name} = {value}"));
        self
    }

    /// Sets or removes attributes: `None` removes one.
    pub fn mirror<N: AsRef<str>, V: Serialize>(
        self,
        attributes: impl IntoIterator<Item = (N, Option<V>)>,
    ) -> Self {
        attributes
            .into_iter()
            .fold(self, |update, (name, value)| match value {
                Some(value) => update.set(name.as_ref(), attribute(&value)),
                None => update.remove(name.as_ref()),
            })
    }

    pub fn set_if_absent(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.sets
            .push(format!("{name} = if_not_exists({name}, {value})"));
        self
    }

    pub fn append(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, one) = (self.name(name), self.value(AttributeValue::L(vec![value])));
        let none = self.value(AttributeValue::L(Vec::new()));
        self.sets.push(format!(
            "{name} = list_append(if_not_exists({name}, {none}), {one})"
        ));
        self
    }

    pub fn remove(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.removes.push(name);
        self
    }

    pub fn add(mut self, name: &str, number: u64) -> Self {
        let (name, value) = (
            self.name(name),
            self.value(AttributeValue::N(number.to_string())),
        );
        self.adds.push(format!("{name} {value}"));
        self
    }

    pub fn when_equal(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.conditions.push(format!("{name} = {value}"));
        self
    }

    pub fn when_absent(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.conditions
            .push(format!("attribute_not_exists({name})"));
        self
    }

    pub fn when_absent_or_equal(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.conditions.push(format!(
            "(attribute_not_exists({name}) OR {name} = {value})"
        ));
        self
    }

    pub fn when_nested_equal(mut self, name: &str, inner: &str, value: AttributeValue) -> Self {
        let (name, inner, value) = (self.name(name), self.name(inner), self.value(value));
        self.conditions.push(format!("{name}.{inner} = {value}"));
        self
    }

    pub fn when_absent_or_at_most(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.conditions.push(format!(
            "(attribute_not_exists({name}) OR {name} <= {value})"
        ));
        self
    }

    pub fn when_above(mut self, name: &str, value: AttributeValue) -> Self {
        let (name, value) = (self.name(name), self.value(value));
        self.conditions.push(format!("{name} > {value}"));
        self
    }

    pub fn when_absent_or_nested_at_most(
        mut self,
        name: &str,
        inner: &str,
        value: AttributeValue,
    ) -> Self {
        let (name, inner, value) = (self.name(name), self.name(inner), self.value(value));
        self.conditions.push(format!(
            "(attribute_not_exists({name}) OR {name}.{inner} <= {value})"
        ));
        self
    }

    pub fn when_there(mut self, name: &str) -> Self {
        let name = self.name(name);
        self.conditions.push(format!("attribute_exists({name})"));
        self
    }

    /// Nothing to write and nothing to check.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.removes.is_empty() && self.adds.is_empty()
    }

    fn expression(&self) -> String {
        let clause = |word: &str, parts: &[String]| {
            (!parts.is_empty()).then(|| format!("{word} {}", parts.join(", ")))
        };
        [
            clause("SET", &self.sets),
            clause("REMOVE", &self.removes),
            clause("ADD", &self.adds),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
    }
}

/// What a conditional write came to.
pub(crate) enum Written {
    /// Written; the row as asked for by `returning`.
    Yes(Row),
    /// The condition does not hold; the row as it is, empty if there is none.
    No(Row),
}

/// Carries out an update. `returning` old or new attributes.
pub(crate) async fn update(
    clients: &Clients,
    table: &str,
    destination_id: &str,
    update: Update,
    returning: ReturnValue,
) -> Result<Written, CallError> {
    let key = [("destination_id", destination_id)];
    update_at(clients, table, &key, update, returning).await
}

/// The same for a table whose key is of several attributes.
pub(crate) async fn update_at(
    clients: &Clients,
    table: &str,
    key: &[(&str, &str)],
    update: Update,
    returning: ReturnValue,
) -> Result<Written, CallError> {
    let expression = update.expression();
    let key: Row = key
        .iter()
        .map(|(name, value)| ((*name).to_owned(), text(value)))
        .collect();
    let conditions = (!update.conditions.is_empty()).then(|| update.conditions.join(" AND "));
    let answer = clients
        .dynamodb
        .update_item()
        .table_name(table)
        .set_key(Some(key))
        .set_update_expression((!expression.is_empty()).then_some(expression))
        .set_condition_expression(conditions)
        .set_expression_attribute_names((!update.names.is_empty()).then_some(update.names))
        .set_expression_attribute_values((!update.values.is_empty()).then_some(update.values))
        .return_values(returning)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    match answer {
        Ok(output) => Ok(Written::Yes(output.attributes.unwrap_or_default())),
        Err(error) => {
            let row = match error.as_service_error() {
                Some(aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Some(failed.item.clone().unwrap_or_default())
                }
                _ => None,
            };
            match row {
                Some(row) => Ok(Written::No(row)),
                None => Err(CallError::new("UpdateItem", &error)),
            }
        }
    }
}

/// Reads one row, consistently.
pub(crate) async fn get(
    clients: &Clients,
    table: &str,
    destination_id: &str,
) -> Result<Option<Row>, CallError> {
    clients
        .dynamodb
        .get_item()
        .table_name(table)
        .key(
            "destination_id",
            AttributeValue::S(destination_id.to_owned()),
        )
        .consistent_read(true)
        .send()
        .await
        .map(|output| output.item)
        .map_err(|error| CallError::new("GetItem", &error))
}

/// Reads the rows of one destination in two tables, consistently, with one call.
pub(crate) async fn get_both(
    clients: &Clients,
    tables: [&str; 2],
    destination_id: &str,
) -> Result<[Option<Row>; 2], CallError> {
    let operation = "BatchGetItem";
    let keys = KeysAndAttributes::builder()
        .keys(HashMap::from([(
            "destination_id".to_owned(),
            text(destination_id),
        )]))
        .consistent_read(true)
        .build()
        // Only without keys could it not be built.
        .map_err(|_| CallError::Unknown { operation })?;
    let mut call = clients.dynamodb.batch_get_item();
    for table in tables {
        call = call.request_items(table, keys.clone());
    }
    let output = call
        .send()
        .await
        .map_err(|error| CallError::new(operation, &error))?;
    // DynamoDB leaves out what it has no capacity for: that is not "there is none".
    if output
        .unprocessed_keys()
        .is_some_and(|left| !left.is_empty())
    {
        return Err(CallError::Unknown { operation });
    }
    let mut answers = output.responses.unwrap_or_default();
    Ok(tables.map(|table| answers.remove(table).and_then(|mut rows| rows.pop())))
}

/// Reads a whole table, page by page.
pub(crate) async fn scan(clients: &Clients, table: &str) -> Result<Vec<Row>, CallError> {
    let mut rows = Vec::new();
    let mut start = None;
    loop {
        let page = clients
            .dynamodb
            .scan()
            .table_name(table)
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| CallError::new("Scan", &error))?;
        rows.extend(page.items.unwrap_or_default());
        match page.last_evaluated_key {
            Some(key) if !key.is_empty() => start = Some(key),
            _ => return Ok(rows),
        }
    }
}

/// The update that turns one state of a row into another, attribute by attribute.
pub(crate) fn difference<T: Serialize>(before: &T, after: &T, leave: &[&str]) -> Update {
    let (before, after) = (row(before), row(after));
    let names: BTreeMap<&String, ()> = before
        .keys()
        .chain(after.keys())
        .map(|name| (name, ()))
        .collect();
    let mut update = Update::default();
    for name in names
        .into_keys()
        .filter(|name| !leave.contains(&name.as_str()))
    {
        match (before.get(name), after.get(name)) {
            (old, Some(new)) if old != Some(new) => update = update.set(name, new.clone()),
            (Some(_), None) => update = update.remove(name),
            _ => {}
        }
    }
    update
}
