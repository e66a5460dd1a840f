//! The scheduled pass: wakes what hints missed, acts on times, removes orphans, stops an unneeded flow.
//!
//! Runs twice: everything it does follows from what it sees, and a tick is never retried.
//! Undone by: the next pass; an orphan, once deleted, stays deleted.

use cloud::{
    Cloud, Error,
    events::eventbridge::EventBridgeEvent,
    executions, feed,
    helpers::{self, Helper},
    inputs, ledgers, media_connect, media_live,
    nudge::{self, Nudge},
    outages, records, sessions,
};
use domain::{
    ledger, name, record,
    report::{self, Removed},
    session::AddedUp,
    sweep::{self, Kind, Listed, Pass, Removal, Rules, Seen},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a pass did, for its log.
#[derive(Debug, Default, Serialize)]
pub struct Swept {
    woken: BTreeMap<String, &'static str>,
    waits_ended: usize,
    orphans_removed: Vec<String>,
    flow_stopped: bool,
    /// Alerts, and ends of alerts, that no event had told.
    alerts_heard: usize,
    told: bool,
    /// Destinations whose row cannot be read: nothing of theirs is touched until a person has looked.
    unreadable: BTreeSet<String>,
    /// Things that failed and are left to the next pass.
    left: usize,
    /// Why, of those that are refused each time: a person has to know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<String>,
}

/// Makes one pass. What fails is left to the next one; only not being able to look is an error.
pub async fn handle(cloud: &Cloud, _tick: EventBridgeEvent) -> Result<Swept, Error> {
    let (seen, memory) = look(cloud).await?;
    let rules = rules(cloud, &seen).await?;
    let pass = sweep::decide(cloud.now(), &seen, &rules);
    let mut swept = Swept {
        left: seen.unreadable.len(),
        unreadable: seen.unreadable.clone(),
        ..Swept::default()
    };
    for id in &pass.completes {
        swept.note(
            end_wait(cloud, &seen, id).await.map(usize::from),
            |swept, ended| swept.waits_ended += ended,
        );
    }
    nudge(cloud, &seen, &pass, &mut swept).await;
    wake(cloud, &pass, &mut swept).await;
    let mut removed = Vec::new();
    for orphan in &pass.orphans {
        let gone = remove(cloud, orphan).await;
        swept.note(gone, |swept, ()| {
            swept.orphans_removed.push(orphan.name.clone());
            removed.push(Removed::new(orphan, cloud.now()));
        });
    }
    if pass.suspects != seen.suspects {
        let noted = helpers::note_suspects(&cloud.clients, &cloud.settings, &pass.suspects).await;
        swept.note(noted, |_, ()| {});
    }
    let stopped = flow(cloud, &seen, &pass).await;
    swept.note(stopped, |swept, stopped| swept.flow_stopped = stopped);
    repair(cloud, &seen, &mut swept).await;
    let heard = outages::recheck(cloud, &seen, &memory.outages).await;
    swept.note(heard, |swept, heard| swept.alerts_heard += heard);
    if let Some(flow) = memory.flow.clone() {
        let rechecked = feed::recheck(cloud, flow, &memory.feed).await;
        swept.note(rechecked, |_, ()| {});
    }
    let told = tell(cloud, seen.clone(), &pass, memory, removed).await;
    swept.note(told, |swept, told| swept.told = told);
    let stuck = seen.stuck() + swept.refused.len();
    if stuck > 0 {
        cloud::shell::count(cloud, "Stuck", stuck);
    }
    if swept.left > 0 || !swept.orphans_removed.is_empty() {
        cloud::shell::log_outcome(cloud, "sweep", &swept);
    }
    if !swept.orphans_removed.is_empty() {
        cloud::shell::count(cloud, "OrphansRemoved", swept.orphans_removed.len());
    }
    Ok(swept)
}

impl Swept {
    fn note<T>(&mut self, outcome: Result<T, Error>, done: impl FnOnce(&mut Swept, T)) {
        match outcome {
            Ok(value) => done(self, value),
            Err(error) => {
                self.left += 1;
                if !matches!(error, Error::Transient(_) | Error::Stale(_)) {
                    self.refused.push(error.to_string());
                }
            }
        }
    }
}

/// What the sweep remembers for the report, the report as it is shown, what is known of incidents, the
/// flow with its sources, and what is known of those.
struct Memory {
    removed: Vec<Removed>,
    added_up: AddedUp,
    shown: Option<record::Item>,
    outages: BTreeMap<String, Helper>,
    flow: Option<media_connect::Flow>,
    feed: feed::Known,
}

async fn look(cloud: &Cloud) -> Result<(Seen, Memory), Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    // The things first and the rows after: a thing made in between is then accounted for.
    let mut things = media_live::list_channels(clients).await?;
    things.extend(inputs::list(clients).await?);
    let flow = media_connect::describe_flow(clients, settings).await?;
    let ledgers::Everything {
        rows,
        unreadable,
        helpers,
        feed,
    } = ledgers::all(clients, settings).await?;
    let records = records::all(clients, settings).await?;
    if let Some(flow) = &flow {
        things.extend(outputs(cloud, flow, &rows).await?);
    }
    let mut ended_holders = BTreeSet::new();
    for row in rows.values() {
        let Some(holder) = &row.holder else {
            continue;
        };
        let is_old = |held_at| now >= ledger::after(held_at, ledger::LAG_SECONDS);
        if !row.held_at.is_none_or(is_old) {
            continue;
        }
        match executions::is_gone(clients, holder, row.held_at, now).await {
            Ok(false) => {}
            Ok(true) => drop(ended_holders.insert(holder.clone())),
            // What our role may not do never works: the pass fails, and its alarm calls a person.
            Err(error) if error.is_denied() => return Err(error.into()),
            // One that cannot be asked after now is asked after again in the next pass.
            Err(_) => {}
        }
    }
    let addresses = helpers
        .iter()
        .filter_map(|(key, helper)| {
            Some((key.strip_prefix("url#")?.to_owned(), helper.serves.clone()))
        })
        .collect();
    let channel_helpers = helpers
        .keys()
        .filter_map(|key| key.strip_prefix("channel#"))
        .map(str::to_owned)
        .collect();
    let outages = helpers
        .iter()
        .filter(|(key, _)| key.starts_with("incident#"))
        .map(|(key, helper)| (key.clone(), helper.clone()))
        .collect();
    let memory = |key: &str| helpers.get(key).cloned().unwrap_or_default();
    let swept = memory(helpers::SWEEP_KEY);
    let told = Memory {
        removed: swept.removed,
        added_up: swept.added_up.unwrap_or_default(),
        shown: records.report,
        outages,
        flow: flow.clone(),
        feed: feed::Known {
            feed,
            record: records.flow,
        },
    };
    let seen = Seen {
        records: records.fingerprints,
        rows,
        unreadable,
        addresses,
        channel_helpers,
        things,
        flow: flow.map(|flow| flow.look),
        ended_holders,
        suspects: swept.suspects,
        flow_unneeded_since: memory(helpers::FLOW_KEY).unneeded_since,
    };
    Ok((seen, told))
}

