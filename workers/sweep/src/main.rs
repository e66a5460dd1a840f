//! The door of `sweep`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("sweep", sweep::handle)
}
