//! The door of `enable-flow-output`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("enable-flow-output", enable_flow_output::handle)
}
