//! CloudWatch, as far as it is asked: the newest minute of the metrics that the simulated account
//! publishes. They are there from the first whole minute on, and a minute late.

use super::{World, perform::Told};
use serde_json::{Value, json};

const MINUTE_MS: u64 = 60_000;

impl World {
    pub(super) fn metrics_call(&self, body: &Value) -> Told {
        let published = self.core.metrics();
        let minute = (self.now / MINUTE_MS - 1) * 60;
        let queries = body["MetricDataQueries"].as_array().into_iter().flatten();
        let results: Vec<Value> = queries
            .map(|query| {
                let metric = &query["MetricStat"]["Metric"];
                let found = published.iter().find(|point| {
                    metric["MetricName"] == point.name
                        && metric["Dimensions"]
                            == json!([{"Name": "SourceARN", "Value": point.source_arn}])
                });
                let (times, values) = match found {
                    Some(point) => (vec![minute], vec![point.value]),
                    None => (Vec::new(), Vec::new()),
                };
                json!({"Id": query["Id"], "Label": metric["MetricName"], "StatusCode": "Complete",
                    "Timestamps": times, "Values": values})
            })
            .collect();
        let answer = json!({"MetricDataResults": results, "Messages": []});
        (200, None, answer.to_string())
    }
}
