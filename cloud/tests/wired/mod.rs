//! The real clients with a connector that has no socket. One request is read, one canned answer given.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use cloud::{
    clients::{self, Clients},
    settings::Settings,
};
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// Answers every request with what the test says, and keeps the requests.
#[derive(Clone, Debug)]
pub struct Wire {
    answers: Arc<Mutex<Vec<(u16, String, Value)>>>,
    /// What was asked: the line and the body.
    pub requests: Arc<Mutex<Vec<(String, Value)>>>,
    /// The `authorization` headers.
    pub signatures: Arc<Mutex<Vec<String>>>,
}

impl HttpClient for Wire {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request
            .body()
            .bytes()
            .and_then(|bytes| serde_json::from_slice(bytes).ok())
            .unwrap_or(Value::Null);
        let line = format!("{} {}", request.method(), request.uri());
        self.requests.lock().unwrap().push((line, body));
        let signature = request.headers().get("authorization").unwrap_or_default();
        self.signatures.lock().unwrap().push(signature.to_owned());
        let (status, kind, answer) = self.answers.lock().unwrap().remove(0);
        let mut response = HttpResponse::new(
            StatusCode::try_from(status).unwrap(),
            SdkBody::from(answer.to_string()),
        );
        if !kind.is_empty() {
            response.headers_mut().insert("x-amzn-errortype", kind);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

pub fn wire(answers: &[(u16, &str, Value)]) -> (Wire, Clients) {
    let wire = Wire {
        answers: Arc::new(Mutex::new(
            answers
                .iter()
                .map(|(status, kind, answer)| (*status, (*kind).to_owned(), answer.clone()))
                .collect(),
        )),
        requests: Arc::default(),
        signatures: Arc::default(),
    };
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = clients::base(
        SharedCredentialsProvider::new(credentials),
        "us-west-2".into(),
    )
    .http_client(wire.clone())
    .build();
    (wire, Clients::new(&config, |_| None))
}

pub fn settings() -> Settings {
    Settings {
        stack: "demo".into(),
        destinations_table: "destinations".into(),
        ledger_table: "ledger".into(),
        sessions_table: "sessions".into(),
        incidents_table: "incidents".into(),
        flow_arn: "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-a-b:demo".into(),
        input_security_group_id: "1234567".into(),
        media_live_role_arn: "arn:aws:iam::123456789012:role/MediaLiveAccessRole".into(),
        parameter_store_prefix: "/lunora-player/streaming".into(),
        feed_bitrate: 10_000_000,
        grace_seconds: 900,
        flow_grace_seconds: 900,
        flow_on_demand: true,
        limits: domain::caps::Limits::default(),
        state_machine_arn: "arn:aws:states:us-west-2:123456789012:stateMachine:reconcile".into(),
        incident_machine_arn: String::new(),
        runbooks: "docs/runbooks".into(),
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
