//! What goes over the wire to the media services and to Parameter Store.

mod wired;

use cloud::{
    Error, Timestamp, executions, inputs, measurements, media_connect,
    media_live::{self, ChannelBody},
    pace::{self, Granted},
    parameters,
    settings::Settings,
};
use domain::{
    flow::{Measured, SourceLook},
    ledger,
    look::ChannelState,
    pace::Need,
    problem::Code,
    record,
};
use serde_json::{Value, json};
use wired::{block_on, settings, wire};

fn configuration() -> record::Configuration {
    let item: record::Item = serde_json::from_value(json!({
        "destination_id": "youtube-main", "platform": "youtube", "preset_id": "1080p30",
        "rtmp_url": "rtmps://a.rtmps.youtube.com:443/live2",
        "stream_key_param": "/lunora-player/streaming/youtube-main",
    }))
    .unwrap();
    record::read(&item, "/lunora-player/streaming")
        .configuration
        .unwrap()
}

fn secure(key: &str) -> Value {
    json!({"Parameter": {"Name": "/lunora-player/streaming/youtube-main", "Type": "SecureString", "Value": key, "Version": 3}})
}

#[test]
fn the_channel_body_is_the_one_whose_shape_was_checked_against_the_model() {
    let channel = json!({"channel": {"id": "7654321", "state": "CREATING",
        "destinations": [{"id": "rtmp1", "settings": [{"streamName": "canary-key-0001"}]}]}});
    let (wire, clients) = wire(&[(200, "", secure("canary-key-0001\n")), (201, "", channel)]);
    let made = block_on(async {
        let (key, version) =
            parameters::read(&clients, "/lunora-player/streaming/youtube-main").await?;
        assert_eq!(version, 3);
        let configuration = configuration();
        let body = ChannelBody {
            configuration: &configuration,
            input_id: "1234567",
            key: &key,
        };
        media_live::create_channel(&clients, &settings(), "youtube-main", 1, &body)
            .await
            .map_err(Error::from)
    })
    .unwrap();
    assert_eq!(
        (made.id.as_str(), made.state),
        ("7654321", ChannelState::Creating)
    );
    let requests = wire.requests.lock().unwrap();
    let wanted: Value = serde_json::from_str(include_str!("create-channel.json")).unwrap();
    assert!(requests[1].0.ends_with("/prod/channels"));
    assert_eq!(requests[1].1, wanted);
}

#[test]
fn a_key_that_is_none_is_told_by_its_parameter_and_never_quoted() {
    for key in ["", "  ", "canary key", "canary\tkey"] {
        let (_, clients) = wire(&[(200, "", secure(key))]);
        let error = block_on(parameters::read(&clients, "/lunora-player/streaming/x"))
            .err()
            .unwrap();
        assert!(
            matches!(&error, Error::Permanent(problem) if problem.code == Code::ParameterEmpty)
        );
        assert!(!error.to_string().contains("canary"));
    }
}

