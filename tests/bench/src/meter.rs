//! Counting a process's instructions in user mode: with the processor's own counter where the
//! kernel lends it, else with valgrind, which counts the same thing by running the program itself.
//!
//! Wall time on a shared machine says little; the number of instructions is nearly the same at
//! every run. Valgrind pretends to be a processor without the newest instructions (for hashing, for
//! one), so its figures are a little higher than a real counter's, for everybody.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// `perf stat -e instructions:u`.
    Perf,
    /// `valgrind --tool=callgrind`.
    Valgrind,
}

impl Meter {
    /// The best that works on this machine.
    pub fn find(scratch: &Path) -> Option<Meter> {
        let report = scratch.join("perf-probe");
        let works = |program: &str, arguments: &[OsString]| {
            Command::new(program)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        let (program, arguments) = Meter::Perf.wrap(Path::new("true"), &[], &report);
        if works(&program, &arguments) && Meter::Perf.read(&report).is_ok() {
            return Some(Meter::Perf);
        }
        works("valgrind", &["--version".into()]).then_some(Meter::Valgrind)
    }

    /// In words, for the table.
    pub fn words(self) -> &'static str {
        match self {
            Meter::Perf => "the processor's counter (`perf stat -e instructions:u`)",
            Meter::Valgrind => {
                "`valgrind --tool=callgrind` (this machine lends no hardware counter)"
            }
        }
    }

    /// The command that runs a program and counts.
    pub fn wrap(
        self,
        program: &Path,
        arguments: &[OsString],
        report: &Path,
    ) -> (String, Vec<OsString>) {
        let report = report.as_os_str();
        let with = |flag: &str| {
            let mut whole = OsString::from(flag);
            whole.push(report);
            whole
        };
        let (meter, mut line): (_, Vec<OsString>) = match self {
            Meter::Perf => (
                "perf",
                vec![
                    "stat".into(),
                    "-x,".into(),
                    "-e".into(),
                    "instructions:u".into(),
                    "-o".into(),
                    report.into(),
                    "--".into(),
                ],
            ),
            Meter::Valgrind => (
                "valgrind",
                vec![
                    "--tool=callgrind".into(),
                    "--callgrind-out-file=/dev/null".into(),
                    with("--log-file="),
                ],
            ),
        };
        line.push(program.into());
        line.extend(arguments.iter().cloned());
        (meter.to_owned(), line)
    }

    /// Who has to be ended: perf's child, for perf itself would never tell what it counted.
    pub fn measured(self, started: u32) -> Option<u32> {
        match self {
            Meter::Perf => {
                let children = PathBuf::from(format!("/proc/{started}/task/{started}/children"));
                let text = fs::read_to_string(children).ok()?;
                text.split_whitespace().next()?.parse().ok()
            }
            Meter::Valgrind => Some(started),
        }
    }

    /// What was counted.
    pub fn read(self, report: &Path) -> Result<u64, String> {
        let text = fs::read_to_string(report).map_err(|error| error.to_string())?;
        let count = match self {
            Meter::Perf => parse_perf(&text),
            Meter::Valgrind => parse_valgrind(&text),
        };
        count.ok_or_else(|| format!("The counter's report has no count: {}", text.trim()))
    }
}

/// The count in a line like `4460123,,instructions:u,1890000,100.00,,`.
pub fn parse_perf(text: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let mut fields = line.split(',');
        let count = fields.next()?.trim().parse().ok()?;
        let event = fields.nth(1)?;
        event.starts_with("instructions").then_some(count)
    })
}

/// The count in a line like `==4711== Collected : 4460123`.
pub fn parse_valgrind(text: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (_, count) = line.split_once("Collected :")?;
        count.trim().replace(',', "").parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perf_is_read_by_its_fields() {
        let text =
            "# started on Sat Nov 21 07:00:00 2026\n\n4460123,,instructions:u,1890000,100.00,,\n";
        assert_eq!(parse_perf(text), Some(4_460_123));
        assert_eq!(
            parse_perf("77,,cycles:u,1,100.00,,\n4460123,,instructions:u,1,100.00,,"),
            Some(4_460_123)
        );
    }

    #[test]
    fn a_counter_that_is_not_lent_is_no_count() {
        assert_eq!(
            parse_perf("<not supported>,,instructions:u,0,100.00,,\n"),
            None
        );
        assert_eq!(parse_perf("<not counted>,,instructions:u,0,0.00,,\n"), None);
        assert_eq!(parse_perf(""), None);
    }

    #[test]
    fn valgrind_is_read_by_its_closing_line() {
        let text = "==12== Callgrind, a call-graph generating cache profiler\n==12== \n\
                    ==12== Events    : Ir\n==12== Collected : 7481022\n==12== \n\
                    ==12== I   refs:      7,481,022\n";
        assert_eq!(parse_valgrind(text), Some(7_481_022));
        assert_eq!(parse_valgrind("==12== Events    : Ir\n"), None);
    }

    #[test]
    fn the_program_comes_last_with_its_arguments() {
        for meter in [Meter::Perf, Meter::Valgrind] {
            let (_, line) = meter.wrap(Path::new("node"), &["peer.js".into()], Path::new("report"));
            assert_eq!(line[line.len() - 2..], ["node", "peer.js"]);
            assert!(
                line.iter()
                    .any(|word| word.to_string_lossy().contains("report"))
            );
        }
    }
}
