//! The door of `disable-flow-output`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("disable-flow-output", disable_flow_output::handle)
}
