//! Pages of lists, the same for both services: `maxResults`, `nextToken`.

use serde_json::{Map, Value, json};

use super::wire::ApiError;
use super::{Answer, Call};

/// One page of rows under a member's name.
pub(super) fn page(member: &str, rows: Vec<Value>, call: &Call<'_>, usual: usize) -> Answer {
    let asked = |name: &str| {
        call.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let size = match asked("maxResults") {
        None => usual.max(1),
        Some(text) => match text.parse::<usize>() {
            Ok(size @ 1..=1000) => size,
            _ => return Err(ApiError::bad("maxResults must be between 1 and 1000")),
        },
    };
    let start = match asked("nextToken") {
        None => 0,
        Some(token) => {
            let index = token
                .strip_prefix("page-")
                .and_then(|index| index.parse::<usize>().ok());
            index.ok_or_else(|| ApiError::bad("nextToken is not valid"))?
        }
    };
    let total = rows.len();
    let mut out = Map::new();
    out.insert(
        member.to_owned(),
        rows.into_iter().skip(start).take(size).collect(),
    );
    if start + size < total {
        out.insert("nextToken".into(), json!(format!("page-{}", start + size)));
    }
    Ok(Value::Object(out))
}
