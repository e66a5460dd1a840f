//! Keeping the books: from what Plan sees to the session to be written.

use super::{
    Account, Cause, Idle, Noted, Run, Session,
    price::{run_minutes, run_price, seconds},
};
use crate::{
    cost::{EGRESS, Money},
    ledger::{Attempt, Ledger, Sought, Until, after, whole_seconds},
    look::{ChannelState, LAG_OF_START_SECONDS, Look, Sight},
};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What Plan knows beside the row.
pub struct Facts<'a> {
    /// Now.
    pub now: Timestamp,
    /// What was seen.
    pub look: &'a Look,
    /// The channel is to be stopped, for this reason.
    pub stops: Option<Cause>,
    /// Which of the record's addresses a channel that starts now sends to.
    pub url_type: &'a str,
    /// The feed's bit rate, bit/s.
    pub feed_bitrate: u64,
}

/// Notes when AWS took the call that a wait followed: a start, or the stop of what runs.
pub fn note_answer(row: &mut Ledger) {
    let Some((until, Some(at))) = row.wait.as_ref().map(|wait| (wait.until, wait.taken_at)) else {
        return;
    };
    match (until, row.starts.last_mut(), &mut row.account) {
        (Until::Running, Some(start), _) => start.taken_at = Some(at),
        (Until::Stopped, _, Some(account)) => account.stop_is_taken(at),
        _ => {}
    }
}

/// Keeps the books: `before` is the row as it was read, `ledger` as it will be written. Gives the
/// session to be written, if there is one that is new or has changed. Doing so twice does it once.
pub fn account(before: &Ledger, ledger: &mut Ledger, facts: &Facts<'_>) -> Option<Session> {
    let mut account = ledger.account.take().unwrap_or_default();
    let session = keep(&mut account, before, ledger, facts);
    if let Some(session) = &session {
        account.noted = Some(Noted {
            started_at: session.started_at,
            at: facts.now,
        });
    }
    ledger.account = Some(account).filter(|account| *account != Account::default());
    session
}

fn keep(
    account: &mut Account,
    before: &Ledger,
    ledger: &Ledger,
    facts: &Facts<'_>,
) -> Option<Session> {
    let now = whole_seconds(facts.now);
    let look = &facts.look.channel;
    // Missing once is not gone: until the row says so, nothing is known.
    if ledger.channel.is_some() && !matches!(look, Sight::There(_)) {
        return None;
    }
    let state = look.there().map(|channel| &channel.state);
    let up = state.is_some_and(ChannelState::counts_as_running);
    let passes = matches!(state, Some(ChannelState::Unknown(_)));
    let id = ledger.channel.as_ref().map(|made| made.id.as_str());
    let mut session = correct(account, before, facts);
    begin_idle(account, ledger);
    if account.run.is_none() && !up && fell_back(account, before, facts.now) {
        open(account, before, ledger, facts);
    }
    if let Some(run) = account.run.take() {
        if (up || passes) && id == Some(&run.channel_id) {
            account.run = Some(run);
        } else {
            let end = end(&run, before, now);
            session = Some(close(account, run, end, ledger, facts));
            account.channel_idle_since = ledger.channel.as_ref().map(|_| end);
            account.input_idle_since = ledger.input.as_ref().map(|_| end);
        }
    }
    if account.run.is_none() && up {
        open(account, before, ledger, facts);
    }
    if let Some(run) = &mut account.run {
        follow(run, before, ledger, facts, state);
    }
    end_idle(account, before, ledger, now);
    let nothing_left = !ledger.has_resources() && account.run.is_none();
    if nothing_left {
        session = last(account, ledger, now).or(session);
    }
    session
}

/// A look may see the end before the event tells it: what the event says is when it was. Gives the
/// session if it is billed otherwise; else what is written in the end has the right time.
fn correct(account: &mut Account, before: &Ledger, facts: &Facts<'_>) -> Option<Session> {
    let last = account.last.as_mut()?;
    let seen = last.stopped_at;
    let channel = before.channel.as_ref()?;
    let told = heard(before, &channel.id, &ChannelState::Idle)?;
    let is_its_end = account.run.is_none() && account.channel_idle_since == Some(seen);
    if !is_its_end || told <= last.started_at || told >= seen {
        return None;
    }
    last.stopped_at = told;
    account.channel_idle_since = Some(told);
    if account.input_idle_since == Some(seen) {
        account.input_idle_since = Some(told);
    }
    let minutes = run_minutes(last.started_at, told);
    if minutes == last.billed_minutes {
        return None;
    }
    last.billed_minutes = minutes;
    last.running_usd = run_price(&last.preset_id, facts.feed_bitrate).of(minutes);
    Some(last.clone())
}

