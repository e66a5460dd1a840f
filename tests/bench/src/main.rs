//! `bench`: measures every worker and the peers, and writes the table.

use bench::{
    certificate, figures,
    machine::Machine,
    measure::{self, Effort, Measured},
    meter::Meter,
    process::{Bench, Subject},
    rows, table,
};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Instant,
};

/// A peer, as its set-up describes it.
#[derive(Deserialize)]
struct Peer {
    id: String,
    name: String,
    #[serde(default)]
    program: String,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// The trust store it would have, to which the benchmark's root is added as `bundle`.
    roots: Option<PathBuf>,
    #[serde(default)]
    bundle: PathBuf,
    /// Why it is not here.
    #[serde(default)]
    missing: String,
}

/// What the command line says.
struct Wish {
    root: PathBuf,
    programs: PathBuf,
    scratch: PathBuf,
    peers: PathBuf,
    more: PathBuf,
    out: PathBuf,
    /// One worker instead of all.
    only: Option<String>,
    /// Only whether everything still does its work: few events, no counter.
    quick: bool,
}

#[expect(clippy::print_stderr, reason = "progress, for whoever waits")]
fn say(began: Instant, text: &str) {
    let seconds = began.elapsed().as_secs();
    eprintln!("{:>2}:{:02}  {text}", seconds / 60, seconds % 60);
}

