//! The door of `confirm-incident`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("confirm-incident", confirm_incident::handle)
}
