//! Hears what MediaLive and MediaConnect complain of, and opens an incident or wakes the one that watches.
//!
//! An event only says that a look is worth while: it may come late, twice, out of order, of things that
//! are not ours, or not at all.
//!
//! Runs twice: an incident is opened once, its execution's name derives from it, a woken one looks again.
//! Undone by: confirm-incident, which forgets what a look does not show.

use cloud::{
    Cloud, Error, Timestamp, events::eventbridge::EventBridgeEvent, helpers, outages, payload::Done,
};
use domain::{
    incident::{FLOW, Open},
    news::{self, News, Word},
};

/// Handles one event.
pub async fn handle(cloud: &Cloud, event: EventBridgeEvent) -> Result<Done, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let resources = event.resources.unwrap_or_default();
    let Some(news) = news::read(&event.detail_type, &resources, &event.detail) else {
        return Ok(Done::new("nothing to hear"));
    };
    let told = event.time.map_or(now, |time| {
        Timestamp::from_second(time.timestamp()).unwrap_or(now)
    });
    // By a clock that runs ahead of ours nothing could be waited for.
    let since = told.min(now);
    let did = match news {
        News::Channel {
            channel_id,
            cause,
            bad,
        } => {
            let key = helpers::channel_key(&channel_id);
            let Some(helper) = helpers::read(clients, settings, &key).await? else {
                return Ok(Done::new("not ours"));
            };
            let heard = Open::new(&helper.serves, &channel_id, cause, since);
            outages::hear(cloud, &heard, bad).await?
        }
        News::Flow {
            flow_arn,
            about,
            cause,
            bad,
            lost,
        } => {
            if flow_arn != settings.flow_arn {
                return Ok(Done::new("not ours"));
            }
            let word = Word {
                cause,
                bad,
                lost,
                at: told,
            };
            if !outages::remember(cloud, &about, &word).await? {
                return Ok(Done::new("all is well"));
            }
            outages::hear(cloud, &Open::new(FLOW, "", cause, since), bad).await?
        }
    };
    Ok(Done::new(did))
}
