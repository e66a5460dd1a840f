//! What CloudWatch measured at the sources of the flow.
//!
//! One operation, in the AWS JSON protocol, on the SDK's own runtime: its connector, its signer, its
//! limits. The service's own client is left out: it is 90,000 generated lines and brings seventeen
//! crates, the old line of `http` among them, for the one request below.

use crate::clients::Clients;
use aws_runtime::auth::{
    SigV4OperationSigningConfig,
    sigv4::{SCHEME_ID, SigV4AuthScheme},
};
use aws_smithy_runtime::client::{identity::IdentityCache, orchestrator::operation::Operation};
use aws_smithy_runtime_api::client::{
    auth::{
        AuthSchemeOptionResolverParams,
        static_resolver::{StaticAuthSchemeOptionResolver, StaticAuthSchemeOptionResolverParams},
    },
    behavior_version::BehaviorVersion,
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
    runtime_components::RuntimeComponentsBuilder,
    runtime_plugin::StaticRuntimePlugin,
};
use aws_smithy_types::{body::SdkBody, config_bag::Layer, timeout::TimeoutConfig};
use aws_types::{SdkConfig, SigningName, region::SigningRegion};
use domain::flow::{Measured, Measurement, SourceLook};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Numbers are not worth more of a pass than that.
const CALL_SECONDS: u64 = 3;
/// One number for each minute, and the newest counts. MediaConnect's arrive up to three minutes late.
const PERIOD_SECONDS: i64 = 60;
const BACK_SECONDS: i64 = 300;
/// Names and units: MediaConnect user guide, metrics to monitor flow source health.
const METRICS: [(&str, &str); 3] = [
    ("bitrate", "SourceBitRate"),
    ("loss", "SourcePacketLossPercent"),
    ("trip", "SourceRoundTripTime"),
];

/// CloudWatch did not answer, or said no.
#[derive(Debug, thiserror::Error)]
#[error("CloudWatch gave no numbers")]
pub(crate) struct NoNumbers;

/// A client for GetMetricData.
pub(crate) struct CloudWatch(Operation<String, Value, NoNumbers>);

impl CloudWatch {
    pub(crate) fn new(config: &SdkConfig) -> CloudWatch {
        let region = config.region().cloned();
        let name = region.as_ref().map_or("", |region| region.as_ref());
        let url = match config.endpoint_url() {
            Some(url) => url.to_owned(),
            None => format!("https://monitoring.{name}.amazonaws.com"),
        };
        let mut layer = Layer::new("GetMetricData");
        layer.store_put(SigningName::from_static("monitoring"));
        layer.store_or_unset(region.map(SigningRegion::from));
        layer.store_put(SigV4OperationSigningConfig::default());
        layer.store_put(AuthSchemeOptionResolverParams::from(
            StaticAuthSchemeOptionResolverParams::new(),
        ));
        let mut components = RuntimeComponentsBuilder::new("GetMetricData")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
                SCHEME_ID,
            ])))
            .with_identity_cache(Some(IdentityCache::no_cache()))
            .with_http_client(config.http_client())
            .with_sleep_impl(config.sleep_impl())
            .with_time_source(config.time_source());
        if let Some(credentials) = config.credentials_provider() {
            components = components.with_identity_resolver(SCHEME_ID, credentials);
        }
        let operation = Operation::builder()
            .service_name("CloudWatch")
            .operation_name("GetMetricData")
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&url)
            .no_retry()
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(Duration::from_secs(CALL_SECONDS))
                    .build(),
            )
            .runtime_plugin(
                StaticRuntimePlugin::new()
                    .with_config(layer.freeze())
                    .with_runtime_components(components),
            )
            .serializer(|body: String| {
                let mut request = HttpRequest::new(SdkBody::from(body));
                request.set_method("POST")?;
                request.set_uri("/")?;
                let headers = request.headers_mut();
                headers.insert("content-type", "application/x-amz-json-1.0");
                headers.insert(
                    "x-amz-target",
                    "GraniteServiceVersion20100801.GetMetricData",
                );
                Ok(request)
            })
            .deserializer(|response: &HttpResponse| {
                let body = response.body().bytes();
                body.filter(|_| response.status().is_success())
                    .and_then(|body| serde_json::from_slice(body).ok())
                    .ok_or(OrchestratorError::operation(NoNumbers))
            })
            .build();
        CloudWatch(operation)
    }

    /// As the SDK's clients name their operations.
    fn get_metric_data(&self) -> &Operation<String, Value, NoNumbers> {
        &self.0
    }
}

/// The newest numbers of these sources. Without an answer there are none: nothing waits for them.
pub async fn measure(clients: &Clients, sources: &[SourceLook], now: Timestamp) -> Measured {
    let question = question(sources, now).to_string();
    let asked = clients.cloudwatch.get_metric_data().invoke(question);
    match asked.await {
        Ok(answer) => read(sources, &answer),
        Err(_) => Measured::new(),
    }
}

