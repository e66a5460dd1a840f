//! The door of `preflight`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("preflight", preflight::handle)
}
