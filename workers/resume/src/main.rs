//! The door of `resume`.

fn main() -> Result<(), cloud::shell::Failure> {
    cloud::shell::run("resume", resume::handle)
}
