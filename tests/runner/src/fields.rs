//! Reads the fields of one JSON object and refuses those that nobody asked for.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::path::Path;
use crate::words::Refusal;

/// The fields of one object; `finish` refuses what was not taken.
pub(crate) struct Fields<'a> {
    /// Machine, state and the way down to this object.
    place: String,
    map: &'a Map<String, Value>,
    taken: BTreeSet<&'static str>,
}

impl<'a> Fields<'a> {
    /// Of `value`, which has to be an object.
    pub(crate) fn of(place: impl Into<String>, value: &'a Value) -> Result<Fields<'a>, Refusal> {
        let place = place.into();
        match value {
            Value::Object(map) => Ok(Fields {
                place,
                map,
                taken: BTreeSet::new(),
            }),
            _ => Err(Refusal(format!("{place} is not an object"))),
        }
    }

    /// Of an object within this one.
    pub(crate) fn inner<'b>(&self, name: &str, value: &'b Value) -> Result<Fields<'b>, Refusal> {
        Fields::of(format!("{}, field {name}", self.place), value)
    }

    /// The refusal of one field.
    pub(crate) fn refuse(&self, name: &str, why: &str) -> Refusal {
        Refusal(format!("{}, field {name}: {why}", self.place))
    }

    /// The refusal of a field that is missing.
    pub(crate) fn missing(&self, name: &str) -> Refusal {
        self.refuse(name, "is missing")
    }

    /// A field, if it is there.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<&'a Value> {
        self.taken.insert(name);
        self.map.get(name)
    }

    /// A field of text, if it is there.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .map(Some)
                .ok_or_else(|| self.refuse(name, "is not text")),
        }
    }

    /// A field of text that has to be there.
    pub(crate) fn need_text(&mut self, name: &'static str) -> Result<&'a str, Refusal> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list of objects, empty if it is not there.
    pub(crate) fn objects(&mut self, name: &'static str) -> Result<Vec<Fields<'a>>, Refusal> {
        let Some(value) = self.take(name) else {
            return Ok(Vec::new());
        };
        let list = value.as_array().filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| self.refuse(name, "is not a list with something in it"))?;
        list.iter().map(|value| self.inner(name, value)).collect()
    }

    /// A whole number within bounds, if it is there.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        least: u64,
        most: u64,
    ) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = value
            .as_u64()
            .filter(|number| (least..=most).contains(number));
        number.map(Some).ok_or_else(|| {
            self.refuse(
                name,
                &format!("is not a whole number from {least} to {most}"),
            )
        })
    }

    /// A time in seconds, if it is there; the States Language's most is 99,999,999.
    pub(crate) fn seconds(
        &mut self,
        name: &'static str,
        least: u64,
    ) -> Result<Option<SignedDuration>, Refusal> {
        let seconds = self.number(name, least, 99_999_999)?;
        Ok(seconds.map(|seconds| SignedDuration::from_secs(seconds as i64)))
    }

    /// A reference path that has to be there.
    pub(crate) fn need_path(&mut self, name: &'static str) -> Result<Path, Refusal> {
        let text = self.need_text(name)?;
        Path::read(text)
            .ok_or_else(|| self.refuse(name, &format!("`{text}` is not a reference path")))
    }

    /// A reference path: `$` if it is not there, None for null.
    pub(crate) fn path(&mut self, name: &'static str) -> Result<Option<Path>, Refusal> {
        match self.take(name) {
            None => Ok(Some(Path::root())),
            Some(Value::Null) => Ok(None),
            Some(_) => self.need_path(name).map(Some),
        }
    }

    /// Refuses the first field that was not taken.
    pub(crate) fn finish(self) -> Result<(), Refusal> {
        match self
            .map
            .keys()
            .find(|name| !self.taken.contains(name.as_str()))
        {
            Some(name) => Err(self.refuse(name, "is not a field this runner knows here")),
            None => Ok(()),
        }
    }
}
