//! Answers conformance cases: one as a line of JSON on stdin, its answers as a line on stdout.

use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", models::answers(&serde_json::from_str(&line?)?))?;
    }
    out.flush()
}