#[test]
fn every_answer_of_aws_becomes_one_of_four_names() {
    let echo = json!({"message": "Invalid streamName canary-key-0001",
        "validationErrors": [{"elementPath": "destinations[0].settings[0].url", "errorMessage": "canary-key-0001"}]});
    let plain = json!({"message": "canary-key-0001"});
    let quota = json!({"message": "You have reached the maximum number of inputs: quota 5"});
    let role = json!({"message": "Please make sure the role exists and medialive.amazonaws.com is a trusted service"});
    for (status, kind, answer, name) in [
        (422, "UnprocessableEntityException", &echo, "Permanent"),
        (400, "BadRequestException", &plain, "Permanent"),
        (403, "ForbiddenException", &plain, "Permanent"),
        (403, "ForbiddenException", &quota, "Full"),
        (400, "BadRequestException", &quota, "Full"),
        (400, "BadRequestException", &role, "Transient"),
        (409, "ConflictException", &plain, "Transient"),
        (429, "TooManyRequestsException", &plain, "Transient"),
        (500, "InternalServerErrorException", &plain, "Transient"),
        (502, "BadGatewayException", &plain, "Transient"),
        (504, "GatewayTimeoutException", &plain, "Transient"),
    ] {
        let (_, clients) = wire(&[
            (200, "", secure("canary-key-0001")),
            (status, kind, answer.clone()),
        ]);
        let error = block_on(async {
            let (key, _) = parameters::read(&clients, "/lunora-player/streaming/x").await?;
            let configuration = configuration();
            let body = ChannelBody {
                configuration: &configuration,
                input_id: "1234567",
                key: &key,
            };
            media_live::create_channel(&clients, &settings(), "youtube-main", 1, &body)
                .await
                .map_err(Error::from)
        })
        .unwrap_err();
        assert_eq!(error.name(), name, "{status} {kind}");
        assert!(!error.to_string().contains("canary"), "{error}");
        if status == 422 {
            assert!(
                error
                    .to_string()
                    .contains("destinations[0].settings[0].url")
            );
        }
    }
}

#[test]
fn a_flow_output_over_its_quota_is_full_and_not_refused() {
    let (wire, clients) = wire(&[(
        420,
        "AddFlowOutputs420Exception",
        json!({"message": "no more"}),
    )]);
    let error = block_on(media_connect::add_flow_output(
        &clients,
        &settings(),
        "youtube-main",
        1,
        "198.51.100.10",
        true,
    ))
    .unwrap_err();
    assert_eq!(Error::from(error).name(), "Full");
    let body = &wire.requests.lock().unwrap()[0].1["outputs"][0];
    assert_eq!(body["protocol"], "rtp-fec");
    assert_eq!(body["outputStatus"], "ENABLED");
    assert_eq!(body["name"], "lunora-demo-youtube-main");
    assert_eq!(body["outputTags"]["lunora:incarnation"], "1");
}

#[test]
fn what_our_role_may_not_do_is_said_so_and_is_no_conflict() {
    for (status, kind) in [
        (403, "AccessDeniedException"),
        (403, "ForbiddenException"),
        (400, "AccessDeniedException"),
    ] {
        let (_, clients) = wire(&[(status, kind, json!({"message": "User is not authorized"}))]);
        let error = block_on(media_live::start_channel(&clients, "1")).unwrap_err();
        assert!(
            error.is_denied() && !error.may_be_conflict(),
            "{status} {kind}"
        );
        let Error::Permanent(problem) = Error::from(error) else {
            panic!("{status} {kind} is not permanent");
        };
        assert_eq!(problem.code, Code::MissingPermission);
        assert!(
            problem.message.contains("StartChannel"),
            "{}",
            problem.message
        );
    }
}

#[test]
fn an_execution_that_nobody_knows_is_gone_after_ten_minutes() {
    let unknown = || (400, "ExecutionDoesNotExist", json!({}));
    let gone = |answer, since: Option<i64>| {
        let (_, clients) = wire(&[answer]);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let since = since.map(|seconds| ledger::after(now, -seconds));
        block_on(executions::is_gone(&clients, "arn", since, now)).unwrap()
    };
    assert!(!gone(unknown(), Some(590)), "it may have just begun");
    assert!(gone(unknown(), Some(610)), "its state machine was deleted");
    assert!(gone(unknown(), None));
    for (status, is_gone) in [
        ("RUNNING", false),
        ("PENDING_REDRIVE", false),
        ("SUCCEEDED", true),
        ("ABORTED", true),
    ] {
        let answer = json!({"executionArn": "arn", "stateMachineArn": "arn", "startDate": 0, "status": status});
        assert_eq!(gone((200, "", answer), Some(5)), is_gone, "{status}");
    }
}