/// What exists and does not run is idle from the moment it was asked for.
fn begin_idle(account: &mut Account, ledger: &Ledger) {
    if account.run.is_some() {
        return;
    }
    let since = |sought: &Option<Sought>, made: Timestamp| {
        let fresh = sought
            .as_ref()
            .filter(|sought| sought.incarnation == ledger.incarnation);
        whole_seconds(fresh.map_or(made, |sought| sought.at.min(made)))
    };
    if let (Some(channel), None) = (&ledger.channel, account.channel_idle_since) {
        account.channel_idle_since = Some(since(&ledger.channel_sought, channel.at));
    }
    if let (Some(input), None) = (&ledger.input, account.input_idle_since) {
        account.input_idle_since = Some(since(&ledger.input_sought, input.at));
    }
    let first = [account.channel_idle_since, account.input_idle_since];
    if account.exists_since.is_none() {
        account.exists_since = first.into_iter().flatten().min();
    }
}

/// Whether a start was taken and the channel is off again, unseen in between. The wait for it to run
/// is noted only after StartChannel was answered, and a look just after that may still show what was
/// before; an event that says IDLE after the start is as good.
fn fell_back(account: &Account, before: &Ledger, now: Timestamp) -> bool {
    let (Some(start), Some(channel)) = (newest_start(account, before), &before.channel) else {
        return false;
    };
    let waited = before.wait.as_ref().is_some_and(|wait| {
        wait.until == Until::Running && now >= after(wait.since, LAG_OF_START_SECONDS)
    });
    let told = heard(before, &channel.id, &ChannelState::Idle);
    waited || told.is_some_and(|at| at > start)
}

/// The newest start since the channel was last seen to be idle.
fn newest_start(account: &Account, before: &Ledger) -> Option<Timestamp> {
    let taken = |start: &Attempt| whole_seconds(start.taken_at.unwrap_or(start.at));
    let start = before.starts.iter().map(taken).max();
    let idle = account.channel_idle_since;
    start.filter(|at| idle.is_none_or(|idle| *at >= idle))
}

fn open(account: &mut Account, before: &Ledger, ledger: &Ledger, facts: &Facts<'_>) {
    let Some(channel) = ledger.channel.as_ref() else {
        return;
    };
    let told = heard(before, &channel.id, &ChannelState::Starting);
    // A start by hand is in nobody's notes.
    let started_at = newest_start(account, before)
        .or(told)
        .unwrap_or(whole_seconds(facts.now));
    if let Some(since) = account.channel_idle_since.take() {
        account.idle.add_channel(since, started_at);
    }
    if let Some(since) = account.input_idle_since.take() {
        account.idle.add_input(since, started_at);
    }
    let on_air = ledger.on_air.as_ref().map(|on_air| &on_air.configuration);
    let aim = ledger.target.as_ref().map(|aim| &aim.configuration);
    let encodes = on_air.or(aim).map(|known| known.preset_id.clone());
    account.run = Some(Run {
        started_at,
        channel_id: channel.id.clone(),
        on_air_at: None,
        stopping: None,
        preset_id: encodes.unwrap_or_default(),
        url_type: facts.url_type.to_owned(),
        incidents: BTreeSet::new(),
    });
}

/// Notes what happens to a stretch that goes on.
fn follow(
    run: &mut Run,
    before: &Ledger,
    ledger: &Ledger,
    facts: &Facts<'_>,
    state: Option<&ChannelState>,
) {
    if run.on_air_at.is_none() && state.is_some_and(ChannelState::is_on_air) {
        let told = heard(before, &run.channel_id, &ChannelState::Running);
        let seen = ledger.streaming_started_at.map(whole_seconds);
        let at = told.filter(|at| *at >= run.started_at).or(seen);
        run.on_air_at = Some(at.unwrap_or(whole_seconds(facts.now)).max(run.started_at));
    }
    match (facts.stops, state) {
        (Some(cause), _) => {
            run.stopping
                .get_or_insert((whole_seconds(facts.now), cause));
        }
        // On its way down, whatever is wanted now.
        (None, Some(ChannelState::Stopping)) => {}
        (None, _) => run.stopping = None,
    }
    let told = ledger.troubles.iter();
    let ours = told.filter(|(_, trouble)| trouble.channel_id == run.channel_id);
    run.incidents.extend(
        ours.map(|(cause, trouble)| format!("{}#{}", whole_seconds(trouble.since), cause.as_str())),
    );
}

