//! The door of `watch-flow`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("watch-flow", watch_flow::handle)
}
