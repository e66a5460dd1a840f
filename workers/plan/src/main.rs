//! The door of `plan`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("plan", plan::handle)
}
