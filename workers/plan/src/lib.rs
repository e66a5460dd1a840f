//! Reads the record and the ledger, looks at the cloud, and decides which lane comes next.
//!
//! Runs twice: the decision is made anew each time, and what it writes follows from what it saw.
//! Undone by: the next Plan.

use cloud::{
    Cloud, Error, Timestamp, helpers, inputs,
    ledgers::{self, Holder},
    media_connect, media_live, outages,
    pace::Granted,
    parameters,
    payload::{Level, LookOutput, PlanInput, PlanOutput},
    records, sessions,
};
use domain::{
    heard,
    ledger::{self, Ledger},
    look::{self, AddressLook, ChannelState, FlowLook, KeyLook, Look, Sight},
    name,
    pace::{self, Place, Turn},
    plan::{self, Decision, Lane, Status},
    problem::Code,
    record::{self, Configuration, Item, Wish},
    session::{Session, Spent},
};

/// A wait no longer than this is slept: whoever edits meanwhile is heard at its end.
const SHORT_SECONDS: i64 = 10;

/// Plans.
pub async fn handle(cloud: &Cloud, input: PlanInput) -> Result<PlanOutput, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let id = &input.destination_id;
    let (before, item) = ledgers::read_with_record(clients, settings, id).await?;
    if before.holder.as_deref() != Some(&input.execution) {
        return Err(Error::Stale("Another execution holds the lease.".into()));
    }
    let wish = item
        .as_ref()
        .map(|item| record::read(item, &settings.parameter_store_prefix));
    if let Some(waits) = take_turn(cloud, &input, &before, item.as_ref(), wish.as_ref()).await? {
        return Ok(waits);
    }
    let (before, addresses) = hold_addresses(cloud, before, wish.as_ref(), input.holder()).await?;
    // Not the time at which this began: a call before may have waited for its answer until it gave up.
    let now = cloud.now();
    let look = look(cloud, &before, wish.as_ref(), addresses).await?;
    let both = item.as_ref().zip(wish.as_ref());
    let mut decision = plan::decide(now, input.lap, both, &before, &look, &settings.plan_rules());
    explain(cloud, &mut decision).await;
    tell(cloud, id, &mut decision.ledger).await;
    write(cloud, &input, &before, &decision, item.as_ref()).await?;
    let Decision { ledger, .. } = decision;
    let gone = |state: &ChannelState| *state == ChannelState::Deleted;
    Ok(PlanOutput {
        lane: decision.lane,
        level: decision.level.into(),
        lap: input.lap + 1,
        knock: before.knock,
        generation: ledger.generation,
        incarnation: ledger.incarnation,
        until: decision.until,
        wait_seconds: seconds_until(decision.until, now),
        hand_over: decision.hand_over,
        looked_at: now,
        look: LookOutput {
            channel: look
                .channel
                .there()
                .filter(|channel| !gone(&channel.state))
                .cloned(),
            input: look
                .input
                .there()
                .filter(|input| input.state != "DELETED")
                .cloned(),
            flow_output: look.flow_output,
            flow: look.flow,
        },
    })
}