#[test]
fn the_input_is_billed_in_the_class_of_its_bit_rate() {
    for (bitrate, class) in [
        (10_000_000, "MAX_10_MBPS"),
        (10_000_001, "MAX_20_MBPS"),
        (20_000_000, "MAX_20_MBPS"),
        (20_000_001, "MAX_50_MBPS"),
    ] {
        let answer = json!({"channel": {"id": "7654321", "state": "CREATING"}});
        let (wire, clients) = wire(&[(200, "", secure("canary-key-0001")), (201, "", answer)]);
        let settings = Settings {
            feed_bitrate: bitrate,
            ..settings()
        };
        let configuration = configuration();
        block_on(async {
            let (key, _) = parameters::read(&clients, "/lunora-player/streaming/x")
                .await
                .unwrap();
            let body = ChannelBody {
                configuration: &configuration,
                input_id: "1234567",
                key: &key,
            };
            media_live::create_channel(&clients, &settings, "youtube-main", 1, &body).await
        })
        .unwrap();
        let requests = wire.requests.lock().unwrap();
        assert_eq!(requests[1].1["inputSpecification"]["maximumBitrate"], class);
    }
}

#[test]
fn gone_is_gone_and_an_unreadable_parameter_is_no_missing_one() {
    let gone = (404, "NotFoundException", json!({"message": "x"}));
    let (_, clients) = wire(std::slice::from_ref(&gone));
    assert!(
        block_on(media_live::describe_channel(&clients, "1"))
            .unwrap()
            .is_none()
    );
    let (_, clients) = wire(&[gone]);
    assert!(block_on(inputs::delete(&clients, "1")).is_ok());
    for (kind, wanted) in [
        ("ParameterNotFound", domain::look::KeyLook::Missing),
        ("AccessDeniedException", domain::look::KeyLook::Unreadable),
    ] {
        let (_, clients) = wire(&[(400, kind, json!({"message": "x"}))]);
        assert_eq!(
            block_on(parameters::look(&clients, "/lunora-player/streaming/x")).unwrap(),
            wanted
        );
    }
}

/// A condition that does not hold, with the row that shows why.
fn busy(row: Value) -> (u16, &'static str, Value) {
    let answer = json!({"message": "The conditional request failed", "Item": row});
    (400, "ConditionalCheckFailedException", answer)
}

#[test]
fn a_quiet_line_is_one_write_and_a_busy_one_is_waited_for() {
    let now = cloud::Timestamp::from_millisecond(1_800_000_000_000).unwrap();
    let make = Need {
        media_live: 2,
        media_connect: 1,
        unmakes: false,
    };
    let (asked, clients) = wire(&[(200, "", json!({}))]);
    let granted = block_on(pace::take(&clients, &settings(), make, now)).unwrap();
    assert_eq!(granted, Granted::Now);
    let body = asked.requests.lock().unwrap()[0].1.clone();
    assert_eq!(body["Key"]["destination_id"]["S"], "pace#main");
    let update = body["UpdateExpression"].as_str().unwrap();
    assert!(
        update.starts_with("SET ") && update.matches(", ").count() == 2,
        "{update}"
    );

    // A minute of MediaConnect's line is taken: MediaLive's places are taken when that turn comes.
    let (asked, clients) = wire(&[
        busy(json!({"mediaconnect": {"N": "1800000060000"}})),
        (
            200,
            "",
            json!({"Attributes": {"mediaconnect": {"N": "1800000060227"}}}),
        ),
    ]);
    let granted = block_on(pace::take(&clients, &settings(), make, now)).unwrap();
    let Granted::Later(at, owed) = granted else {
        panic!("{granted:?}");
    };
    assert_eq!(at.as_millisecond(), 1_800_000_060_227 - 22 * 227);
    assert_eq!((owed.media_live, owed.media_connect), (2, 0));
    let body = asked.requests.lock().unwrap()[1].1.clone();
    assert!(body["UpdateExpression"].as_str().unwrap().contains("ADD "));

    // A stop takes the line beside it.
    let stop = Need {
        media_live: 2,
        media_connect: 0,
        unmakes: true,
    };
    let (asked, clients) = wire(&[
        busy(json!({"medialive": {"N": "1800000600000"}})),
        busy(json!({"medialive": {"N": "1800000600000"}})),
        (200, "", json!({})),
    ]);
    let granted = block_on(pace::take(&clients, &settings(), stop, now)).unwrap();
    assert_eq!(granted, Granted::Now);
    let names = asked.requests.lock().unwrap()[2].1["ExpressionAttributeNames"].to_string();
    assert!(names.contains("medialive_unmaking"), "{names}");
}

