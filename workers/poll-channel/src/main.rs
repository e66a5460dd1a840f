//! The door of `poll-channel`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("poll-channel", poll_channel::handle)
}
