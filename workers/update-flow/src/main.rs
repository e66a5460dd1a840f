//! The door of `update-flow`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("update-flow", update_flow::handle)
}
