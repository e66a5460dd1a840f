//! One process, from its start to its end: a worker or a peer between a Runtime API and an endpoint.

use crate::{
    canned::Answers,
    endpoint::{Endpoint, Heard},
    meter::Meter,
    runtime::{Event, Record, Runtime},
};
use rustls::ServerConfig;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::RecvTimeoutError,
    },
    time::{Duration, Instant},
};

/// Who is measured.
#[derive(Clone)]
pub struct Subject {
    /// For the table: `create-channel`, `Node 20, SDK v3`.
    pub name: String,
    /// The worker whose step it does.
    pub worker: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Its own environment variables.
    pub environment: Vec<(String, String)>,
    /// What it is handed.
    pub event: Event,
}

/// What a run showed.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Times and outcomes.
    pub record: Record,
    /// Everything the endpoint heard.
    pub heard: Heard,
    /// The most memory it had, in KiB.
    pub rss_kib: u64,
    /// Instructions in user mode, if they were counted.
    pub instructions: Option<u64>,
}

/// What every run needs.
pub struct Bench {
    /// The endpoint's TLS settings.
    pub tls: Arc<ServerConfig>,
    /// Where reports go.
    pub scratch: PathBuf,
    /// Environment variables for everybody.
    pub environment: Vec<(String, String)>,
    /// Runs so far: several may be under way.
    pub runs: AtomicUsize,
}

/// A process that takes longer than this is stuck: under valgrind a peer needs two minutes, and
/// more on a busy machine.
const PATIENCE: Duration = Duration::from_secs(1800);

impl Bench {
    /// Runs a subject on a number of events.
    pub fn run(
        &self,
        subject: &Subject,
        events: usize,
        meter: Option<Meter>,
    ) -> Result<Run, String> {
        let failed = |what: String| format!("{}: {what}", subject.name);
        let endpoint = Endpoint::open(&self.tls, Answers::new(&subject.worker))
            .map_err(|error| failed(error.to_string()))?;
        let runtime = Runtime::open(subject.event.clone(), events)
            .map_err(|error| failed(error.to_string()))?;
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let report = Forgotten(self.scratch.join(format!("run-{number}.count")));
        let log = Forgotten(self.scratch.join(format!("run-{number}.log")));
        let (program, arguments) = match meter {
            Some(meter) => meter.wrap(&subject.program, &subject.arguments, &report.0),
            None => (
                subject.program.to_string_lossy().into_owned(),
                subject.arguments.clone(),
            ),
        };
        let output = || {
            fs::File::create(&log.0)
                .map(Stdio::from)
                .map_err(|error| failed(error.to_string()))
        };
        let mut command = Command::new(&program);
        command
            .args(&arguments)
            .env_clear()
            .envs(self.environment.iter().cloned())
            .envs(endpoint.environment())
            .envs(subject.environment.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", runtime.address())
            .env("AWS_LAMBDA_FUNCTION_NAME", &subject.worker)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output()?);
        runtime.starts();
        let mut child = Ended(
            command
                .spawn()
                .map_err(|error| failed(format!("{program}: {error}")))?,
        );
        let started = child.0.id();
        if meter.is_none() {
            runtime.watch(started);
        }
        let mut run = Run::default();
        let began = Instant::now();
        run.record = loop {
            match runtime.done.recv_timeout(Duration::from_millis(50)) {
                Ok(record) => break record,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(failed("its harness gave up".into()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let ended = child
                .0
                .try_wait()
                .map_err(|error| failed(error.to_string()))?;
            if let Some(status) = ended {
                let words = fs::read_to_string(&log.0).unwrap_or_default();
                let why = runtime.refused().unwrap_or_else(|| tail(&words));
                return Err(failed(format!("ended by itself with {status}: {why}")));
            }
            if began.elapsed() > PATIENCE {
                return Err(failed(format!(
                    "was not done after {} s",
                    PATIENCE.as_secs()
                )));
            }
        };
        run.heard = endpoint.heard();
        run.rss_kib = high_water(started);
        let measured = meter.map_or(Some(started), |meter| meter.measured(started));
        child.end(measured).map_err(failed)?;
        if let Some(meter) = meter {
            run.instructions = Some(meter.read(&report.0).map_err(failed)?);
        }
        Ok(run)
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// A file that does not outlive its run.
struct Forgotten(PathBuf);

impl Drop for Forgotten {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// A child that never outlives its run.
struct Ended(Child);

impl Ended {
    /// Asks a process to end, and waits for the child that stands for it.
    fn end(&mut self, process: Option<u32>) -> Result<(), String> {
        let process = process.unwrap_or(self.0.id()).to_string();
        Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &process])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(|error| error.to_string())?;
        let (wait, over) = std::sync::mpsc::channel::<()>();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            if self
                .0
                .try_wait()
                .map_err(|error| error.to_string())?
                .is_some()
            {
                return Ok(());
            }
            let _ = over.recv_timeout(Duration::from_millis(2));
        }
        drop(wait);
        Err("did not end when asked to".into())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// `VmHWM` of a process in KiB.
fn high_water(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    parse_high_water(&status).unwrap_or_default()
}

fn parse_high_water(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The time all threads of a process have had on a processor, in nanoseconds.
pub fn cpu_nanoseconds(process: u32) -> u64 {
    let Ok(threads) = fs::read_dir(Path::new("/proc").join(process.to_string()).join("task"))
    else {
        return 0;
    };
    threads
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_memory_is_read_from_the_status() {
        let status = "Name:\tplan\nVmPeak:\t   9000 kB\nVmHWM:\t    7424 kB\nVmRSS:\t    7000 kB\n";
        assert_eq!(parse_high_water(status), Some(7424));
        assert_eq!(parse_high_water("Name:\tplan\n"), None);
    }

    #[test]
    fn our_own_time_on_the_processor_grows() {
        assert!(cpu_nanoseconds(std::process::id()) > 0);
    }
}
