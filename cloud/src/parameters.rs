//! Parameter Store: where stream keys are, and nowhere else.

use crate::{clients::Clients, fault::CallError};
use aws_sdk_ssm::{
    operation::get_parameter::GetParameterError,
    types::{Parameter, ParameterType},
};
use domain::{Error, look::KeyLook, problem::Code};

/// A decrypted stream key. No Debug, no Display, no Serialize: it can only be handed on.
pub struct StreamKey(String);

impl StreamKey {
    /// For the one field of the one body that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Which key a parameter holds, as a number: milliseconds since 1970 of its last change and the last three
/// digits of its version. The version alone begins again at 1 where a parameter was deleted and made anew.
fn version(parameter: &Parameter) -> i64 {
    let changed = parameter.last_modified_date();
    let changed_ms = changed.and_then(|at| at.to_millis().ok());
    changed_ms.unwrap_or_default() * 1000 + parameter.version() % 1000
}

/// Looks at a key's parameter without decrypting it.
pub async fn look(clients: &Clients, name: &str) -> Result<KeyLook, CallError> {
    match clients
        .ssm
        .get_parameter()
        .name(name)
        .with_decryption(false)
        .send()
        .await
    {
        Ok(output) => Ok(match output.parameter() {
            Some(parameter) if parameter.r#type() == Some(&ParameterType::SecureString) => {
                KeyLook::Version(version(parameter))
            }
            Some(_) => KeyLook::NotSecure,
            None => KeyLook::Missing,
        }),
        Err(error) => {
            if matches!(
                error.as_service_error(),
                Some(
                    GetParameterError::ParameterNotFound(_)
                        | GetParameterError::ParameterVersionNotFound(_)
                )
            ) {
                return Ok(KeyLook::Missing);
            }
            match CallError::new("GetParameter", &error) {
                CallError::Refused(refusal) if refusal.code.starts_with("AccessDenied") => {
                    Ok(KeyLook::Unreadable)
                }
                other => Err(other),
            }
        }
    }
}

/// Reads and decrypts a key. Gives its version too.
pub async fn read(clients: &Clients, name: &str) -> Result<(StreamKey, i64), Error> {
    let output = match clients
        .ssm
        .get_parameter()
        .name(name)
        .with_decryption(true)
        .send()
        .await
    {
        Ok(output) => output,
        Err(error) => {
            if matches!(
                error.as_service_error(),
                Some(GetParameterError::ParameterNotFound(_))
            ) {
                return Err(Error::permanent(
                    Code::ParameterMissing,
                    format!("There is no parameter {name}."),
                ));
            }
            let call = CallError::new("GetParameter", &error);
            return Err(match call {
                CallError::Refused(ref refusal)
                    if refusal.code.starts_with("AccessDenied") || refusal.code.contains("Key") =>
                {
                    Error::permanent(
                        Code::ParameterUnreadable,
                        format!("Lunora may not decrypt the parameter {name}."),
                    )
                }
                other => other.into(),
            });
        }
    };
    let Some(parameter) = output.parameter else {
        return Err(Error::permanent(
            Code::ParameterMissing,
            format!("There is no parameter {name}."),
        ));
    };
    if parameter.r#type() != Some(&ParameterType::SecureString) {
        return Err(Error::permanent(
            Code::ParameterNotSecure,
            format!("The parameter {name} is not a SecureString."),
        ));
    }
    let version = version(&parameter);
    let key = parameter.value.unwrap_or_default();
    // A pasted key often brings a line end along; a key with a space inside is no key.
    let key = key.trim();
    if key.is_empty() || key.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::permanent(
            Code::ParameterEmpty,
            format!("The parameter {name} holds no usable stream key."),
        ));
    }
    Ok((StreamKey(key.to_owned()), version))
}
