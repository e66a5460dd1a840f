//! The door of `start-channel`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("start-channel", start_channel::handle)
}
