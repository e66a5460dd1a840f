//! The door of `close-incident`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("close-incident", close_incident::handle)
}
