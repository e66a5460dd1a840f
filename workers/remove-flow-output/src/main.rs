//! The door of `remove-flow-output`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("remove-flow-output", remove_flow_output::handle)
}
