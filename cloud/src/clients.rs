//! The SDK clients, built by hand: one connector, no retries, no hidden sleep.
//!
//! Not `aws-config`: in Lambda credentials and region are environment variables, and leaving the
//! chain of providers out halves the time to the first request. Retries live in the state machine.

use crate::measurements::CloudWatch;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion, http::SharedHttpClient,
    stalled_stream_protection::StalledStreamProtectionConfig,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// A call that has not answered by then has an unknown outcome. The function itself has 15 s.
const CALL_SECONDS: u64 = 10;
/// A connection that cannot be made by then will not be made.
const CONNECT_SECONDS: u64 = 3;

/// The five roots of Amazon Trust Services, as its repository asks custom trust stores to include.
/// With all of the system's roots a cold start costs seven times the instructions.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// A client that is built when it is first used: each reads a table of all regions as it is built,
/// half a million instructions of a cold start, and few workers need all of them.
type Late<C> = Arc<LazyLock<C, Box<dyn FnOnce() -> C + Send>>>;

/// The clients a function may need.
#[derive(Clone)]
pub struct Clients {
    /// DynamoDB.
    pub(crate) dynamodb: Late<aws_sdk_dynamodb::Client>,
    /// MediaLive.
    pub(crate) medialive: Late<aws_sdk_medialive::Client>,
    /// MediaConnect.
    pub(crate) mediaconnect: Late<aws_sdk_mediaconnect::Client>,
    /// Systems Manager's Parameter Store.
    pub(crate) ssm: Late<aws_sdk_ssm::Client>,
    /// Step Functions.
    pub(crate) sfn: Late<aws_sdk_sfn::Client>,
    /// CloudWatch, as far as it is asked.
    pub(crate) cloudwatch: Late<CloudWatch>,
}

fn late<C: 'static>(config: SdkConfig, build: fn(&SdkConfig) -> C) -> Late<C> {
    Arc::new(LazyLock::new(Box::new(move || build(&config))))
}

impl Clients {
    /// Clients for the environment the function runs in.
    pub fn from_environment() -> Clients {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let credentials = Credentials::new(
            variable("AWS_ACCESS_KEY_ID").unwrap_or_default(),
            variable("AWS_SECRET_ACCESS_KEY").unwrap_or_default(),
            variable("AWS_SESSION_TOKEN"),
            None,
            "environment",
        );
        let region = variable("AWS_REGION")
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .unwrap_or_default();
        let config = base(SharedCredentialsProvider::new(credentials), region)
            .http_client(http_client(
                variable("TRUST_STORE").as_deref() == Some("system"),
            ))
            .build();
        Clients::new(&config, |service| {
            variable(&format!("AWS_ENDPOINT_URL_{service}"))
                .or_else(|| variable("AWS_ENDPOINT_URL"))
        })
    }

    /// Clients from a configuration and each service's own endpoint, if it has one.
    pub fn new(config: &SdkConfig, endpoint: impl Fn(&str) -> Option<String>) -> Clients {
        let of = |service: &str| match endpoint(service) {
            Some(url) => config.to_builder().endpoint_url(url).build(),
            None => config.clone(),
        };
        Clients {
            dynamodb: late(of("DYNAMODB"), aws_sdk_dynamodb::Client::new),
            medialive: late(of("MEDIALIVE"), aws_sdk_medialive::Client::new),
            mediaconnect: late(of("MEDIACONNECT"), aws_sdk_mediaconnect::Client::new),
            ssm: late(of("SSM"), aws_sdk_ssm::Client::new),
            sfn: late(of("SFN"), aws_sdk_sfn::Client::new),
            cloudwatch: late(of("CLOUDWATCH"), CloudWatch::new),
        }
    }
}

/// What every configuration of ours has in common. The HTTP client, the time source and the
/// sleep can be replaced before `build`, so that tests run the real clients without a socket.
pub fn base(
    credentials: SharedCredentialsProvider,
    region: String,
) -> aws_types::sdk_config::Builder {
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(credentials)
        .region(Region::new(region))
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(CONNECT_SECONDS))
                .operation_timeout(Duration::from_secs(CALL_SECONDS))
                .build(),
        );
    builder.set_sleep_impl(Some(SharedAsyncSleep::new(TokioSleep::new())));
    builder
}

fn http_client(system_roots: bool) -> SharedHttpClient {
    let trust = if system_roots {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    };
    let context = TlsContext::builder().with_trust_store(trust).build();
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    match context {
        Ok(context) => builder.tls_context(context).build_https(),
        // Only a malformed root could be the reason, and a test parses them.
        Err(_) => builder.build_https(),
    }
}
