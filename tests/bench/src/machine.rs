//! The machine on which it was measured, as it says itself.

use std::{collections::BTreeMap, fs, process::Command};

/// What a reader wants to know of it.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The day.
    pub date: String,
    /// The processor's model.
    pub processor: String,
    /// How many cores there are to use.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: u64,
    /// The kernel.
    pub kernel: String,
    /// The processor's family.
    pub family: String,
    /// The compiler.
    pub compiler: String,
}

impl Machine {
    /// Asks it.
    pub fn look() -> Machine {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processor = fields(&read("/proc/cpuinfo"));
        let memory = fields(&read("/proc/meminfo"));
        let kib = memory
            .get("MemTotal")
            .and_then(|text| text.split_whitespace().next()?.parse::<u64>().ok());
        Machine {
            date: crate::rows::now().strftime("%Y-%m-%d").to_string(),
            processor: processor
                .get("model name")
                .cloned()
                .unwrap_or_else(|| "an unnamed processor".into()),
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
            memory_gib: kib.unwrap_or_default() / (1024 * 1024),
            kernel: said("uname", &["-sr"]),
            family: std::env::consts::ARCH.to_owned(),
            compiler: said("rustc", &["--version"]),
        }
    }
}

/// The first value of each `name : value` line.
fn fields(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, value)) = line.split_once(':') {
            found
                .entry(name.trim().to_owned())
                .or_insert_with(|| value.trim().to_owned());
        }
    }
    found
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_among_the_lines() {
        let found = fields("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n\nprocessor\t: 1\n");
        assert_eq!(found["model name"], "Some CPU @ 2 GHz");
        assert_eq!(found["processor"], "0");
    }

    #[test]
    fn this_machine_has_a_core_and_a_date() {
        let machine = Machine::look();
        assert!(machine.cores > 0);
        assert_eq!(machine.date.len(), 10);
    }
}
