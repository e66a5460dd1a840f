//! The source operations of a flow.

use serde_json::{Value, json};

use super::flow::Flow;
use super::source::Source;
use super::tags::tags_of;
use super::wire::ApiError;
use super::{Answer, Call, Core};

/// Sources of one flow (user guide: quotas).
const SOURCES_MOST: usize = 2;

fn source_missing(arn: &str) -> ApiError {
    ApiError::not_found(format!("The source {arn} does not exist"))
}

/// The recovery window that MERGE takes, in milliseconds (user guide: adding a source).
const RECOVERY_WINDOW: std::ops::RangeInclusive<i64> = 100..=15_000;

/// What fails over: SRT never merges, RTP and RTP-FEC go together, all else is alike on both sides
/// (user guide: source failover, adding a source). That the primary source must be there is a guess.
pub(super) fn check_failover(sources: &[Source], config: Option<&Value>) -> Result<(), ApiError> {
    let config = config.unwrap_or(&Value::Null);
    if let Some(primary) = config["sourcePriority"]["primarySource"].as_str()
        && !sources.iter().any(|source| source.name() == primary)
    {
        return Err(ApiError::bad(format!(
            "The primary source {primary} is not a source of the flow"
        )));
    }
    if let Some(window) = config["recoveryWindow"].as_i64()
        && !RECOVERY_WINDOW.contains(&window)
    {
        return Err(ApiError::bad(
            "recoveryWindow must be between 100 and 15000",
        ));
    }
    let srt = |source: &Source| source.text("protocol").starts_with("srt-");
    let merges = config["failoverMode"] == "MERGE" && config["state"] == "ENABLED";
    if merges && sources.iter().any(srt) {
        return Err(ApiError::bad("SRT sources need the failover mode FAILOVER"));
    }
    let [first, second] = sources else {
        return Ok(());
    };
    if config["state"] != "ENABLED" {
        return Err(ApiError::bad(
            "Source failover must be enabled for a flow with two sources",
        ));
    }
    if config["failoverMode"] != "FAILOVER" && srt(first) {
        return Err(ApiError::bad("SRT sources need the failover mode FAILOVER"));
    }
    let family = |source: &Source| source.text("protocol").trim_end_matches("-fec").to_owned();
    if family(first) != family(second) {
        return Err(ApiError::bad(
            "All sources of a flow must use the same protocol",
        ));
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
        Ok(Source::new(arn, request, tags))
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
        let config = flow.extra.get("sourceFailoverConfig");
        refused = refused.or(check_failover(&flow.sources, config).err());
        if refused.is_some() {
            flow.sources.truncate(count);
        }
        let added: Vec<Value> = flow.sources[count..].iter().map(Source::json).collect();
        self.flows.insert(arn.clone(), flow);
        match refused {
            Some(error) => Err(error),
            None => {
                self.flow_takes_up(&arn);
                self.choose_source(&arn);
                Ok(json!({"flowArn": arn, "sources": added}))
            }
        }
    }

    /// Merge patch; the name stays. On a running flow the listener starts again with what it was
    /// given, and its caller has to call again.
    pub(super) fn update_flow_source(&mut self, call: &Call<'_>) -> Answer {
        let (arn, source_arn) = (
            call.param("FlowArn").to_owned(),
            call.param("SourceArn").to_owned(),
        );
        let changes = call.body.as_object().cloned().unwrap_or_default();
        let flow = self.changeable(&arn)?;
        let found = flow.sources.iter().position(|row| row.arn == source_arn);
        let at = found.ok_or_else(|| source_missing(&source_arn))?;
        let mut sources = flow.sources.clone();
        sources[at].request.extend(changes);
        check_source(&Value::Object(sources[at].request.clone()))?;
        check_ports(&sources)?;
        check_failover(&sources, flow.extra.get("sourceFailoverConfig"))?;
        let listens = [
            "protocol",
            "ingestPort",
            "whitelistCidr",
            "decryption",
            "minLatency",
        ];
        let differs = |member: &&str| {
            sources[at].request.get(*member) != flow.sources[at].request.get(*member)
        };
        let restarts = listens.iter().any(differs);
        let answer = sources[at].json();
        flow.sources = sources;
        self.flow_takes_up(&arn);
        if restarts {
            self.source_restarts(&arn, &source_arn);
        }
        Ok(json!({"flowArn": arn, "source": answer}))
    }

    /// Also on a running flow; the last source stays (user guide: removing a source).
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
        let gone = flow.sources.remove(at);
        let config = flow.extra.get_mut("sourceFailoverConfig");
        if let Some(Value::Object(config)) = config
            && config
                .get("sourcePriority")
                .is_some_and(|row| row["primarySource"] == gone.name())
        {
            config.remove("sourcePriority");
        }
        self.flow_takes_up(&arn);
        self.choose_source(&arn);
        Ok(json!({"flowArn": arn, "sourceArn": source_arn}))
    }

    /// What is in the stream, once a source sends. The core knows no picture: it says what an
    /// encoder usually sends, and leaves out what only a picture would tell.
    pub(super) fn describe_source_metadata(&mut self, call: &Call<'_>) -> Answer {
        let flow = self.flow(call.param("FlowArn"))?;
        let mut answer = json!({"flowArn": flow.arn, "messages": []});
        let Some(source) = flow.on_air().filter(|_| flow.fed()) else {
            answer["messages"] = json!([{"code": "NoSourceData",
                "message": "The flow receives no data from a source"}]);
            return Ok(answer);
        };
        answer["timestamp"] = json!(super::when::rfc3339(source.sending_since));
        answer["transportMediaInfo"] = json!({"programs": [{
            "pcrPid": 256, "programNumber": 1, "programPid": 4096, "streams": [
                {"pid": 256, "streamType": "Video", "codec": "H.264"},
                {"pid": 257, "streamType": "Audio", "codec": "AAC", "channels": 2, "sampleRate": 48_000},
            ],
        }]});
        Ok(answer)
    }
}

/// Each source has a port of its own (user guide: source ports).
fn check_ports(sources: &[Source]) -> Result<(), ApiError> {
    let ports: Vec<&Value> = sources
        .iter()
        .filter_map(|source| source.request.get("ingestPort"))
        .collect();
    match ports.as_slice() {
        [first, second] if first == second => Err(ApiError::bad(
            "The ingest port is already used by another source",
        )),
        _ => Ok(()),
    }
}
