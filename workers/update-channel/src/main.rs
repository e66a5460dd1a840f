//! The door of `update-channel`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("update-channel", update_channel::handle)
}
