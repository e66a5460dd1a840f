//! The door of `dispatch`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("dispatch", dispatch::handle)
}