/// When a stretch ended: as the event says, else when it was seen to be over.
fn end(run: &Run, before: &Ledger, now: Timestamp) -> Timestamp {
    [ChannelState::Idle, ChannelState::Deleted]
        .iter()
        .find_map(|state| heard(before, &run.channel_id, state))
        .filter(|at| *at > run.started_at && *at <= now)
        .unwrap_or(now.max(run.started_at))
}

fn close(
    account: &mut Account,
    run: Run,
    end: Timestamp,
    ledger: &Ledger,
    facts: &Facts<'_>,
) -> Session {
    let price = run_price(&run.preset_id, facts.feed_bitrate);
    let billed_minutes = run_minutes(run.started_at, end);
    let off_air = run.stopping.map_or(end, |(at, _)| at.min(end));
    let on_air_seconds = run.on_air_at.map_or(0, |at| seconds(at, off_air));
    let egress_bytes = price.bytes(on_air_seconds);
    let cause = match (run.stopping, run.on_air_at) {
        (Some((_, cause)), _) => cause,
        (None, None) => Cause::Failed,
        (None, Some(_)) => Cause::Lost,
    };
    let session = Session {
        destination_id: ledger.destination_id.clone(),
        started_at: run.started_at,
        stopped_at: end,
        on_air_at: run.on_air_at,
        cause,
        preset_id: run.preset_id,
        url_type: run.url_type,
        incidents: run.incidents,
        billed_minutes,
        on_air_seconds,
        running_usd: price.of(billed_minutes),
        idle: std::mem::take(&mut account.idle),
        egress_bytes,
        egress_usd: EGRESS.price.share(egress_bytes, EGRESS.per),
        placeholder: price.placeholder,
    };
    account.last = Some(session.clone());
    session
}

/// What is gone is idle no more.
fn end_idle(account: &mut Account, before: &Ledger, ledger: &Ledger, now: Timestamp) {
    if ledger.channel.is_none()
        && let Some(since) = account.channel_idle_since.take()
    {
        let known = before.channel.as_ref().map(|made| made.id.as_str());
        let told = known.and_then(|id| heard(before, id, &ChannelState::Deleted));
        let end = told.filter(|at| *at >= since && *at <= now).unwrap_or(now);
        account.idle.add_channel(since, end);
    }
    if ledger.input.is_none()
        && let Some(since) = account.input_idle_since.take()
    {
        account.idle.add_input(since, now);
    }
}

/// Everything is gone: what was idle at the end goes to the last session, or to one of its own.
fn last(account: &mut Account, ledger: &Ledger, now: Timestamp) -> Option<Session> {
    let idle = std::mem::take(&mut account.idle);
    let last = account.last.take();
    let exists_since = account.exists_since.take();
    if idle.is_none() {
        return None;
    }
    let since = exists_since.unwrap_or(now);
    let mut session = last.unwrap_or_else(|| never_started(ledger, since, now));
    session.idle.add(idle);
    Some(session)
}

fn never_started(ledger: &Ledger, since: Timestamp, now: Timestamp) -> Session {
    Session {
        destination_id: ledger.destination_id.clone(),
        started_at: since,
        stopped_at: now,
        on_air_at: None,
        cause: Cause::NeverStarted,
        preset_id: String::new(),
        url_type: "primary".to_owned(),
        incidents: BTreeSet::new(),
        billed_minutes: 0,
        on_air_seconds: 0,
        running_usd: Money(0),
        idle: Idle::default(),
        egress_bytes: 0,
        egress_usd: Money(0),
        placeholder: false,
    }
}

/// When an event said that this channel was in that state, if it is the newest one about it.
fn heard(row: &Ledger, channel_id: &str, state: &ChannelState) -> Option<Timestamp> {
    let heard = row.heard.as_ref()?;
    (heard.channel_id == channel_id && heard.state == *state).then_some(heard.at)
}
