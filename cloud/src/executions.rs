//! Step Functions: starting an execution, asking after one, ending a wait.

use crate::{clients::Clients, fault::CallError, settings::Settings};
use aws_sdk_sfn::{
    operation::{
        describe_execution::DescribeExecutionError, send_task_success::SendTaskSuccessError,
        start_execution::StartExecutionError,
    },
    types::ExecutionStatus,
};
use domain::ledger;
use jiff::Timestamp;

/// Starts `reconcile` for a destination. An execution of that name counts as started.
pub async fn start(
    clients: &Clients,
    settings: &Settings,
    name: &str,
    destination_id: &str,
) -> Result<(), CallError> {
    let input = serde_json::json!({ "destination_id": destination_id });
    start_of(clients, &settings.state_machine_arn, name, &input).await
}

/// Starts an execution of any machine of ours. One of that name counts as started.
pub(crate) async fn start_of(
    clients: &Clients,
    machine_arn: &str,
    name: &str,
    input: &serde_json::Value,
) -> Result<(), CallError> {
    let answer = clients
        .sfn
        .start_execution()
        .state_machine_arn(machine_arn)
        .name(name)
        .input(input.to_string())
        .send()
        .await;
    match answer {
        Ok(_) => Ok(()),
        Err(error)
            if matches!(
                error.as_service_error(),
                Some(StartExecutionError::ExecutionAlreadyExists(_))
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(CallError::new("StartExecution", &error)),
    }
}

/// An execution that Step Functions does not know is gone only after this. One that has just started may
/// not be known everywhere yet, and one that was known is forgotten with its state machine or after 90
/// days: nothing is urgent.
const UNKNOWN_SECONDS: i64 = 600;

/// Whether an execution runs no more. `since`: when it is known to have been there; absent: long ago.
pub async fn is_gone(
    clients: &Clients,
    execution: &str,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, CallError> {
    match clients
        .sfn
        .describe_execution()
        .execution_arn(execution)
        .send()
        .await
    {
        Ok(output) => Ok(!matches!(
            output.status(),
            ExecutionStatus::Running | ExecutionStatus::PendingRedrive
        )),
        Err(error)
            if matches!(
                error.as_service_error(),
                Some(
                    DescribeExecutionError::ExecutionDoesNotExist(_)
                        | DescribeExecutionError::InvalidArn(_)
                )
            ) =>
        {
            Ok(since.is_none_or(|since| now >= ledger::after(since, UNKNOWN_SECONDS)))
        }
        Err(error) => Err(CallError::new("DescribeExecution", &error)),
    }
}

/// Ends a wait. False: it had ended before, which is nobody's fault.
pub async fn end_wait(clients: &Clients, token: &str, because: &str) -> Result<bool, CallError> {
    let output = serde_json::json!({ "because": because }).to_string();
    match clients
        .sfn
        .send_task_success()
        .task_token(token)
        .output(output)
        .send()
        .await
    {
        Ok(_) => Ok(true),
        Err(error)
            if matches!(
                error.as_service_error(),
                Some(
                    SendTaskSuccessError::TaskDoesNotExist(_)
                        | SendTaskSuccessError::TaskTimedOut(_)
                        | SendTaskSuccessError::InvalidToken(_)
                )
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(CallError::new("SendTaskSuccess", &error)),
    }
}