/// Takes a place in the lines of the APIs for what this lap is about to call, and waits for it before
/// anything is looked at: what is seen is then fresh when it is acted on.
async fn take_turn(
    cloud: &Cloud,
    input: &PlanInput,
    before: &Ledger,
    item: Option<&Item>,
    wish: Option<&Wish>,
) -> Result<Option<PlanOutput>, Error> {
    let (clients, settings, now) = (&cloud.clients, &cloud.settings, cloud.now());
    let seen = before.seen.as_ref().map(|seen| seen.attributes.as_str());
    let edited = item.map(record::operator_fingerprint).as_deref() != seen;
    let need = match pace::turn(now, before, wish, edited) {
        Turn::Wait(at) => return Ok(Some(waits(input, before, at, now))),
        Turn::Take(need) if need.is_nothing() => return Ok(None),
        Turn::Take(need) => need,
    };
    let (at, owed) = match cloud::pace::take(clients, settings, need, now).await {
        Ok(Granted::Now) => return Ok(None),
        Ok(Granted::Later(at, owed)) => (at, owed),
        // A stop does not wait for a line that cannot be asked.
        Err(_) if need.unmakes => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut noted = before.clone();
    noted.place = Some(Place {
        at,
        since: now,
        desired: pace::desired(now, before, wish),
        owed,
    });
    let mirror = item.and_then(|item| plan::waiting_for_turn(now, item, &mut noted));
    ledgers::save(clients, settings, input.holder(), before, &noted).await?;
    if let (Some(mirror), Some(item)) = (mirror, item) {
        let id = &input.destination_id;
        let scrub = record::secrets_in(item);
        records::mirror(clients, settings, id, item, &mirror, &scrub).await?;
    }
    Ok(Some(waits(input, before, at, now)))
}

/// A short wait is only slept, which costs nothing; an edit ends a long one.
fn waits(input: &PlanInput, row: &Ledger, until: Timestamp, now: Timestamp) -> PlanOutput {
    let is_short = until <= ledger::after(now, SHORT_SECONDS);
    PlanOutput {
        lane: if is_short {
            Lane::WaitUntil
        } else {
            Lane::AwaitTurn
        },
        level: Level::Idle,
        lap: input.lap + 1,
        knock: row.knock,
        generation: row.generation,
        incarnation: row.incarnation,
        until,
        wait_seconds: seconds_until(until, now),
        hand_over: false,
        looked_at: now,
        look: LookOutput::default(),
    }
}

fn seconds_until(until: Timestamp, now: Timestamp) -> i64 {
    (until.as_second() - now.as_second() + 1).max(1)
}

/// Who holds the addresses that a valid wish names.
struct Addresses {
    primary: AddressLook,
    backup: AddressLook,
}

/// Asks for the addresses that a valid wish names: the first holder keeps one.
async fn hold_addresses(
    cloud: &Cloud,
    before: Ledger,
    wish: Option<&Wish>,
    writer: Holder<'_>,
) -> Result<(Ledger, Addresses), Error> {
    let primary = wish.and_then(|wish| wish.configuration.as_ref().ok());
    let (row, primary) = hold_address(cloud, before, primary, writer).await?;
    let (row, backup) = hold_address(cloud, row, backup(wish), writer).await?;
    Ok((row, Addresses { primary, backup }))
}

fn backup(wish: Option<&Wish>) -> Option<&Configuration> {
    wish?.backup.as_ref().ok()?.as_ref()
}

async fn hold_address(
    cloud: &Cloud,
    before: Ledger,
    configuration: Option<&Configuration>,
    writer: Holder<'_>,
) -> Result<(Ledger, AddressLook), Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let Some(configuration) = configuration else {
        return Ok((before, AddressLook::NotAsked));
    };
    let hash = configuration.address_hash();
    // Once asked for and aimed at, it stays ours until Plan lets it go.
    let aimed = before.target.as_ref().is_some_and(|aim| {
        aim.configuration.address_hash() == hash || aim.other_address.as_ref() == Some(&hash)
    });
    if aimed && before.addresses.contains(&hash) {
        return Ok((before, AddressLook::Held));
    }
    let mut noted = before.clone();
    if !noted.addresses.contains(&hash) {
        noted.addresses.push(hash.clone());
        ledgers::save(clients, settings, writer, &before, &noted).await?;
    }
    let holder = helpers::hold_address(clients, settings, &hash, &before.destination_id).await?;
    if holder == before.destination_id {
        return Ok((noted, AddressLook::Held));
    }
    let mut without = noted.clone();
    without.addresses.retain(|held| *held != hash);
    ledgers::save(clients, settings, writer, &noted, &without).await?;
    Ok((without, AddressLook::HeldBy(holder)))
}

