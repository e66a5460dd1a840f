//! Shows in the flow's record what MediaConnect tells of its sources, within seconds.
//!
//! Runs twice: a word about a source counts only if it is not older than what is known, and the
//! record is written only if it has news.
//! Undone by: the next event, or the sweep, which looks at the flow every minute.

use cloud::{
    Cloud, Error, events::eventbridge::EventBridgeEvent, feed, helpers, media_connect,
    payload::Done,
};
use domain::flow::Heard;
use serde_json::Value;

/// Handles one event of MediaConnect. It may be late, a double, of another flow, or never come.
pub async fn handle(cloud: &Cloud, event: EventBridgeEvent) -> Result<Done, Error> {
    let arns = event.resources.iter().flatten().map(String::as_str);
    if !arns.clone().any(|arn| arn == cloud.settings.flow_arn) {
        return Ok(Done::new("not ours"));
    }
    let source = arns.filter(|arn| arn.contains(":source:")).find_map(named);
    let told = event.time.map(|time| time.timestamp());
    let mut feed = None;
    if let (Some(source), Some(second)) = (source, told)
        && let Some(connected) = connected(&event.detail)
        && let Ok(at) = cloud::Timestamp::from_second(second)
    {
        let heard = Heard {
            connected,
            damaged: damaged(&event.detail),
            at,
        };
        feed = helpers::hear_source(&cloud.clients, &cloud.settings, source, &heard).await?;
        if feed.is_none() {
            return Ok(Done::new("overtaken"));
        }
    }
    let Some(flow) = media_connect::describe_flow(&cloud.clients, &cloud.settings).await? else {
        return Ok(Done::new("the flow is gone"));
    };
    Ok(Done::new(if feed::show(cloud, &flow, feed).await? {
        "shown"
    } else {
        "no news"
    }))
}

/// The name at the end of an ARN: `arn:aws:mediaconnect:R:A:source:1-<id>-<id>:Name`.
fn named(arn: &str) -> Option<&str> {
    arn.splitn(8, ':').nth(7).filter(|name| !name.is_empty())
}

/// What a Source Health event says; `None` for other events and for a state nobody has seen.
fn connected(detail: &Value) -> Option<bool> {
    match detail.pointer("/current/state")?.as_str()? {
        "CONNECTED" | "RECEIVING" => Some(true),
        "DISCONNECTED" | "IDLE" => Some(false),
        _ => None,
    }
}

fn damaged(detail: &Value) -> bool {
    let signs = detail.pointer("/current/tr101").and_then(Value::as_object);
    signs.is_some_and(|signs| signs.values().any(|sign| sign.as_bool() == Some(true)))
}

#[cfg(test)]
mod tests {
    use super::{connected, damaged};
    use serde_json::json;

    #[test]
    fn what_is_so_now_counts_and_not_what_was() {
        let detail = |state: &str, now: bool, before: bool| {
            let signs = |bad: bool| json!({"ts_sync_loss": false, "pcr_error": bad});
            json!({"current": {"state": state, "tr101": signs(now)},
                "previous": {"state": "CONNECTED", "tr101": signs(before)}})
        };
        assert!(damaged(&detail("CONNECTED", true, false)));
        assert!(!damaged(&detail("CONNECTED", false, true)));
        assert_eq!(connected(&detail("DISCONNECTED", false, true)), Some(false));
        assert_eq!(connected(&detail("RECEIVING", true, true)), Some(true));
        assert_eq!(connected(&detail("SOMETHING_NEW", true, true)), None);
    }
}
