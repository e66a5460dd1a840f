//! Tags of both services. MediaLive keeps them at `/prod/tags/{arn}`, MediaConnect at `/tags/{arn}`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::wire::ApiError;
use super::{Answer, Call, Core};

pub(super) type Tags = BTreeMap<String, String>;

/// Tags on one resource (AWS's general limit).
const TAGS_MOST: usize = 50;

pub(super) fn tags_of(value: Option<&Value>) -> Tags {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

pub(super) fn tags_json(tags: &Tags) -> Value {
    json!(tags)
}

fn apply(tags: &mut Tags, name: &str, call: &Call<'_>) -> Answer {
    match name {
        "CreateTags" | "TagResource" => {
            let added = tags_of(call.body.get("tags"));
            if tags
                .keys()
                .chain(added.keys())
                .collect::<std::collections::BTreeSet<_>>()
                .len()
                > TAGS_MOST
            {
                return Err(ApiError::bad(format!(
                    "A resource can have at most {TAGS_MOST} tags"
                )));
            }
            tags.extend(added);
            Ok(Value::Null)
        }
        "DeleteTags" | "UntagResource" => {
            for (_, key) in call.query.iter().filter(|(name, _)| name == "tagKeys") {
                tags.remove(key);
            }
            Ok(Value::Null)
        }
        _ => Ok(json!({"tags": tags_json(tags)})),
    }
}

impl Core {
    pub(super) fn medialive_tags(&mut self, name: &str, call: &Call<'_>) -> Answer {
        let arn = call.param("resource-arn").to_owned();
        let id = arn.rsplit(':').next().unwrap_or_default();
        let found = if arn.contains(":channel:") {
            self.channels
                .get_mut(id)
                .filter(|channel| !channel.gone())
                .map(|channel| (&channel.arn, &mut channel.tags))
        } else if arn.contains(":inputSecurityGroup:") {
            self.groups
                .get_mut(id)
                .filter(|group| !group.deleted)
                .map(|group| (&group.arn, &mut group.tags))
        } else {
            self.inputs
                .get_mut(id)
                .filter(|input| !input.gone())
                .map(|input| (&input.arn, &mut input.tags))
        };
        match found {
            Some((own, tags)) if *own == arn => apply(tags, name, call),
            _ => Err(ApiError::not_found(format!("Resource {arn} not found"))),
        }
    }

    pub(super) fn mediaconnect_tags(&mut self, name: &str, call: &Call<'_>) -> Answer {
        let arn = call.param("ResourceArn").to_owned();
        for flow in self.flows.values_mut() {
            let own = std::iter::once((&flow.arn, &mut flow.tags));
            let sources = flow
                .sources
                .iter_mut()
                .map(|source| (&source.arn, &mut source.tags));
            let outputs = flow
                .outputs
                .iter_mut()
                .map(|output| (&output.arn, &mut output.tags));
            if let Some((_, tags)) = own
                .chain(sources)
                .chain(outputs)
                .find(|(candidate, _)| **candidate == arn)
            {
                return apply(tags, name, call);
            }
        }
        Err(ApiError::not_found(format!(
            "The resource {arn} does not exist"
        )))
    }
}
