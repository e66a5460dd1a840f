//! Creates the destination's MediaLive input.
//!
//! Runs twice: name and request id are the same within an incarnation, and a retry looks first.
//! Undone by: delete-input.

use cloud::{
    Cloud, Error, inputs,
    ledgers::Foresight,
    media_live,
    payload::{Done, StepInput},
    step::{Step, is_fresh},
};
use domain::{
    ledger::{Made, Sought},
    look::InputLook,
};

/// Creates, or finds what an earlier try created.
pub async fn handle(cloud: &Cloud, input: StepInput) -> Result<Done, Error> {
    // By a clock that runs behind, what was made just now would be so old that it should be listed.
    let now = cloud.now().max(input.entered_at);
    if is_fresh(&input, now) && input.plan.look.input.is_some() {
        return Ok(Done::new("already so"));
    }
    let sought = Sought {
        incarnation: input.plan.incarnation,
        at: now,
    };
    let foresight = Foresight {
        input_sought: Some(sought),
        ..Foresight::default()
    };
    let mut step = Step::open_unless_knocked(cloud, &input, "create-input", foresight).await?;
    let found = if step.must_look {
        find(
            cloud,
            &input.destination_id,
            step.ledger.input_sought.as_ref(),
        )
        .await?
    } else {
        None
    };
    let (made, did) = match found {
        Some(found) => (found, "found"),
        None => {
            let incarnation = step
                .ledger
                .input_sought
                .as_ref()
                .map_or(input.plan.incarnation, |sought| sought.incarnation);
            match inputs::create(
                &cloud.clients,
                &cloud.settings,
                &input.destination_id,
                incarnation,
            )
            .await
            {
                Ok(made) => (made, "created"),
                Err(error) => return Err(step.close_with(error).await),
            }
        }
    };
    step.ledger.input = Some(Made {
        id: made.id,
        at: now,
        address: made.address.unwrap_or_default(),
    });
    step.close().await?;
    Ok(Done::new(did))
}

async fn find(
    cloud: &Cloud,
    destination_id: &str,
    sought: Option<&Sought>,
) -> Result<Option<InputLook>, Error> {
    let listed = inputs::list(&cloud.clients).await?;
    let Some(own) = media_live::own(&listed, &cloud.settings.stack, destination_id, sought) else {
        return Ok(None);
    };
    let seen = inputs::describe(&cloud.clients, &own.id).await?;
    Ok(seen.filter(|input| !matches!(input.state.as_str(), "DELETING" | "DELETED")))
}
