//! The SDK clients without a socket: a request is taken down and its future waits until the world
//! has an answer. Clients are made once per thread and serve all worlds of that thread, because
//! making them costs more than a whole lifecycle; what a handler sent is found in the thread right
//! after it was polled.

use crate::operations::{self, Operation};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::{
    rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep},
    time::{SharedTimeSource, TimeSource},
};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpClient, SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use cloud::clients::{self, Clients};
use jiff::Timestamp;
use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The Region of every run.
pub const REGION: &str = "us-west-2";
/// The account of every run.
pub const ACCOUNT: &str = "123456789012";

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which future waits for the answer; unique in the thread, so nothing for a trace.
    pub wire: u64,
    /// What is asked for.
    pub operation: Operation,
    /// `GET`, `POST`, `PUT`, `DELETE`.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent, without the question mark.
    pub query: String,
    /// The body as sent.
    pub body: Vec<u8>,
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer: status, error name, body, and when it was given, milliseconds since 1970.
    Answer(u16, Option<String>, String, u64),
    /// The connection closed.
    Closed,
    /// Nothing came in time.
    TimedOut,
}

thread_local! {
    static NOW_MS: Cell<i64> = const { Cell::new(0) };
    static SENT: RefCell<Vec<Request>> = const { RefCell::new(Vec::new()) };
    static REPLIES: RefCell<Vec<(u64, Reply)>> = const { RefCell::new(Vec::new()) };
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
    static CLIENTS: Clients = make_clients();
    static WOKEN: (Arc<Woken>, Waker) = {
        let woken = Arc::new(Woken::default());
        (Arc::clone(&woken), Waker::from(woken))
    };
}

/// Whether a handler woke itself.
#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The thread's clients.
#[must_use]
pub fn clients() -> Clients {
    CLIENTS.with(Clone::clone)
}

/// The clock that is handed to `Cloud`: what it is for the handler that is being polled.
#[must_use]
pub fn clock() -> Timestamp {
    Timestamp::from_millisecond(NOW_MS.get()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The log that is handed to `Cloud`.
pub fn log(line: &str) {
    LINES.with_borrow_mut(|lines| lines.push(line.to_owned()));
}

/// What came of one poll.
pub struct Polled<T> {
    /// The handler's result, if it is done.
    pub result: Option<T>,
    /// What it sent.
    pub sent: Vec<Request>,
    /// What it wrote.
    pub lines: Vec<String>,
}

/// Polls a handler once, at a time of its own, perhaps with an answer it waits for.
pub fn poll<T>(
    mut handler: Pin<&mut (dyn Future<Output = T> + 'static)>,
    now_ms: i64,
    reply: Option<(u64, Reply)>,
) -> Polled<T> {
    NOW_MS.set(now_ms);
    REPLIES.with_borrow_mut(|replies| {
        replies.clear();
        replies.extend(reply);
    });
    // A handler that panicked, in an earlier run of this thread, may have left something behind.
    SENT.with_borrow_mut(Vec::clear);
    LINES.with_borrow_mut(Vec::clear);
    // A handler may wake itself: the SDK's paginators hand their pages over that way.
    let polled = WOKEN.with(|(woken, waker)| {
        let mut context = Context::from_waker(waker);
        loop {
            woken.0.store(false, Ordering::Relaxed);
            let polled = handler.as_mut().poll(&mut context);
            if polled.is_ready() || !woken.0.load(Ordering::Relaxed) {
                break polled;
            }
        }
    });
    Polled {
        result: match polled {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        },
        sent: SENT.with_borrow_mut(std::mem::take),
        lines: LINES.with_borrow_mut(std::mem::take),
    }
}

fn make_clients() -> Clients {
    // Not AWS's sample keys: scanners know those.
    let credentials = Credentials::new("canary-key-id", "canary-secret", None, None, "proof");
    let mut config = clients::base(SharedCredentialsProvider::new(credentials), REGION.into());
    config.set_sleep_impl(Some(SharedAsyncSleep::new(Never)));
    config.set_time_source(Some(SharedTimeSource::new(Clock)));
    Clients::new(
        &config.http_client(SharedHttpClient::new(Wire)).build(),
        |_| None,
    )
}

/// The SDK's own timers never fire: the world decides when a call has timed out.
#[derive(Debug)]
struct Never;

impl AsyncSleep for Never {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::pending())
    }
}

#[derive(Debug)]
struct Clock;

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(NOW_MS.get().unsigned_abs())
    }
}

#[derive(Clone, Debug)]
struct Wire;

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Wire)
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = NEXT.get();
        NEXT.set(wire + 1);
        let target = request.headers().get("x-amz-target");
        let uri = request.uri();
        let (host, rest) = uri
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').map(|at| rest.split_at(at)))
            .unwrap_or((uri, "/"));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let sent = Request {
            wire,
            operation: operations::find(host, target, request.method(), path),
            method: request.method().to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: request.body().bytes().unwrap_or_default().to_vec(),
        };
        SENT.with_borrow_mut(|all| all.push(sent));
        HttpConnectorFuture::new(Waiting(wire))
    }
}

/// A call without an answer yet.
struct Waiting(u64);

impl Future for Waiting {
    type Output = Result<HttpResponse, ConnectorError>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = REPLIES.with_borrow_mut(|replies| {
            let at = replies.iter().position(|(wire, _)| *wire == self.0)?;
            Some(replies.swap_remove(at).1)
        });
        match reply {
            None => Poll::Pending,
            Some(Reply::Closed) => {
                Poll::Ready(Err(ConnectorError::io("the connection was closed".into())))
            }
            Some(Reply::TimedOut) => Poll::Ready(Err(ConnectorError::timeout(
                "no answer within ten seconds".into(),
            ))),
            Some(Reply::Answer(status, error, body, at)) => {
                let status = StatusCode::try_from(status).expect("a status has three digits");
                let mut response = HttpResponse::new(status, SdkBody::from(body));
                let headers = response.headers_mut();
                headers.insert("x-amzn-requestid", "canary-request-id");
                // As every answer of HTTP has one, in whole seconds.
                let at = i64::try_from(at / 1000).unwrap_or_default();
                let at = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH);
                headers.insert("date", at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
                if let Some(error) = error {
                    headers.insert("x-amzn-errortype", error);
                }
                Poll::Ready(Ok(response))
            }
        }
    }
}
