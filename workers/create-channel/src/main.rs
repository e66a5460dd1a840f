//! The door of `create-channel`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("create-channel", create_channel::handle)
}
