//! The door of `claim`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("claim", claim::handle)
}