/// The parameters of both keys, without decryption; often they are one.
async fn keys(cloud: &Cloud, wish: Option<&Wish>) -> Result<(KeyLook, KeyLook), Error> {
    let Some(Ok(primary)) = wish.map(|wish| &wish.configuration) else {
        return Ok((KeyLook::NotAsked, KeyLook::NotAsked));
    };
    let key = parameters::look(&cloud.clients, &primary.stream_key_param).await?;
    let backup = match backup(wish) {
        None => KeyLook::NotAsked,
        Some(backup) if backup.stream_key_param == primary.stream_key_param => key.clone(),
        Some(backup) => parameters::look(&cloud.clients, &backup.stream_key_param).await?,
    };
    Ok((key, backup))
}

async fn look(
    cloud: &Cloud,
    ledger: &Ledger,
    wish: Option<&Wish>,
    addresses: Addresses,
) -> Result<Look, Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let id = &ledger.destination_id;
    let (key, backup_key) = keys(cloud, wish).await?;
    // A destination without a budget is not worth a query.
    let spent = if plan::asks_for_spent(wish, &settings.plan_rules()) {
        sessions::spent(clients, settings, id, cloud.now()).await?
    } else {
        Spent::default()
    };
    let beside = Look {
        key,
        address: addresses.primary,
        backup_key,
        backup_address: addresses.backup,
        spent,
        ..Look::unseen()
    };
    let channel = match (&ledger.channel, &ledger.channel_sought) {
        (None, None) => Sight::Never,
        (known, _) => {
            let by_id = match known {
                // The event that ended the wait may have told already.
                Some(made) => match heard::instead_of_a_look(cloud.now(), ledger) {
                    Some(heard) => Some(heard),
                    None => media_live::describe_channel(clients, &made.id).await?,
                },
                None => None,
            };
            match by_id {
                Some(channel) => Sight::There(channel),
                None => {
                    let listed = media_live::list_channels(clients).await?;
                    let sought = ledger.channel_sought.as_ref();
                    sight(
                        media_live::own(&listed, &settings.stack, id, sought).map(|thing| {
                            domain::look::ChannelLook {
                                id: thing.id.clone(),
                                state: ChannelState::from(thing.state.clone()),
                            }
                        }),
                    )
                }
            }
        }
    };
    let input = match (&ledger.input, &ledger.input_sought) {
        (None, None) => Sight::Never,
        _ if let Some(input) = look::attached_input(ledger, &channel) => Sight::There(input),
        (known, _) => {
            let known = match known {
                Some(made) => Some(made.id.clone()),
                None => {
                    let listed = inputs::list(clients).await?;
                    let sought = ledger.input_sought.as_ref();
                    media_live::own(&listed, &settings.stack, id, sought)
                        .map(|thing| thing.id.clone())
                }
            };
            match known {
                Some(known) => sight(inputs::describe(clients, &known).await?),
                None => Sight::NotFound,
            }
        }
    };
    if let Some(flow_output) = look::unasked_output(ledger, wish, &channel) {
        return Ok(Look {
            channel,
            input,
            flow_output,
            ..beside
        });
    }
    let flow = media_connect::describe_flow(clients, settings).await?;
    let flow_output = flow
        .as_ref()
        .and_then(|flow| flow.output(&settings.stack, id));
    let flow = match flow {
        Some(flow) if !flow.look.is_up() => {
            let tags = media_connect::tags(clients, &settings.flow_arn).await?;
            Some(FlowLook {
                ours: Some(name::is_our_flow(&settings.stack, &tags)),
                ..flow.look
            })
        }
        flow => flow.map(|flow| flow.look),
    };
    Ok(Look {
        channel,
        input,
        flow_output,
        flow,
        ..beside
    })
}

fn sight<T>(thing: Option<T>) -> Sight<T> {
    thing.map_or(Sight::NotFound, Sight::There)
}