/// One query for each source and metric.
fn question(sources: &[SourceLook], now: Timestamp) -> Value {
    let mut queries = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        for (id, metric) in METRICS {
            queries.push(json!({
                "Id": format!("{id}{number}"),
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/MediaConnect",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "SourceARN", "Value": source.arn}],
                    },
                    "Period": PERIOD_SECONDS,
                    "Stat": "Average",
                },
            }));
        }
    }
    let end = now.as_second();
    // Whole minutes: CloudWatch answers from the beginning of a period.
    let start = end - end.rem_euclid(PERIOD_SECONDS) - BACK_SECONDS;
    json!({"MetricDataQueries": queries, "StartTime": start, "EndTime": end})
}

/// The newest value of each metric. What CloudWatch does not have is left out.
fn read(sources: &[SourceLook], answer: &Value) -> Measured {
    let results = answer["MetricDataResults"].as_array();
    let newest = |id: String| {
        let result = results?.iter().find(|result| result["Id"] == id.as_str())?;
        let (times, values) = (&result["Timestamps"], &result["Values"]);
        let pairs = times.as_array()?.iter().zip(values.as_array()?);
        pairs
            .filter_map(|(time, value)| Some((time.as_f64()? as i64, value.as_f64()?)))
            .max_by_key(|(time, _)| *time)
    };
    let measured = sources.iter().enumerate().filter_map(|(number, source)| {
        let [bitrate, loss, trip] = METRICS.map(|(id, _)| newest(format!("{id}{number}")));
        let seconds = [bitrate, loss, trip].into_iter().flatten();
        let at = seconds.map(|(time, _)| time).max()?;
        let value = |found: Option<(i64, f64)>| found.map(|(_, value)| value);
        let measurement = Measurement {
            bitrate: value(bitrate),
            packet_loss_percent: value(loss),
            round_trip_ms: value(trip),
            at: Timestamp::from_second(at).ok()?,
        };
        Some((source.name.clone(), measurement))
    });
    measured.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Vec<SourceLook> {
        let named = |name: &str| SourceLook {
            name: name.to_owned(),
            arn: format!("arn:aws:mediaconnect:us-west-2:123456789012:source:1-a-b:{name}"),
            has_peer: true,
        };
        vec![named("primary"), named("backup")]
    }

    #[test]
    fn one_request_asks_for_whole_minutes_of_every_source() {
        let now = Timestamp::from_second(1_800_000_047).unwrap();
        let question = question(&sources(), now);
        assert_eq!(question["StartTime"], 1_800_000_000 - 300);
        assert_eq!(question["EndTime"], 1_800_000_047);
        let queries = question["MetricDataQueries"].as_array().unwrap();
        let ids: Vec<&str> = queries
            .iter()
            .map(|query| query["Id"].as_str().unwrap())
            .collect();
        assert_eq!(
            ids,
            ["bitrate0", "loss0", "trip0", "bitrate1", "loss1", "trip1"]
        );
        let stat = &queries[5]["MetricStat"];
        assert_eq!(stat["Metric"]["MetricName"], "SourceRoundTripTime");
        assert_eq!(
            stat["Metric"]["Dimensions"],
            json!([{"Name": "SourceARN", "Value": sources()[1].arn}])
        );
    }

    #[test]
    fn the_newest_value_counts_in_whatever_order_they_come() {
        let answer = json!({"MetricDataResults": [
            {"Id": "bitrate0", "Timestamps": [1_800_000_060.0, 1_800_000_000.0], "Values": [8e6, 1e6]},
            {"Id": "loss0", "Timestamps": [1_799_999_940.0, 1_800_000_000.0], "Values": [5.0, 0.5]},
            {"Id": "trip0", "Timestamps": [], "Values": []},
            {"Id": "bitrate1", "Timestamps": [], "Values": []},
        ]});
        let found = read(&sources(), &answer);
        let primary = Measurement {
            bitrate: Some(8e6),
            packet_loss_percent: Some(0.5),
            round_trip_ms: None,
            at: Timestamp::from_second(1_800_000_060).unwrap(),
        };
        assert_eq!(found, Measured::from([("primary".to_owned(), primary)]));
    }

    #[test]
    fn an_answer_that_is_none_has_no_numbers() {
        for answer in [
            json!(null),
            json!({"MetricDataResults": "none"}),
            json!({"MetricDataResults": [{"Id": "bitrate0", "Timestamps": ["soon"], "Values": [1]}]}),
        ] {
            assert_eq!(read(&sources(), &answer), Measured::new(), "{answer}");
        }
    }
}
