//! Follows scripts of answers through a state machine, so that the local cloud can be made to follow the same.
//!
//! Each line that comes in is a case: `name`, `machine` (the name executions carry in their ARN), `definition`
//! (a file), and either `script` (the answer to the first invocation, to the second...) or `seed`, from which answers
//! are drawn while it goes. Each line that goes out is the case with its script and with everything that was seen.

mod draw;
mod follow;

use std::io::{self, BufRead, Write};

use serde_json::Value;

fn main() -> Result<(), String> {
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let case: Value =
            serde_json::from_str(&line).map_err(|error| format!("not a case: {error}: {line}"))?;
        let seen = follow::follow(&case).map_err(|why| format!("{}: {why}", case["name"]))?;
        writeln!(io::stdout(), "{seen}").map_err(|error| error.to_string())?;
    }
    Ok(())
}
