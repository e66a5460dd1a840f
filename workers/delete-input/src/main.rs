//! The door of `delete-input`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("delete-input", delete_input::handle)
}
