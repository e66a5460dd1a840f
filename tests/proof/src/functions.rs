//! The workers by name, each as a future that the world polls.

use cloud::{Cloud, Error, shell};
use serde_json::Value;
use std::{future::Future, pin::Pin, rc::Rc};

/// A handler under way.
pub type Running = Pin<Box<dyn Future<Output = Result<Value, Error>>>>;

/// Begins an invocation: cloud, payload, request id.
pub type Begin = fn(Rc<Cloud>, Value, String) -> Running;

macro_rules! workers {
    ($($name:literal => $handle:path),* $(,)?) => {
        /// All workers, by the name of their folder.
        pub const ALL: &[(&str, Begin)] = &[$((
            $name,
            |cloud, payload, id| Box::pin(async move {
                shell::invoke(&cloud, $name, &$handle, payload, &id).await
            }),
        )),*];
    };
}

workers! {
    "add-flow-output" => add_flow_output::handle,
    "claim" => claim::handle,
    "close-incident" => close_incident::handle,
    "confirm-incident" => confirm_incident::handle,
    "create-channel" => create_channel::handle,
    "create-input" => create_input::handle,
    "delete-channel" => delete_channel::handle,
    "delete-input" => delete_input::handle,
    "disable-flow-output" => disable_flow_output::handle,
    "dispatch" => dispatch::handle,
    "enable-flow-output" => enable_flow_output::handle,
    "fail" => fail::handle,
    "plan" => plan::handle,
    "poll-channel" => poll_channel::handle,
    "preflight" => preflight::handle,
    "release" => release::handle,
    "remove-flow-output" => remove_flow_output::handle,
    "resume" => resume::handle,
    "start-channel" => start_channel::handle,
    "start-flow" => start_flow::handle,
    "stop-channel" => stop_channel::handle,
    "sweep" => sweep::handle,
    "update-channel" => update_channel::handle,
    "update-flow" => update_flow::handle,
    "watch" => watch::handle,
    "watch-flow" => watch_flow::handle,
    "watch-incident" => watch_incident::handle,
}

/// A worker by name.
#[must_use]
pub fn find(name: &str) -> Option<(&'static str, Begin)> {
    ALL.iter().copied().find(|(worker, _)| *worker == name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_worker_of_the_house_is_there() {
        let names: Vec<&str> = super::ALL.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, house::house::workers());
    }
}