#[expect(clippy::print_stderr, reason = "the last word of a program")]
fn main() -> ExitCode {
    match wish().and_then(|wish| run(&wish)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("bench: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn wish() -> Result<Wish, String> {
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().ok_or(format!("{name} needs a value"))?;
        given.insert(name, value);
    }
    let only = given.remove("--only");
    let quick = given.remove("--quick").is_some();
    let mut path = |name: &str| {
        given.remove(name).map(PathBuf::from).ok_or(format!(
            "{name} is missing; `make bench` gives everything that is needed"
        ))
    };
    let wish = Wish {
        root: path("--root")?,
        programs: path("--programs")?,
        scratch: path("--scratch")?,
        peers: path("--peers")?,
        more: path("--more")?,
        out: path("--out")?,
        only,
        quick,
    };
    match given.keys().next() {
        Some(strange) => Err(format!("{strange} is not known here")),
        None => Ok(wish),
    }
}

/// Measures everything. A figure that misses its target is no error: the table says so.
#[expect(clippy::print_stdout, reason = "figures are this program's output")]
fn run(wish: &Wish) -> Result<(), String> {
    let began = Instant::now();
    let machine = Machine::look();
    let meter = if wish.quick {
        None
    } else {
        Meter::find(&wish.scratch)
    };
    let bench = prepare(wish)?;
    // Under valgrind everything takes fifty times as long, and the count hardly varies.
    let counted = if meter == Some(Meter::Perf) { 300 } else { 50 };
    let effort = |starts| match wish.quick {
        true => Effort {
            starts: 1,
            events: 3,
        },
        false => Effort {
            starts,
            events: 300,
        },
    };
    let (ours, theirs) = (effort(20), effort(10));
    let mut subjects = Vec::new();
    let mut workers = Vec::new();
    for (worker, event) in samples(&wish.root)? {
        if wish.only.as_ref().is_some_and(|only| *only != worker) {
            continue;
        }
        let subject = worker_subject(wish, &worker, &event)?;
        let mut measured = measure::times(&bench, &subject, ours)?;
        (measured.size_mb, measured.zip_mb) = measure::sizes(&subject.program)?;
        let (ms, calls) = (
            figures::number(measured.first_ms),
            measured.cold_calls.len(),
        );
        say(
            began,
            &format!(
                "{worker}: {ms} ms to its first answer ({}), {calls} calls",
                measured.outcome
            ),
        );
        workers.push(measured);
        subjects.push(subject);
    }
    let (mut peers, mut absent) = (Vec::new(), Vec::new());
    for peer in read_peers(&wish.peers)? {
        if !peer.missing.is_empty() {
            absent.push(format!("{}: {}", peer.name, peer.missing));
            continue;
        }
        let subject = peer_subject(wish, &peer)?;
        let measured = measure::times(&bench, &subject, theirs)?;
        same_work(&workers, &measured)?;
        say(
            began,
            &format!(
                "{}: {} ms to its first answer",
                peer.name,
                figures::number(measured.first_ms)
            ),
        );
        peers.push((peer.id, measured));
        subjects.push(subject);
    }
    if let Some(meter) = meter {
        say(
            began,
            &format!("counting instructions with {}", meter.words()),
        );
        let counts = count_all(&bench, &subjects, meter, counted, machine.cores, began)?;
        let all = workers
            .iter_mut()
            .chain(peers.iter_mut().map(|(_, peer)| peer));
        for (measured, (cold, warm)) in all.zip(counts) {
            (measured.cold, measured.warm) = (Some(cold), Some(warm));
        }
    }
    let more = fs::read_to_string(&wish.more).unwrap_or_default();
    let report = table::Report {
        machine,
        meter,
        counted,
        starts: (ours.starts, theirs.starts),
        workers,
        peers,
        absent,
        more: figures::parse(&more).0,
    };
    let figures = report.figures();
    for figure in &figures {
        println!(
            "{}",
            serde_json::to_string(figure).map_err(|error| error.to_string())?
        );
    }
    fs::write(&wish.out, report.render()).map_err(|error| error.to_string())?;
    say(began, &format!("written to {}", wish.out.display()));
    Ok(())
}

/// Counts every subject, as many at a time as there are cores. The longest come first.
fn count_all(
    bench: &Bench,
    subjects: &[Subject],
    meter: Meter,
    events: usize,
    cores: usize,
    began: Instant,
) -> Result<Vec<(f64, f64)>, String> {
    let left = Mutex::new((0..subjects.len()).collect::<Vec<_>>());
    let counts = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                // The peers are last in the list, and take longest.
                while let Some(place) = lock(&left).pop() {
                    let subject = &subjects[place];
                    let count = measure::count(bench, subject, meter, events);
                    if let Ok((cold, warm)) = &count {
                        let (cold, warm) = (figures::number(*cold), figures::number(*warm));
                        say(
                            began,
                            &format!(
                                "{}: {cold} million to its first answer, then {warm}",
                                subject.name
                            ),
                        );
                    }
                    lock(&counts).insert(place, count);
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    counts.into_values().collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn prepare(wish: &Wish) -> Result<Bench, String> {
    let text = |path: &Path| {
        fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let folder = wish.scratch.join("certificates");
    let certificate = certificate::make(&folder)?;
    let root = text(&certificate.root)?;
    // The five roots a worker has on AWS, and the benchmark's own: the same work, with one more.
    let five = text(&wish.root.join("cloud/src/amazon-roots.pem"))?;
    let bundle = folder.join("bundle.pem");
    fs::write(&bundle, format!("{five}\n{root}")).map_err(|error| error.to_string())?;
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let environment = [
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("AWS_REGION", "us-west-2".into()),
        ("AWS_DEFAULT_REGION", "us-west-2".into()),
        ("AWS_ACCESS_KEY_ID", "canary".into()),
        ("AWS_SECRET_ACCESS_KEY", "canary-secret".into()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".into()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench".into()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench".into()),
        ("TRUST_STORE", "system".into()),
        ("SSL_CERT_FILE", shown(&bundle)),
        ("BENCH_ROOT", shown(&certificate.root)),
        ("STACK", rows::STACK.into()),
        ("DESTINATIONS_TABLE", rows::DESTINATIONS.into()),
        ("LEDGER_TABLE", rows::LEDGER.into()),
        ("SESSIONS_TABLE", "lunora-lunora-sessions".into()),
        ("INCIDENTS_TABLE", "lunora-lunora-incidents".into()),
        ("FLOW_ARN", rows::FLOW.into()),
        ("INPUT_SECURITY_GROUP_ID", rows::SECURITY_GROUP.into()),
        ("MEDIA_LIVE_ROLE_ARN", rows::ROLE.into()),
        ("PARAMETER_STORE_PREFIX", rows::KEY_PREFIX.into()),
        ("FEED_BITRATE", "10000000".into()),
        ("GRACE_SECONDS", "900".into()),
        ("FLOW_GRACE_SECONDS", "900".into()),
        ("FLOW_POLICY", "on_demand".into()),
        ("NO_INPUT_MINUTES_MAX", "30".into()),
        ("SESSION_HOURS_MAX", "12".into()),
        ("BUDGET_USD_PER_DAY", "0".into()),
        ("BUDGET_USD_PER_MONTH", "0".into()),
        ("STATE_MACHINE_ARN", rows::STATE_MACHINE.into()),
        ("INCIDENT_MACHINE_ARN", rows::INCIDENT_MACHINE.into()),
    ];
    Ok(Bench {
        tls: certificate.server,
        scratch: wish.scratch.clone(),
        environment: environment
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
        runs: AtomicUsize::new(0),
    })
}

/// Every worker with its sample.
fn samples(root: &Path) -> Result<Vec<(String, Value)>, String> {
    let folder = fs::read_dir(root.join("workers")).map_err(|error| error.to_string())?;
    let mut workers: Vec<String> = folder
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| root.join("workers").join(name).join("Cargo.toml").exists())
        .collect();
    workers.sort();
    workers
        .into_iter()
        .map(|worker| {
            let sample = match worker.as_str() {
                "dispatch" => "stream-modify",
                "resume" => "channel-state-change-running",
                "sweep" => "sweep-tick",
                "update-flow" => "flow-edit",
                "watch" => "channel-alert-set",
                "watch-flow" => "source-recovered",
                same => same,
            };
            let path = root.join("events").join(format!("{sample}.json"));
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let event = serde_json::from_str(&text)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            Ok((worker, event))
        })
        .collect()
}

fn worker_subject(wish: &Wish, worker: &str, event: &Value) -> Result<Subject, String> {
    let program = wish.programs.join(worker);
    if !program.exists() {
        return Err(format!("{} is not built", program.display()));
    }
    Ok(Subject {
        name: worker.to_owned(),
        worker: worker.to_owned(),
        program,
        arguments: Vec::new(),
        environment: Vec::new(),
        event: fresh(event),
    })
}

fn peer_subject(wish: &Wish, peer: &Peer) -> Result<Subject, String> {
    let (_, event) = samples(&wish.root)?
        .into_iter()
        .find(|(worker, _)| worker == PEERS_DO)
        .ok_or("the peers' worker has no sample")?;
    if let Some(own) = &peer.roots {
        let text = |path: &Path| {
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let root = text(&wish.scratch.join("certificates/root.pem"))?;
        fs::write(&peer.bundle, format!("{}\n{root}", text(own)?))
            .map_err(|error| error.to_string())?;
    }
    Ok(Subject {
        name: peer.name.clone(),
        worker: PEERS_DO.to_owned(),
        program: PathBuf::from(&peer.program),
        arguments: peer.arguments.iter().map(Into::into).collect(),
        environment: peer.environment.clone().into_iter().collect(),
        event: fresh(&event),
    })
}

/// The worker whose step the peers do.
const PEERS_DO: &str = "create-channel";

/// The sample with a look that was taken just now; an older one would not be acted on.
fn fresh(event: &Value) -> bench::runtime::Event {
    let event = event.clone();
    Arc::new(move || {
        let mut event = event.clone();
        if let Some(looked_at) = event.pointer_mut("/plan/looked_at") {
            *looked_at = Value::from(rows::now().to_string());
        }
        event
    })
}

fn read_peers(path: &Path) -> Result<Vec<Peer>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Like is compared with like only if a peer makes the same calls and tells MediaLive the same.
fn same_work(workers: &[Measured], peer: &Measured) -> Result<(), String> {
    let Some(ours) = workers.iter().find(|worker| worker.name == PEERS_DO) else {
        return Ok(());
    };
    if ours.cold_calls != peer.cold_calls || ours.warm_calls != peer.warm_calls {
        return Err(format!(
            "{} makes other calls than {PEERS_DO}: {:?} and {:?}, not {:?} and {:?}",
            peer.name, peer.cold_calls, peer.warm_calls, ours.cold_calls, ours.warm_calls
        ));
    }
    let (asked, wanted) = (table::plain(&peer.channel), table::plain(&ours.channel));
    match table::apart(&asked, &wanted, "channel") {
        Some(where_) => Err(format!(
            "{} asks for another channel than {PEERS_DO}: {where_}",
            peer.name
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::samples;
    use std::path::Path;

    #[test]
    fn every_worker_has_the_sample_it_is_measured_with() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let found = samples(&root).unwrap();
        assert!(found.len() > 20, "{} workers", found.len());
    }
}
