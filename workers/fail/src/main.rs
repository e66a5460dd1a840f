//! The door of `fail`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("fail", fail::handle)
}
