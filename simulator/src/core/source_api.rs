//! The source operations of a flow.

use serde_json::{Value, json};

use super::flow::{Flow, Source};
use super::tags::tags_of;
use super::wire::ApiError;
use super::{Answer, Call, Core};

/// Sources of one flow (user guide: quotas).
const SOURCES_MOST: usize = 2;

fn source_missing(arn: &str) -> ApiError {
    ApiError::not_found(format!("The source {arn} does not exist"))
}

/// Two sources need failover, and SRT sources fail over but never merge (user guide: source failover).
pub(super) fn check_failover(flow: &Flow) -> Result<(), ApiError> {
    if flow.sources.len() < 2 {
        return Ok(());
    }
    let config = flow
        .extra
        .get("sourceFailoverConfig")
        .unwrap_or(&Value::Null);
    if config["state"] != "ENABLED" {
        return Err(ApiError::bad(
            "Source failover must be enabled for a flow with two sources",
        ));
    }
    let srt = flow.sources.iter().any(|source| {
        source
            .request
            .get("protocol")
            .is_some_and(|protocol| protocol == "srt-listener")
    });
    if srt && config["failoverMode"] != "FAILOVER" {
        return Err(ApiError::bad("SRT sources need the failover mode FAILOVER"));
    }
    Ok(())
}

fn check_source(request: &Value) -> Result<(), ApiError> {
    let protocol = request["protocol"].as_str().unwrap_or_default();
    if protocol.is_empty() && request["entitlementArn"].is_null() {
        return Err(ApiError::bad("A source needs a protocol"));
    }
    if protocol != "srt-listener" {
        return Ok(());
    }
    if request["ingestPort"]
        .as_u64()
        .is_none_or(|port| !(1..=65_535).contains(&port))
    {
        return Err(ApiError::bad("An SRT listener needs an ingestPort"));
    }
    if request["whitelistCidr"]
        .as_str()
        .is_none_or(|cidr| super::group::cidr_parts(cidr).is_none())
    {
        return Err(ApiError::bad("An SRT listener needs a whitelistCidr"));
    }
    // User guide: SRT sources; the default is 2000 ms.
    if request["minLatency"]
        .as_u64()
        .is_some_and(|ms| !(10..=15_000).contains(&ms))
    {
        return Err(ApiError::bad("minLatency must be between 10 and 15000"));
    }
    let decryption = &request["decryption"];
    if decryption.is_null() {
        return Ok(());
    }
    if decryption["keyType"] != "srt-password"
        || decryption["roleArn"].is_null()
        || decryption["secretArn"].is_null()
    {
        return Err(ApiError::bad(
            "The decryption of an SRT source needs keyType srt-password, roleArn and secretArn",
        ));
    }
    // The model allows it, the real service was seen to refuse it.
    if !decryption["algorithm"].is_null() {
        return Err(ApiError::bad(
            "An algorithm can not be given with keyType srt-password",
        ));
    }
    Ok(())
}

impl Core {
    /// Checks one source against the flow and gives it an ARN.
    pub(super) fn new_source(&mut self, flow: &Flow, request: Value) -> Result<Source, ApiError> {
        check_source(&request)?;
        if flow.sources.len() >= SOURCES_MOST {
            return Err(ApiError::bad(format!(
                "A flow can have at most {SOURCES_MOST} sources"
            )));
        }
        let name = request["name"].as_str().map_or_else(
            || format!("source-{}", flow.sources.len() + 1),
            str::to_owned,
        );
        if flow.sources.iter().any(|source| source.name() == name) {
            return Err(ApiError::bad(format!(
                "The flow already has a source with the name {name}"
            )));
        }
        let port = &request["ingestPort"];
        if !port.is_null()
            && flow
                .sources
                .iter()
                .any(|source| source.request.get("ingestPort") == Some(port))
        {
            return Err(ApiError::bad(
                "The ingest port is already used by another source",
            ));
        }
        let mut request = request.as_object().cloned().unwrap_or_default();
        let tags = tags_of(request.remove("sourceTags").as_ref());
        request.insert("name".into(), json!(name));
        let arn = self.flow_arn("source", &name, Some(&flow.arn));
        Ok(Source {
            arn,
            request,
            tags,
            connected: false,
            ingest_ip: "192.0.2.5".into(),
        })
    }

    pub(super) fn add_flow_sources(&mut self, call: &Call<'_>) -> Answer {
        let arn = call.param("FlowArn").to_owned();
        self.changeable(&arn)?;
        let Some(mut flow) = self.flows.remove(&arn) else {
            return Err(ApiError::not_found("The flow does not exist"));
        };
        let count = flow.sources.len();
        let mut refused = None;
        for request in call.body["sources"].as_array().cloned().unwrap_or_default() {
            match self.new_source(&flow, request) {
                Ok(source) => flow.sources.push(source),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        refused = refused.or(check_failover(&flow).err());
        if refused.is_some() {
            flow.sources.truncate(count);
        }
        let added: Vec<Value> = flow.sources[count..].iter().map(Source::json).collect();
        self.flows.insert(arn.clone(), flow);
        match refused {
            Some(error) => Err(error),
            None => {
                self.flow_takes_up(&arn);
                Ok(json!({"flowArn": arn, "sources": added}))
            }
        }
    }

    pub(super) fn update_flow_source(&mut self, call: &Call<'_>) -> Answer {
        let (arn, source_arn) = (
            call.param("FlowArn").to_owned(),
            call.param("SourceArn").to_owned(),
        );
        let changes = call.body.as_object().cloned().unwrap_or_default();
        let flow = self.changeable(&arn)?;
        let source = flow
            .sources
            .iter_mut()
            .find(|source| source.arn == source_arn);
        let source = source.ok_or_else(|| source_missing(&source_arn))?;
        let mut next = source.request.clone();
        next.extend(changes);
        check_source(&Value::Object(next.clone()))?;
        source.request = next;
        let answer = source.json();
        self.flow_takes_up(&arn);
        Ok(json!({"flowArn": arn, "source": answer}))
    }

    /// The last source stays (user guide: removing a source).
    pub(super) fn remove_flow_source(&mut self, call: &Call<'_>) -> Answer {
        let (arn, source_arn) = (
            call.param("FlowArn").to_owned(),
            call.param("SourceArn").to_owned(),
        );
        let flow = self.changeable(&arn)?;
        let at = flow
            .sources
            .iter()
            .position(|source| source.arn == source_arn)
            .ok_or_else(|| source_missing(&source_arn))?;
        if flow.sources.len() == 1 {
            return Err(ApiError::bad(
                "The only source of a flow can not be removed",
            ));
        }
        flow.sources.remove(at);
        self.flow_takes_up(&arn);
        Ok(json!({"flowArn": arn, "sourceArn": source_arn}))
    }
}
