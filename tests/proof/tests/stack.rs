//! What a stack is told when it is deployed reaches whoever decides by it, in its unit.

use domain::{caps::Limits, cost::Money};
use proof::{deployed::Deployed, roles::Deployment};
use serde_json::{Value, json};

/// Parameters of the template, each with a value of its own.
const TOLD: [(&str, &str); 10] = [
    ("EncoderCidr", "203.0.113.1/32"),
    ("BackupEncoderCidr", "203.0.113.2/32"),
    ("FeedBitrate", "20000000"),
    ("GraceSeconds", "901"),
    ("FlowGraceSeconds", "902"),
    ("NoInputMinutesMax", "7"),
    ("SessionHoursMax", "3"),
    ("BudgetUsdPerDay", "11"),
    ("BudgetUsdPerMonth", "23.5"),
    ("ParameterStorePrefix", "/other/keys"),
];

fn told() -> Value {
    let mut template = house::template::load();
    for (name, value) in TOLD {
        template["Parameters"][name]["Default"] = json!(value);
    }
    template
}

#[test]
fn every_worker_is_told_the_same_and_in_its_unit() {
    let template = told();
    let story = house::house::read("statemachines/reconcile.asl.json");
    let deployed = Deployed::read(&template, &story).unwrap();
    for worker in ["plan", "sweep", "dispatch", "create-channel"] {
        let settings = deployed.settings(worker);
        let limits = Limits {
            no_input_seconds: Some(7 * 60),
            session_seconds: Some(3 * 3600),
            usd_per_day: Some(Money(11_000_000)),
            usd_per_month: Some(Money(23_500_000)),
        };
        assert_eq!(settings.limits, limits, "{worker}");
        assert_eq!(settings.feed_bitrate, 20_000_000, "{worker}");
        assert_eq!(settings.grace_seconds, 901, "{worker}");
        assert_eq!(settings.flow_grace_seconds, 902, "{worker}");
        assert_eq!(settings.parameter_store_prefix, "/other/keys", "{worker}");
    }
}

#[test]
fn each_source_lets_its_own_encoder_in() {
    let template = told();
    let stack = Deployment::new(template.clone());
    let resources = &template["Resources"];
    let first = &resources["Flow"]["Properties"]["Source"]["WhitelistCidr"];
    let second = &resources["FlowBackup"]["Properties"]["WhitelistCidr"];
    assert_eq!(stack.text(first), "203.0.113.1/32");
    assert_eq!(stack.text(second), "203.0.113.2/32");
}
