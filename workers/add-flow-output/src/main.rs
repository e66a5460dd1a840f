//! The door of `add-flow-output`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("add-flow-output", add_flow_output::handle)
}
