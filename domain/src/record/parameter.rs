//! Names of key parameters: only below the stack's prefix, and only plain names.

use crate::problem::{Code, Problem};

/// The longest parameter name in Parameter Store (Systems Manager user guide, parameter names).
const MAX_LENGTH: usize = 1011;

/// Checks a parameter name from a record and gives it back.
///
/// # Errors
/// `parameter_outside_prefix`. The message repeats the prefix and never the name: a common slip is
/// to write the key itself here.
pub(super) fn check(attribute: &str, name: &str, prefix: &str) -> Result<String, Problem> {
    let prefix = prefix.trim_end_matches('/');
    let below = name
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('/'));
    match below {
        Some(rest) if name.len() <= MAX_LENGTH && rest.split('/').all(is_part) => {
            Ok(name.to_owned())
        }
        _ => Err(Problem::new(
            Code::ParameterOutsidePrefix,
            format!("The {attribute} is not the name of a parameter below {prefix}/."),
        )
        .with_advice(format!(
            "Name a parameter below {prefix}/, for example {prefix}/youtube-main. Lunora can read no other. If the key itself was written here, renew it at the platform."
        ))),
    }
}

/// Parameter Store's characters. A part of nothing or of dots alone could be read as a way up.
fn is_part(part: &str) -> bool {
    part.chars()
        .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && !part.chars().all(|c| c == '.')
}
