//! The calls that the simulator makes itself: PutEvents, PutMetricData and GetSecretValue, signed with
//! Signature Version 4, over plain http to the local cloud.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::media::view::Secret;

const PATIENCE: Duration = Duration::from_secs(5);

/// Where the local cloud is, and as whom it is called.
#[derive(Clone)]
pub(super) struct Cloud {
    endpoint: Option<String>,
    region: String,
    credentials: Credentials,
}

impl Cloud {
    pub fn new(endpoint: Option<String>, region: &str) -> Self {
        let from =
            |name: &str, usual: &str| std::env::var(name).unwrap_or_else(|_| usual.to_owned());
        let (id, secret) = (
            from("AWS_ACCESS_KEY_ID", "test"),
            from("AWS_SECRET_ACCESS_KEY", "test"),
        );
        let credentials = Credentials::new(
            id,
            secret,
            std::env::var("AWS_SESSION_TOKEN").ok(),
            None,
            "environment",
        );
        Self {
            endpoint,
            region: region.to_owned(),
            credentials,
        }
    }

    /// The SRT passphrase behind a secret's ARN.
    pub async fn secret(&self, arn: &str) -> Result<Secret, String> {
        let answer = self
            .call(
                "secretsmanager",
                "secretsmanager.GetSecretValue",
                &json!({"SecretId": arn}),
            )
            .await?;
        let text = answer["SecretString"]
            .as_str()
            .ok_or("the secret has no text")?;
        Ok(Secret::new(text))
    }

    pub async fn put_events(&self, entries: &[Value]) -> Result<u64, String> {
        let answer = self
            .call(
                "events",
                "AWSEvents.PutEvents",
                &json!({"Entries": entries}),
            )
            .await?;
        Ok(answer["FailedEntryCount"].as_u64().unwrap_or_default())
    }

    /// On AWS nobody but AWS may publish in a namespace that begins with `AWS/`; the local cloud lets us.
    pub async fn put_metrics(&self, namespace: &str, data: &[Value]) -> Result<(), String> {
        let target = "GraniteServiceVersion20100801.PutMetricData";
        let body = json!({"Namespace": namespace, "MetricData": data});
        self.call("monitoring", target, &body).await.map(drop)
    }

    async fn call(&self, service: &str, target: &str, body: &Value) -> Result<Value, String> {
        let sent =
            tokio::time::timeout(PATIENCE, self.send(service, target, body.to_string())).await;
        let (status, answer) =
            sent.map_err(|_| format!("{target}: no answer in {PATIENCE:?}"))??;
        if !(200..300).contains(&status) {
            let kind = answer["__type"]
                .as_str()
                .or_else(|| answer["message"].as_str())
                .unwrap_or("no reason given");
            return Err(format!("{target}: {status} {kind}"));
        }
        Ok(answer)
    }

    async fn send(
        &self,
        service: &str,
        target: &str,
        body: String,
    ) -> Result<(u16, Value), String> {
        let endpoint = self
            .endpoint
            .as_deref()
            .ok_or("no cloud is known: give --events or AWS_ENDPOINT_URL")?;
        let uri: Uri = format!("{}/", endpoint.trim_end_matches('/'))
            .parse()
            .map_err(|_| format!("{endpoint} is not an address"))?;
        let host = uri
            .authority()
            .filter(|_| uri.scheme_str() == Some("http"))
            .ok_or_else(|| format!("{endpoint} is not a plain http address"))?
            .to_string();
        let mut request = Request::post(uri.clone())
            .header("host", &host)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .body(Full::new(Bytes::from(body.clone())))
            .map_err(|error| error.to_string())?;
        self.sign(&mut request, service, body.as_bytes())?;
        // The origin form goes on the wire.
        *request.uri_mut() = Uri::from_static("/");
        let port = uri.port_u16().unwrap_or(80);
        let address = format!("{}:{port}", uri.host().unwrap_or_default());
        let stream = TcpStream::connect(&address)
            .await
            .map_err(|error| format!("{address}: {error}"))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let connection = tokio::spawn(connection);
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let bytes = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| error.to_string())?
            .to_bytes();
        connection.abort();
        Ok((
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a signature is valid for some minutes of real time"
    )]
    fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        service: &str,
        body: &[u8],
    ) -> Result<(), String> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?;
        let uri = request.uri().to_string();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    value.to_str().unwrap_or_default().to_owned(),
                )
            })
            .collect();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let signable = SignableRequest::new("POST", uri, headers, SignableBody::Bytes(body))
            .map_err(|error| error.to_string())?;
        let (instructions, _) = sign(signable, &parameters.into())
            .map_err(|error| error.to_string())?
            .into_parts();
        instructions.apply_to_request_http1x(request);
        Ok(())
    }
}