/// The one request that no client of a service makes.
#[test]
fn numbers_are_asked_for_in_one_signed_request_and_their_absence_is_no_error() {
    let answer = json!({"MetricDataResults": [
        {"Id": "bitrate0", "StatusCode": "Complete", "Timestamps": [1_800_000_000.0], "Values": [8e6]},
        {"Id": "loss0", "StatusCode": "Complete", "Timestamps": [1_800_000_000.0], "Values": [0.5]},
        {"Id": "trip0", "StatusCode": "Complete", "Timestamps": [], "Values": []},
    ], "Messages": []});
    let (wire, clients) = wire(&[
        (200, "", answer),
        (
            400,
            "AccessDeniedException",
            json!({"__type": "AccessDeniedException"}),
        ),
        (500, "InternalServiceFault", json!("this is not an answer")),
    ]);
    let sources = [SourceLook {
        name: "primary".into(),
        arn: "arn:aws:mediaconnect:us-west-2:123456789012:source:1-a-b:primary".into(),
        has_peer: true,
    }];
    let now = cloud::Timestamp::from_second(1_800_000_047).unwrap();
    let ask = || block_on(measurements::measure(&clients, &sources, now));
    let measured = ask();
    assert_eq!(measured["primary"].bitrate, Some(8e6));
    assert_eq!(measured["primary"].packet_loss_percent, Some(0.5));
    assert_eq!(measured["primary"].round_trip_ms, None);
    assert_eq!([ask(), ask()], [Measured::new(), Measured::new()]);
    let requests = wire.requests.lock().unwrap();
    assert_eq!(
        requests[0].0,
        "POST https://monitoring.us-west-2.amazonaws.com/"
    );
    assert_eq!(
        requests[0].1["MetricDataQueries"].as_array().unwrap().len(),
        3
    );
    let signature = &wire.signatures.lock().unwrap()[0];
    for part in [
        "/us-west-2/monitoring/aws4_request",
        "content-type;host;x-amz-date;x-amz-target",
    ] {
        assert!(signature.contains(part), "{signature}");
    }
}

fn stored(version: i64, changed: f64, value: &str) -> (u16, &'static str, Value) {
    let parameter = json!({"Name": "/lunora-player/streaming/a", "Type": "SecureString", "Value": value,
        "Version": version, "LastModifiedDate": changed});
    (200, "", json!({ "Parameter": parameter }))
}

/// Parameter Store counts from 1 again where a parameter was deleted and made anew.
#[test]
fn a_key_that_was_deleted_and_put_again_is_another() {
    let (_, clients) = wire(&[
        stored(1, 1_795_287_600.125, "sealed"),
        stored(1, 1_795_287_900.25, "sealed"),
        stored(2, 1_795_287_900.25, "sealed"),
        stored(1, 1_795_287_600.125, "canary-key"),
    ]);
    let look = || block_on(parameters::look(&clients, "/lunora-player/streaming/a")).unwrap();
    let seen = [look(), look(), look()].map(|look| format!("{look:?}"));
    assert!(seen[0] != seen[1] && seen[1] != seen[2], "{seen:?}");
    let read = block_on(parameters::read(&clients, "/lunora-player/streaming/a"));
    let (_, version) = read.map_err(|error| error.to_string()).unwrap();
    assert_eq!(
        format!("Version({version})"),
        seen[0],
        "read is what was seen"
    );
}