/// Says in the problem what MediaLive complained of, when a start budget is used up.
async fn explain(cloud: &Cloud, decision: &mut Decision) {
    let Some(mirror) = &mut decision.mirror else {
        return;
    };
    let Some(Some(problem)) = mirror.attributes.get_mut("problem") else {
        return;
    };
    let (Some("start_failed"), Some(channel)) =
        (problem["code"].as_str(), &decision.ledger.channel)
    else {
        return;
    };
    // Only words: without them the problem stands as it is.
    if let Ok(types) = media_live::alert_types(&cloud.clients, &channel.id).await
        && !types.is_empty()
    {
        let message = problem["message"].as_str().unwrap_or_default();
        problem["message"] = format!("{message} MediaLive's alerts: {}.", types.join(", ")).into();
    }
}

/// Sends words about limits on their way to people. The row is written after that, so that one which
/// knows of no such word is proof that it went. Nothing waits for it: a stop is never held back.
async fn tell(cloud: &Cloud, destination_id: &str, row: &mut Ledger) {
    let mut kept = Vec::new();
    for notice in std::mem::take(&mut row.untold) {
        if outages::tell(cloud, destination_id, &notice).await.is_err() {
            kept.push(notice);
        }
    }
    row.keep_untold(kept, cloud.now());
}

async fn write(
    cloud: &Cloud,
    input: &PlanInput,
    before: &Ledger,
    decision: &Decision,
    item: Option<&Item>,
) -> Result<(), Error> {
    let (clients, settings) = (&cloud.clients, &cloud.settings);
    let id = &input.destination_id;
    // The session first: a row that knows of it is proof that it was written.
    if let Some(session) = &decision.session {
        sessions::write(clients, settings, session, cloud.now()).await?;
    }
    ledgers::save(clients, settings, input.holder(), before, &decision.ledger).await?;
    if let (Some(mirror), Some(item)) = (&decision.mirror, item) {
        let scrub = record::secrets_in(item);
        if mirror.changed || decision.lane == Lane::Release || !scrub.is_empty() {
            records::mirror(clients, settings, id, item, mirror, &scrub).await?;
        }
        count(cloud, before, mirror.status, decision);
    }
    if let Some(session) = &decision.session
        && is_new(before, session)
    {
        let minutes = usize::try_from(session.overhead_minutes()).unwrap_or_default();
        cloud::shell::count(cloud, "Overhead", minutes);
    }
    if !decision.let_go.is_empty() {
        for hash in &decision.let_go {
            helpers::drop_helper(clients, settings, &helpers::address_key(hash), id).await?;
        }
        let mut without = decision.ledger.clone();
        without
            .addresses
            .retain(|held| !decision.let_go.contains(held));
        ledgers::save(
            clients,
            settings,
            input.holder(),
            &decision.ledger,
            &without,
        )
        .await?;
    }
    if let (Some(old), None) = (&before.channel, &decision.ledger.channel) {
        helpers::drop_helper(clients, settings, &helpers::channel_key(&old.id), id).await?;
    }
    Ok(())
}

/// Whether a session is not one that is only added to.
fn is_new(before: &Ledger, session: &Session) -> bool {
    let last = before
        .account
        .as_ref()
        .and_then(|account| account.last.as_ref());
    last.is_none_or(|last| last.started_at != session.started_at)
}

/// Counts what the alarms watch, once per occurrence and not once per look.
fn count(cloud: &Cloud, before: &Ledger, status: Status, decision: &Decision) {
    let stuck = &decision.ledger.stuck;
    if status == Status::Stuck && *stuck != before.stuck {
        cloud::shell::count(cloud, "Stuck", 1);
        if stuck
            .as_ref()
            .is_some_and(|stuck| stuck.problem.code == Code::StartFailed)
        {
            cloud::shell::count(cloud, "StartFailed", 1);
        }
    }
    let given_up = |row: &Ledger| {
        let shown = row.problem.as_ref().map(|shown| shown.code.as_str());
        shown == Some(Code::OutputFailed.as_str())
    };
    if given_up(&decision.ledger) && !given_up(before) {
        cloud::shell::count(cloud, "OutputFailed", 1);
    }
}
