//! The door of `start-flow`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("start-flow", start_flow::handle)
}
