//! AWS's side: one TLS listener on loopback per service, because each service is a host of its own
//! and costs a worker a connection of its own. The answers are canned and the calls are noted.

use crate::{
    canned::{self, Answers, Service},
    http,
};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::{
    io::{self, BufRead, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// What was asked of the endpoint.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// Operations in the order in which they came: `UpdateItem`.
    pub calls: Vec<String>,
    /// Connections that were made.
    pub connections: usize,
    /// The newest body of CreateChannel.
    pub channel: Option<Value>,
}

/// The listeners of one run.
pub struct Endpoint {
    ports: Vec<(Service, u16)>,
    heard: Arc<Mutex<Heard>>,
    over: Arc<AtomicBool>,
}

impl Endpoint {
    /// Opens a listener for each service.
    pub fn open(tls: &Arc<ServerConfig>, answers: Answers) -> io::Result<Endpoint> {
        let mut endpoint = Endpoint {
            ports: Vec::new(),
            heard: Arc::default(),
            over: Arc::default(),
        };
        let answers = Arc::new(answers);
        for service in canned::SERVICES {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            endpoint
                .ports
                .push((service, listener.local_addr()?.port()));
            let (tls, answers, heard, over) = (
                tls.clone(),
                answers.clone(),
                endpoint.heard.clone(),
                endpoint.over.clone(),
            );
            thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    lock(&heard).connections += 1;
                    let (tls, answers, heard) = (tls.clone(), answers.clone(), heard.clone());
                    // A client that goes away in the middle of something is no news.
                    thread::spawn(move || drop(serve(stream, &tls, service, &answers, &heard)));
                }
            });
        }
        Ok(endpoint)
    }

    /// The environment variables that point an SDK here.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.ports
            .iter()
            .map(|(service, port)| {
                (
                    service.variable().to_owned(),
                    format!("https://localhost:{port}"),
                )
            })
            .collect()
    }

    /// What was asked so far.
    pub fn heard(&self) -> Heard {
        lock(&self.heard).clone()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for (_, port) in &self.ports {
            // Wakes the thread that waits for a connection; it then ends.
            drop(TcpStream::connect(SocketAddr::from((
                Ipv4Addr::LOCALHOST,
                *port,
            ))));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A TLS stream that reads lines and writes at once.
struct Both {
    stream: StreamOwned<ServerConnection, TcpStream>,
    buffer: Vec<u8>,
    start: usize,
}

impl Read for Both {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = {
            let ready = self.fill_buf()?;
            let count = ready.len().min(out.len());
            out[..count].copy_from_slice(&ready[..count]);
            count
        };
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Both {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.buffer.len() {
            self.buffer.resize(16 * 1024, 0);
            let count = match self.stream.read(&mut self.buffer) {
                Ok(count) => count,
                // Without a farewell: the process was ended.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                Err(error) => return Err(error),
            };
            self.buffer.truncate(count);
            self.start = 0;
        }
        Ok(&self.buffer[self.start..])
    }

    fn consume(&mut self, amount: usize) {
        self.start += amount;
    }
}

impl Write for Both {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn serve(
    stream: TcpStream,
    tls: &Arc<ServerConfig>,
    service: Service,
    answers: &Answers,
    heard: &Mutex<Heard>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let connection = ServerConnection::new(tls.clone()).map_err(io::Error::other)?;
    let mut stream = Both {
        stream: StreamOwned::new(connection, stream),
        buffer: Vec::new(),
        start: 0,
    };
    while let Some(request) = http::read(&mut stream)? {
        let target = request.headers.get("x-amz-target").map(String::as_str);
        let operation = canned::operation(service, &request.method, &request.path, target);
        let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let (status, answer) = answers.answer(&operation, &body);
        {
            let mut heard = lock(heard);
            if operation == "CreateChannel" {
                heard.channel = Some(body);
            }
            heard.calls.push(operation);
        }
        let kind: &[(&str, &str)] = match status {
            404 => &[("x-amzn-errortype", "NotFoundException")],
            // DynamoDB names its errors in the body.
            400 if answer["__type"].is_null() => {
                &[("x-amzn-errortype", "UnknownOperationException")]
            }
            _ => &[],
        };
        http::write(&mut stream, status, kind, answer.to_string().as_bytes())?;
    }
    Ok(())
}
