//! Taking a place in the line of an API: the row that all executions share.

use crate::{
    clients::Clients,
    fault::CallError,
    settings::Settings,
    table::{self, Update, Written, attribute},
};
use aws_sdk_dynamodb::types::ReturnValue;
use domain::pace::{APIS, CLOCK, Line, Need, Taken, is_near, is_off, line};
use jiff::Timestamp;

/// Key of the row.
const KEY: &str = "pace#main";

/// What came of taking places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Granted {
    /// Go.
    Now,
    /// Go then, and take places for these calls then.
    Later(Timestamp, Need),
}

/// Takes places for the calls of a lap. Where nobody is ahead, it is one write; in a storm, two.
///
/// Places are taken at the scarcer API first, and at the other only when that turn has come: a place
/// that is taken long before it is used is lost to others.
pub async fn take(
    clients: &Clients,
    settings: &Settings,
    need: Need,
    now: Timestamp,
) -> Result<Granted, CallError> {
    let now = now.as_millisecond();
    let mut all = begins(now);
    for (line, calls) in APIS
        .iter()
        .map(|api| (api.general(), need.calls(*api)))
        .filter(|(_, calls)| *calls > 0)
    {
        all = all
            .set(line.name, attribute(&(now + line.span(calls))))
            .when_absent_or_at_most(line.name, attribute(&now));
    }
    let taken = match write(clients, settings, all, ReturnValue::None).await? {
        Written::Yes(_) => return Ok(Granted::Now),
        Written::No(row) => taken(row),
    };
    if is_off(&taken, now) {
        // Somebody's clock is wrong: the lines begin anew. AWS refuses a few calls at most.
        let seen = taken.get(CLOCK).copied().unwrap_or_default();
        let anew = APIS.iter().fold(begins(now), |update, api| {
            let line = api.general();
            update.set(line.name, attribute(&(now + line.span(need.calls(*api)))))
        });
        let anew = anew.when_equal(CLOCK, attribute(&seen));
        write(clients, settings, anew, ReturnValue::None).await?;
        return Ok(Granted::Now);
    }
    let mut owed = need;
    for api in APIS.into_iter().filter(|api| need.calls(*api) > 0) {
        let line = line(&taken, api, need, now);
        let until = join(clients, settings, &line, need.calls(api), now).await?;
        owed = owed.without(api);
        let at = line.place(until, now);
        if !is_near(at, now) {
            let at = Timestamp::from_millisecond(at).unwrap_or(Timestamp::MAX);
            return Ok(Granted::Later(at, owed));
        }
    }
    Ok(Granted::Now)
}

/// Adds calls to one line. Gives until when it is taken then.
async fn join(
    clients: &Clients,
    settings: &Settings,
    line: &Line,
    calls: u32,
    now: i64,
) -> Result<i64, CallError> {
    let span = line.span(calls);
    let add = begins(now)
        .add(line.name, span.unsigned_abs())
        .when_above(line.name, attribute(&now));
    if let Written::Yes(row) = write(clients, settings, add, ReturnValue::UpdatedNew).await? {
        return Ok(taken(row).get(line.name).copied().unwrap_or(now + span));
    }
    let begin = begins(now)
        .set(line.name, attribute(&(now + span)))
        .when_absent_or_at_most(line.name, attribute(&now));
    match write(clients, settings, begin, ReturnValue::None).await? {
        Written::Yes(_) => Ok(now + span),
        // Somebody began it at the same moment: at most a burst goes at once, which AWS allows.
        Written::No(row) => Ok(taken(row).get(line.name).copied().unwrap_or(now) + span),
    }
}

/// Every write tells by whose clock it is.
fn begins(now: i64) -> Update {
    Update::default().set(CLOCK, attribute(&now))
}

async fn write(
    clients: &Clients,
    settings: &Settings,
    update: Update,
    returning: ReturnValue,
) -> Result<Written, CallError> {
    table::update(clients, &settings.ledger_table, KEY, update, returning).await
}

/// The numbers of the row, by name.
fn taken(row: table::Row) -> Taken {
    row.into_iter()
        .filter_map(|(name, value)| Some((name, value.as_n().ok()?.parse().ok()?)))
        .collect()
}
