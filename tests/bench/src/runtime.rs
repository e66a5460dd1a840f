//! Lambda's side: a Runtime API on loopback that hands out events one by one and takes the time.

use crate::{http, process};
use serde_json::Value;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Instant,
};

/// Makes the event of an invocation.
pub type Event = Arc<dyn Fn() -> Value + Send + Sync>;

/// How an invocation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With an answer.
    Answer(Value),
    /// With an error of this name, and its sentence.
    Error(String, String),
}

/// What a process did with its events.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Milliseconds from the start to the first request for an event.
    pub init_ms: f64,
    /// Milliseconds from the start to the first answer.
    pub first_ms: f64,
    /// Milliseconds of each later event, from handing it out to its answer.
    pub later_ms: Vec<f64>,
    /// Time on the processor for the later events, in microseconds.
    pub later_cpu_us: f64,
    /// How each invocation ended.
    pub outcomes: Vec<Outcome>,
    /// Why the process gave up before its first event.
    pub refused: Option<String>,
}

/// What is known so far, and to whom to tell the rest.
struct Session {
    began: Instant,
    process: Option<u32>,
    event: Event,
    wanted: usize,
    handed: usize,
    handed_at: Instant,
    cpu_at_first: u64,
    record: Record,
    done: Option<Sender<Record>>,
}

/// A Runtime API for one process.
pub struct Runtime {
    address: SocketAddr,
    session: Arc<Mutex<Session>>,
    /// Says when the process asks for more than there is.
    pub done: Receiver<Record>,
}

impl Runtime {
    /// Opens it for a number of events.
    pub fn open(event: Event, wanted: usize) -> io::Result<Runtime> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (done, when_done) = mpsc::channel();
        let session = Arc::new(Mutex::new(Session {
            began: Instant::now(),
            process: None,
            event,
            wanted,
            handed: 0,
            handed_at: Instant::now(),
            cpu_at_first: 0,
            record: Record::default(),
            done: Some(done),
        }));
        let shared = session.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Over: the last call only wakes this thread.
                if lock(&shared).done.is_none() {
                    return;
                }
                let shared = shared.clone();
                thread::spawn(move || drop(serve(stream, &shared)));
            }
        });
        Ok(Runtime {
            address,
            session,
            done: when_done,
        })
    }

    /// What goes into `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The clock starts now.
    pub fn starts(&self) {
        lock(&self.session).began = Instant::now();
    }

    /// The process whose time on the processor is looked at.
    pub fn watch(&self, process: u32) {
        lock(&self.session).process = Some(process);
    }

    /// Why it gave up, if it did.
    pub fn refused(&self) -> Option<String> {
        lock(&self.session).record.refused.clone()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        lock(&self.session).done = None;
        drop(TcpStream::connect(self.address));
    }
}

fn lock(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A plain stream that reads lines and writes at once.
struct Both(BufReader<TcpStream>);

impl Read for Both {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}
impl BufRead for Both {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }
    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}
impl Write for Both {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.get_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.get_mut().flush()
    }
}

fn serve(stream: TcpStream, session: &Mutex<Session>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = Both(BufReader::new(stream));
    while let Some(request) = http::read(&mut stream)? {
        let at = Instant::now();
        let last = request.path.rsplit('/').next().unwrap_or_default();
        if last == "next" {
            let Some((number, body)) = lock(session).next(at) else {
                // Nothing more: the process waits here until it is ended.
                let mut byte = [0];
                drop(stream.read(&mut byte));
                return Ok(());
            };
            let id = format!("00000000-0000-4000-8000-{number:012}");
            let headers = [
                ("Lambda-Runtime-Aws-Request-Id", id.as_str()),
                ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
                (
                    "Lambda-Runtime-Invoked-Function-Arn",
                    "arn:aws:lambda:us-west-2:123456789012:function:bench",
                ),
            ];
            lock(session).handed_at = Instant::now();
            http::write(&mut stream, 200, &headers, &body)?;
        } else {
            let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
            if request.path.ends_with("/init/error") {
                lock(session).record.refused = Some(body.to_string());
            } else {
                lock(session).answered(at, outcome(last, body));
            }
            http::write(&mut stream, 202, &[], b"{}")?;
        }
    }
    Ok(())
}

fn outcome(kind: &str, body: Value) -> Outcome {
    if kind == "error" {
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Outcome::Error(text("errorType"), text("errorMessage"))
    } else {
        Outcome::Answer(body)
    }
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    to.duration_since(from).as_secs_f64() * 1000.0
}

impl Session {
    /// The next event, or nothing when all are done; then whoever waits is told.
    fn next(&mut self, at: Instant) -> Option<(usize, Vec<u8>)> {
        if self.handed == 0 {
            self.record.init_ms = milliseconds(self.began, at);
        }
        if self.handed == self.wanted {
            let cpu = self.process.map_or(0, process::cpu_nanoseconds);
            self.record.later_cpu_us = cpu.saturating_sub(self.cpu_at_first) as f64 / 1000.0;
            if let Some(done) = self.done.take() {
                drop(done.send(self.record.clone()));
            }
            return None;
        }
        if self.handed == 1 {
            self.cpu_at_first = self.process.map_or(0, process::cpu_nanoseconds);
        }
        self.handed += 1;
        let event = (self.event)();
        Some((self.handed, event.to_string().into_bytes()))
    }

    fn answered(&mut self, at: Instant, outcome: Outcome) {
        if self.record.outcomes.is_empty() {
            self.record.first_ms = milliseconds(self.began, at);
        } else {
            self.record.later_ms.push(milliseconds(self.handed_at, at));
        }
        self.record.outcomes.push(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_handed_out_one_by_one_and_their_answers_kept() {
        let runtime = Runtime::open(Arc::new(|| json!({"a": 1})), 2).unwrap();
        runtime.starts();
        let mut stream = Both(BufReader::new(
            TcpStream::connect(runtime.address()).unwrap(),
        ));
        let mut ask = |line: &str, body: &str| {
            let length = body.len();
            let request = format!("{line} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(request.as_bytes()).unwrap();
            let mut head = String::new();
            let mut length = 0;
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(number) = line.strip_prefix("Content-Length: ") {
                    length = number.trim().parse().unwrap();
                }
                head.push_str(&line);
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            (head, String::from_utf8(body).unwrap())
        };
        let base = "/2018-06-01/runtime/invocation";
        for (kind, body) in [
            ("response", r#"{"did":"created"}"#),
            (
                "error",
                r#"{"errorType":"Transient","errorMessage":"Not yet."}"#,
            ),
        ] {
            let (head, event) = ask(&format!("GET {base}/next"), "");
            assert!(head.contains("Lambda-Runtime-Aws-Request-Id: "));
            assert_eq!(event, r#"{"a":1}"#);
            ask(&format!("POST {base}/1/{kind}"), body);
        }
        assert!(runtime.done.try_recv().is_err());
        let request = format!("GET {base}/next HTTP/1.1\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let record = runtime.done.recv().unwrap();
        assert_eq!(
            record.outcomes[0],
            Outcome::Answer(json!({"did": "created"}))
        );
        assert_eq!(
            record.outcomes[1],
            Outcome::Error("Transient".into(), "Not yet.".into())
        );
        assert_eq!(record.later_ms.len(), 1);
        assert!(record.first_ms >= record.init_ms);
    }
}
