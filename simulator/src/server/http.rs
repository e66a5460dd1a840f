//! HTTP/1.1 on loopback: one task per connection, requests handed to the core as they are.
//! A lost answer closes the connection without a word; a slow one is held back.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Shared, page};
use crate::core;

/// Larger than any request the APIs take.
const BODY_MOST: usize = 4 << 20;
const CONTROL: &str = "/_simulator/";
/// Says at which simulated millisecond the core was asked, so that a test can ask another one the same.
const NOW: &str = "x-simulator-now-ms";

type Answer = Response<Full<Bytes>>;

/// The answer must not reach the caller.
#[derive(Debug)]
struct Lost;

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer is lost on purpose")
    }
}

impl std::error::Error for Lost {}

pub(super) async fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Small answers must not wait for acknowledgements.
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(shared.clone(), request));
            // Errors are callers that went away, or answers lost on purpose.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Answer, Lost> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_MOST).collect().await else {
        return Ok(json_answer(
            413,
            &json!({"message": "the body is too large"}),
        ));
    };
    let body = body.to_bytes();
    let (method, path) = (head.method.as_str(), head.uri.path());
    if let Some(what) = path.strip_prefix(CONTROL) {
        let Ok(answer) = control(&shared, method, what, &body);
        return Ok(answer);
    }
    let authorization = head
        .headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let Some(caller) = authorization.and_then(access_key) else {
        let mut refused = json_answer(403, &json!({"message": "Missing Authentication Token"}));
        refused.headers_mut().insert(
            "x-amzn-errortype",
            "MissingAuthenticationTokenException"
                .parse()
                .expect("a header"),
        );
        return Ok(refused);
    };
    let query = head.uri.query().unwrap_or_default().to_owned();
    let request = core::Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query,
        body: body.to_vec(),
        caller: Some(caller),
    };
    let (now, response) = {
        let mut inner = shared.lock();
        let now = inner.clock.now();
        (now, inner.core.handle(now, &request))
    };
    shared.wake.notify_one();
    if response.status == 501 {
        eprintln!(
            "NOT SIMULATED: {}",
            response.body["message"].as_str().unwrap_or_default()
        );
    }
    if response.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(response.delay_ms)).await;
    }
    if response.lost {
        return Err(Lost);
    }
    let mut answer = if response.body.is_null() {
        plain(response.status, "application/json", String::new())
    } else {
        json_answer(response.status, &response.body)
    };
    let headers = answer.headers_mut();
    headers.insert(NOW, now.into());
    if let Ok(id) = response.request_id.parse() {
        headers.insert("x-amzn-requestid", id);
    }
    if let Some(error) = response.error.and_then(|error| error.parse().ok()) {
        headers.insert("x-amzn-errortype", error);
    }
    Ok(answer)
}

/// The access key id of `AWS4-HMAC-SHA256 Credential=<id>/<scope>, ...`.
fn access_key(authorization: &str) -> Option<String> {
    let rest = authorization
        .strip_prefix("AWS4-HMAC-SHA256")?
        .split("Credential=")
        .nth(1)?;
    rest.split('/').next().map(str::to_owned)
}

fn plain(status: u16, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    answer
}

fn json_answer(status: u16, body: &Value) -> Answer {
    plain(status, "application/json", body.to_string())
}

fn control(shared: &Shared, method: &str, what: &str, body: &Bytes) -> Result<Answer, Infallible> {
    if what.is_empty() && method == "GET" {
        return Ok(plain(
            200,
            "text/html; charset=utf-8",
            page::HTML.to_owned(),
        ));
    }
    let body = if body.is_empty() {
        Ok(json!({}))
    } else {
        serde_json::from_slice(body)
    };
    let Ok(body) = body else {
        return Ok(json_answer(
            400,
            &json!({"message": "the body is not JSON"}),
        ));
    };
    let (now, (status, mut told)) = {
        let mut inner = shared.lock();
        let inner = &mut *inner;
        let now = inner.clock.now();
        if what == "clock" {
            (now, set_clock(inner, method, &body))
        } else {
            (now, inner.core.control(now, method, what, &body))
        }
    };
    shared.wake.notify_one();
    if what == "state" && status == 200 {
        shared.add_media(&mut told);
    }
    let mut answer = json_answer(status, &told);
    answer.headers_mut().insert(NOW, now.into());
    Ok(answer)
}

fn set_clock(inner: &mut super::Inner, method: &str, body: &Value) -> (u16, Value) {
    if method == "POST" {
        match (body["scale"].as_u64(), body["advance_seconds"].as_f64()) {
            (Some(scale @ 1..=10_000), None) => {
                inner.clock.set_scale(scale);
                inner.core.set_scale(scale);
            }
            (None, Some(seconds)) if (0.0..=1e9).contains(&seconds) => {
                inner.clock.advance((seconds * 1000.0) as u64)
            }
            _ => {
                return (
                    400,
                    json!({"message": "give scale (1 to 10000) or advance_seconds"}),
                );
            }
        }
    }
    (
        200,
        json!({"scale": inner.clock.scale(), "now_ms": inner.clock.now()}),
    )
}

#[cfg(test)]
mod tests {
    use super::access_key;

    #[test]
    fn the_caller_is_the_access_key() {
        let header = "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20260102/us-west-2/medialive/aws4_request, SignedHeaders=host, Signature=00";
        assert_eq!(access_key(header).as_deref(), Some("ASIAEXAMPLE"));
        assert_eq!(access_key("Bearer x"), None);
    }
}
