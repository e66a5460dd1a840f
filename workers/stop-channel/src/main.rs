//! The door of `stop-channel`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("stop-channel", stop_channel::handle)
}
