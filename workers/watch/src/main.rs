//! The door of `watch`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("watch", watch::handle)
}
