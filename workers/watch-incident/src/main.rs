//! The door of `watch-incident`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("watch-incident", watch_incident::handle)
}
