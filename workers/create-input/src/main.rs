//! The door of `create-input`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("create-input", create_input::handle)
}
