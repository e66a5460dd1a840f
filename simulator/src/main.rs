//! The simulator's door.

use std::process::ExitCode;

use clap::Parser;
use simulator::server::{Arguments, run};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("simulator: {text}");
            ExitCode::FAILURE
        }
    }
}