/// Adds sessions up where there are new ones, and writes the report if it says something new.
async fn tell(
    cloud: &Cloud,
    mut seen: Seen,
    pass: &Pass,
    memory: Memory,
    more: Vec<Removed>,
) -> Result<bool, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let added_up = sessions::add_up(clients, settings, &seen.rows, &memory.added_up, now).await?;
    if added_up != memory.added_up {
        helpers::note_added_up(clients, settings, &added_up).await?;
    }
    let removed = report::remember(&memory.removed, more);
    if removed != memory.removed {
        helpers::note_removed(clients, settings, &removed).await?;
    }
    seen.suspects.clone_from(&pass.suspects);
    seen.flow_unneeded_since = pass.flow_unneeded_since;
    let facts = report::Facts {
        stack: &settings.stack,
        feed_bitrate: settings.feed_bitrate,
        removed: &removed,
        month: (&added_up.month, added_up.usd),
    };
    let report = report::report(&seen, &facts);
    let new = report::differs(memory.shown.as_ref(), &report);
    if new {
        records::write_report(clients, settings, &report, now).await?;
    }
    Ok(new)
}

/// The flow's outputs. Only one that might be an orphan is asked for its tags.
async fn outputs(
    cloud: &Cloud,
    flow: &media_connect::Flow,
    rows: &BTreeMap<String, ledger::Ledger>,
) -> Result<Vec<Listed>, Error> {
    let stack = &cloud.settings.stack;
    let mut listed = Vec::new();
    for (output_name, look) in &flow.outputs {
        let known = rows.iter().any(|(id, row)| {
            *output_name == name::resource(stack, id)
                && row.flow_output_arn.as_ref() == Some(&look.arn)
        });
        let tags = if !known && output_name.starts_with(&name::resource(stack, "")) {
            media_connect::tags(&cloud.clients, &look.arn).await?
        } else {
            name::Tags::new()
        };
        listed.push(Listed {
            kind: Kind::FlowOutput,
            id: look.arn.clone(),
            name: output_name.clone(),
            state: if look.enabled { "ENABLED" } else { "DISABLED" }.to_owned(),
            tags,
        });
    }
    Ok(listed)
}

