//! The door of `release`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("release", release::handle)
}
