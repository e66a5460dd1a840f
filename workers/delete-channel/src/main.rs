//! The door of `delete-channel`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("delete-channel", delete_channel::handle)
}