async fn rules(cloud: &Cloud, seen: &Seen) -> Result<Rules, Error> {
    let settings = &cloud.settings;
    let may_stop_flow = settings.flow_on_demand
        && !sweep::needs_flow(seen)
        && seen.flow.as_ref().is_some_and(|flow| flow.is_up())
        && name::is_our_flow(
            &settings.stack,
            &media_connect::tags(&cloud.clients, &settings.flow_arn).await?,
        );
    Ok(Rules {
        stack: settings.stack.clone(),
        flow_grace_seconds: settings.flow_grace_seconds,
        may_stop_flow,
    })
}

async fn end_wait(cloud: &Cloud, seen: &Seen, id: &str) -> Result<bool, Error> {
    let Some(wait) = seen.rows.get(id).and_then(|row| row.wait.as_ref()) else {
        return Ok(false);
    };
    Ok(executions::end_wait(&cloud.clients, &wait.token, "sweep").await?)
}

async fn nudge(cloud: &Cloud, seen: &Seen, pass: &Pass, swept: &mut Swept) {
    let now = cloud.now();
    let mut nudges: Vec<(&String, Nudge)> = Vec::new();
    nudges.extend(pass.end_graces.iter().map(|id| (id, Nudge::EndGrace(now))));
    nudges.extend(pass.turn.iter().map(|id| (id, Nudge::GiveTurn(pass.count))));
    let counted = pass
        .note_counts
        .iter()
        .filter(|id| pass.turn.as_ref() != Some(*id));
    nudges.extend(counted.map(|id| (id, Nudge::NoteCount(pass.count))));
    for (id, nudge) in nudges {
        if let Some(row) = seen.rows.get(id) {
            let nudged = nudge::give(&cloud.clients, &cloud.settings, row, nudge).await;
            swept.note(nudged, |_, ()| {});
        }
    }
}

async fn wake(cloud: &Cloud, pass: &Pass, swept: &mut Swept) {
    // One name per destination and second: two passes at once start one execution.
    let because = format!("sweep-{}", cloud.now().as_second());
    for (id, reason) in &pass.wakes {
        let started = executions::start(
            &cloud.clients,
            &cloud.settings,
            &name::execution(id, &because),
            id,
        )
        .await;
        swept.note(started.map_err(Error::from), |swept, ()| {
            swept.woken.insert(id.clone(), reason);
        });
    }
}

/// Removes an orphan as far as its state allows; the next passes do the rest.
async fn remove(cloud: &Cloud, orphan: &Listed) -> Result<(), Error> {
    let clients = &cloud.clients;
    let id = &orphan.id;
    match orphan.removal() {
        Some(Removal::StopChannel) => drop(media_live::stop_channel(clients, id).await?),
        Some(Removal::DeleteChannel) => media_live::delete_channel(clients, id).await?,
        Some(Removal::DeleteInput) => inputs::delete(clients, id).await?,
        Some(Removal::RemoveFlowOutput) => {
            media_connect::remove_flow_output(clients, &cloud.settings, id).await?;
        }
        None => {}
    }
    Ok(())
}

async fn flow(cloud: &Cloud, seen: &Seen, pass: &Pass) -> Result<bool, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    if let (true, Some(since)) = (pass.stop_flow, seen.flow_unneeded_since) {
        if helpers::announce_stop(clients, settings, since, cloud.now()).await? {
            media_connect::stop_flow(clients, settings).await?;
            return Ok(true);
        }
        return Ok(false);
    }
    if pass.flow_unneeded_since != seen.flow_unneeded_since {
        helpers::note_unneeded(clients, settings, pass.flow_unneeded_since).await?;
    }
    Ok(false)
}

/// Puts back what a crash between two writes may have left out: who a channel serves.
async fn repair(cloud: &Cloud, seen: &Seen, swept: &mut Swept) {
    for (id, row) in &seen.rows {
        let Some(channel) = &row.channel else {
            continue;
        };
        if row.holder.is_none() && row.rest.is_some() && !seen.channel_helpers.contains(&channel.id)
        {
            let noted =
                helpers::note_channel(&cloud.clients, &cloud.settings, &channel.id, id).await;
            swept.note(noted, |_, ()| {});
        }
    }
}
