//! One table: its items, what they were a moment ago, and its stream.

use crate::{
    StreamRecord,
    answer::Refusal,
    attribute::{self, Item},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

/// How long the past is kept for eventually consistent reads. DynamoDB says "usually within a second".
pub(crate) const PAST_MS: u64 = 2000;

/// An item's place: DynamoDB scans by a hash of the key, in an order that means nothing, and within
/// one hash key by the sort key's bytes. A table without a sort key has nothing there.
pub(crate) type Place = (u64, String, String);

/// One table with a hash key of type S, and perhaps a sort key of type S.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    name: String,
    pub key: String,
    pub range: Option<String>,
    pub expires: Option<String>,
    streams: bool,
    pub rows: BTreeMap<Place, Arc<Value>>,
    past: VecDeque<(u64, Place, Option<Arc<Value>>)>,
    sequence: u64,
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

pub(crate) fn place(key: &str, range: &str) -> Place {
    (hash(key), key.to_owned(), range.to_owned())
}

/// A key that is not made as the table's keys are.
fn unlike() -> Refusal {
    Refusal::validation("The provided key element does not match the schema")
}

impl Table {
    pub fn new(name: &str, key: &str, range: Option<&str>, streams: bool) -> Self {
        Self {
            name: name.to_owned(),
            key: key.to_owned(),
            range: range.map(str::to_owned),
            expires: None,
            streams,
            rows: BTreeMap::new(),
            past: VecDeque::new(),
            sequence: 0,
        }
    }

    /// The item at a place, now or as of an earlier moment.
    pub fn row(&self, place: &Place, as_of_ms: Option<u64>) -> Option<&Arc<Value>> {
        let was = as_of_ms.and_then(|as_of| {
            let mut later = self.past.iter();
            later.find(|(at, changed, _)| *at > as_of && changed == place)
        });
        match was {
            Some((_, _, before)) => before.as_ref(),
            None => self.rows.get(place),
        }
    }

    /// All items behind a place, now or as of an earlier moment.
    pub fn rows_after(
        &self,
        after: Option<&Place>,
        as_of_ms: Option<u64>,
    ) -> Vec<(&Place, &Arc<Value>)> {
        let mut rows: BTreeMap<&Place, &Arc<Value>> = self.rows.iter().collect();
        let as_of = as_of_ms.unwrap_or(u64::MAX);
        for (_, place, before) in self.past.iter().rev().filter(|(at, _, _)| *at > as_of) {
            match before {
                Some(before) => rows.insert(place, before),
                None => rows.remove(place),
            };
        }
        let behind = |place: &&Place| after.is_none_or(|after| *place > after);
        rows.into_iter()
            .filter(|(place, _)| behind(place))
            .collect()
    }

    /// The names of the key's attributes.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        [&self.key]
            .into_iter()
            .chain(&self.range)
            .map(String::as_str)
    }

    /// The key of a place as DynamoDB writes it.
    pub fn key_of(&self, place: &Place) -> Value {
        let mut key = json!({ &self.key: {"S": place.1} });
        if let Some(range) = &self.range {
            key[range] = json!({"S": place.2});
        }
        key
    }

    /// Finds the key of an item, and complains as DynamoDB does if it cannot be one.
    pub fn place_of(&self, item: &Item, whole: bool) -> Result<Place, Refusal> {
        let hash = self.key_text(item, &self.key, whole)?;
        let range = self.range.as_deref();
        let range = range.map_or(Ok(""), |range| self.key_text(item, range, whole))?;
        if !whole && item.len() > self.keys().count() {
            return Err(unlike());
        }
        for (name, text, kind, bytes) in [
            (Some(&self.key), hash, "hashkey", 2048),
            (self.range.as_ref(), range, "rangekey", 1024),
        ] {
            let Some(name) = name else { continue };
            if text.is_empty() {
                return Err(Refusal::validation(format!(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: {name}"
                )));
            }
            if text.len() > bytes {
                return Err(Refusal::validation(format!(
                    "One or more parameter values were invalid: Size of {kind} has exceeded the maximum size limit of{bytes} bytes"
                )));
            }
        }
        Ok(place(hash, range))
    }

    fn key_text<'i>(&self, item: &'i Item, name: &str, whole: bool) -> Result<&'i str, Refusal> {
        let refused = |what: String| match whole {
            true => {
                Refusal::validation(format!("One or more parameter values were invalid: {what}"))
            }
            false => unlike(),
        };
        let value = item
            .get(name)
            .ok_or_else(|| refused(format!("Missing the key {name} in the item")))?;
        value["S"].as_str().ok_or_else(|| {
            let kind = attribute::parts(value).0;
            refused(format!(
                "Type mismatch for key {name} expected: S actual: {kind}"
            ))
        })
    }

    /// Writes an item or takes it away, and says so in the stream if that changed anything.
    pub fn write(
        &mut self,
        now_ms: u64,
        place: Place,
        after: Option<Item>,
        expired: bool,
    ) -> Option<StreamRecord> {
        let after = after.map(|item| Arc::new(Value::Object(item)));
        let before = match &after {
            Some(after) => self.rows.insert(place.clone(), Arc::clone(after)),
            None => self.rows.remove(&place),
        };
        if before == after {
            return None;
        }
        while self
            .past
            .front()
            .is_some_and(|(at, _, _)| at + PAST_MS < now_ms)
        {
            self.past.pop_front();
        }
        self.past.push_back((now_ms, place.clone(), before.clone()));
        if !self.streams {
            return None;
        }
        self.sequence += 1;
        let bytes = |image: &Option<Arc<Value>>| {
            let item = image.as_ref().and_then(|image| image.as_object());
            item.map_or(0, attribute::item_bytes)
        };
        Some(StreamRecord {
            table: self.name.clone(),
            // A number times an odd number is another one for each.
            event_id: format!(
                "{:016x}{:016x}",
                hash(&self.name),
                self.sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ),
            event_name: match (&before, &after) {
                (None, _) => "INSERT",
                (_, Some(_)) => "MODIFY",
                (_, None) => "REMOVE",
            },
            sequence_number: self.sequence,
            at_ms: now_ms,
            size_bytes: self.keys().map(str::len).sum::<usize>()
                + place.1.len()
                + place.2.len()
                + bytes(&before)
                + bytes(&after),
            keys: self.key_of(&place),
            old_image: before,
            new_image: after,
            expired,
        })
    }

    /// The items whose time to live has passed. A value that is no number never does, and neither
    /// does one more than five years ago: the developer guide's "Using time to live".
    pub fn expired(&self, now_ms: u64) -> Vec<Place> {
        let Some(attribute) = &self.expires else {
            return Vec::new();
        };
        let now = i64::try_from(now_ms / 1000).unwrap_or(i64::MAX);
        let is_over = |row: &Value| {
            let until = row[attribute]["N"]
                .as_str()
                .and_then(|text| text.parse::<f64>().ok());
            until.is_some_and(|until| (until as i64) < now && until as i64 > now - 5 * 365 * 86_400)
        };
        let over = self.rows.iter().filter(|(_, row)| is_over(row));
        over.map(|(place, _)| place.clone()).collect()
    }
}
