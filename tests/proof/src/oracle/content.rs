//! Correct content: what exists in the cloud is what the record asks for, to the last field, by a
//! table of our own. Checked when something is made or changed, and again at rest.

use serde_json::{Value, json};
use simulator::core::book::{ChannelRow, OutputRow, Thing as Kind, Told};

use super::encoding;
use super::sight::House;
use super::watch::Oracles;
use super::wish::{Configuration, Wish};

/// Where an RTP push input listens (MediaLive user guide, RTP push inputs).
const INPUT_PORT: u64 = 5000;
/// Members of an attachment's input settings that the service fills in by itself.
const FILLED_IN: [&str; 5] = [
    "deblockFilter",
    "denoiseFilter",
    "filterStrength",
    "inputFilter",
    "captionSelectors",
];

impl Oracles {
    /// Content: whatever is made or changed has the documented name, all three tags, the request id
    /// of its incarnation, and the configuration of one of its record's wishes, with a key that its
    /// parameter has or had.
    pub(super) fn made_as_asked(&mut self, house: &dyn House, told: &Told) {
        let Some(id) = told.resource.as_deref() else {
            return;
        };
        let sentence = match told.operation.as_str() {
            "CreateChannel" | "UpdateChannel" => self.channel_is_odd(house, told, id),
            "CreateInput" => self.input_is_odd(house, told, id),
            "AddFlowOutputs" | "UpdateFlowOutput" => self.output_is_odd(house, told),
            _ => None,
        };
        if let Some(sentence) = sentence {
            let whose = self
                .things
                .get(id)
                .and_then(|thing| thing.destination.clone());
            let sentence = format!("{} left it so that {sentence}", told.operation);
            self.broken("content", told.at, whose.as_deref(), sentence);
        }
    }

    fn channel_is_odd(&self, house: &dyn House, told: &Told, id: &str) -> Option<String> {
        let row = house.book().channel(id)?;
        let thing = self.things.get(id)?;
        let Some(destination) = &thing.destination else {
            return Some(format!(
                "name {:?} and tags do not say whose it is",
                row.name()
            ));
        };
        let known = self.destinations.get(destination)?;
        if told.operation == "CreateChannel" {
            let incarnation = thing.incarnation.unwrap_or_default();
            if let Some(sentence) =
                self.made_in_its_incarnation(told, destination, incarnation, "channel")
            {
                return Some(sentence);
            }
        }
        // One of the wishes it ever had: an edit may be under way.
        let mut first = Some("its record never asked for any channel".to_owned());
        for wanted in known.configurations() {
            match self.differs(row, house, destination, wanted, true) {
                None => return None,
                // Of several wishes the newest one's difference is told.
                difference => first = difference,
            }
        }
        first
    }

    fn made_in_its_incarnation(
        &self,
        told: &Told,
        destination: &str,
        incarnation: u64,
        word: &str,
    ) -> Option<String> {
        let wanted = format!("{}-{incarnation}-{word}", self.rules.name(destination));
        if told.request_id.as_deref() != Some(wanted.as_str()) {
            return Some(format!(
                "its request id is {:?} and should be {wanted}",
                told.request_id.as_deref().unwrap_or("missing")
            ));
        }
        None
    }

    /// What a channel has that a configuration does not ask for. `earlier`: a key that the parameter
    /// had earlier is fine.
    fn differs(
        &self,
        row: ChannelRow<'_>,
        house: &dyn House,
        destination: &str,
        wanted: &Configuration,
        earlier: bool,
    ) -> Option<String> {
        let fixed = [
            ("channelClass", json!("SINGLE_PIPELINE")),
            ("logLevel", json!("WARNING")),
            ("roleArn", json!(self.rules.role)),
            (
                "inputSpecification",
                json!({"codec": "AVC", "resolution": "HD", "maximumBitrate": "MAX_10_MBPS"}),
            ),
        ];
        for (member, value) in fixed {
            if let Some(end) = encoding::difference(&value, row.setting(member), &[]) {
                return Some(format!("{member}{end}"));
            }
        }
        let preset = encoding::preset(wanted.preset)?;
        if let Some(end) = encoding::encoder_difference(preset, row.setting("encoderSettings")) {
            return Some(format!("encoderSettings{end} for {}", preset.id));
        }
        if let Some(sentence) = attachment_is_odd(row.setting("inputAttachments")) {
            return Some(sentence);
        }
        let theirs = |input: &str| {
            let thing = self.things.get(input);
            thing.and_then(|thing| thing.destination.as_deref()) == Some(destination)
        };
        if row.inputs().count() != 1 || !row.inputs().all(theirs) {
            return Some("its input is not this destination's".into());
        }
        let destinations: Vec<(&str, &str, u64)> = row.destinations().collect();
        let [(inner, url, key)] = destinations[..] else {
            return Some(format!("it sends to {} places", destinations.len()));
        };
        if inner != "rtmp1" || url != wanted.url {
            return Some(format!(
                "it sends to {url} as {inner} and should to {} as rtmp1",
                wanted.url
            ));
        }
        let now = house.key(&wanted.parameter).map(|key| key.fingerprint);
        let known = self.keys.get(&wanted.parameter);
        // A parameter that is taken away tells nobody, and takes nobody off the air.
        let fine = now == Some(key)
            || (earlier || now.is_none())
                && known.is_some_and(|keys| keys.iter().any(|(_, known)| *known == key));
        (!fine).then(|| "its key is not the parameter's".into())
    }

    fn input_is_odd(&self, house: &dyn House, told: &Told, id: &str) -> Option<String> {
        let row = house.book().input(id)?;
        let thing = self.things.get(id)?;
        let Some(destination) = &thing.destination else {
            return Some(format!(
                "name {:?} and tags do not say whose it is",
                row.name()
            ));
        };
        if row.kind() != "RTP_PUSH" || row.groups() != [self.rules.group.clone()] {
            return Some(format!("it is a {} behind {:?}", row.kind(), row.groups()));
        }
        let incarnation = thing.incarnation.unwrap_or_default();
        self.made_in_its_incarnation(told, destination, incarnation, "input")
    }

    fn output_is_odd(&self, house: &dyn House, told: &Told) -> Option<String> {
        let name = told.name.as_deref()?;
        let flow = house.book().flow(&self.rules.flow)?;
        let row = flow.outputs().find(|row| row.name() == name)?;
        let Some(destination) = self.rules.owner(row.name(), row.tags()) else {
            return Some(format!("name {name:?} and tags do not say whose it is"));
        };
        self.feeds(house, row, &destination)
    }

    /// Whether an output feeds its destination's input.
    fn feeds(&self, house: &dyn House, row: OutputRow<'_>, destination: &str) -> Option<String> {
        let inputs = self.living_of(destination, Kind::Input);
        let mut addresses = inputs
            .filter_map(|(id, _)| house.book().input(id))
            .filter_map(|input| input.addresses().first());
        // A single pipeline reads the first address only (MediaLive user guide, RTP push inputs).
        if !addresses.any(|address| address == row.destination()) {
            return Some(format!(
                "it sends to {}, where no input of its own listens",
                row.destination()
            ));
        }
        if row.port() != INPUT_PORT || row.protocol() != "rtp-fec" {
            return Some(format!(
                "it sends {} to port {}",
                row.protocol(),
                row.port()
            ));
        }
        None
    }

    /// The first way in which what exists differs from what a wish asks for. `earlier`: a key from
    /// before its rotation is fine, as it is for a stream that was on the air then.
    pub(super) fn content_difference(
        &self,
        house: &dyn House,
        id: &str,
        wish: &Wish,
        earlier: bool,
    ) -> Option<String> {
        if wish.configuration.is_err() {
            return Some("its record asks for nothing that can be".into());
        }
        let Some((channel, _)) = self.living_of(id, Kind::Channel).next() else {
            return Some("it has no channel".into());
        };
        let row = house.book().channel(channel)?;
        let url = row.destinations().next().map_or("", |(_, url, _)| url);
        let wanted = self.in_use(id, wish, url)?;
        if let Some(sentence) = self.differs(row, house, id, wanted, earlier) {
            return Some(sentence);
        }
        let Some((input, thing)) = self.living_of(id, Kind::Input).next() else {
            return Some("it has no input".into());
        };
        if !row.inputs().any(|attached| attached == input) || thing.state() != "ATTACHED" {
            return Some(format!(
                "its input {input} is {} and not the channel's",
                thing.state()
            ));
        }
        let name = self.rules.name(id);
        let flow = house.book().flow(&self.rules.flow)?;
        let Some(output) = flow.outputs().find(|row| row.name() == name) else {
            return Some("it has no flow output".into());
        };
        self.feeds(house, output, id)
    }
}

/// One attachment with the constant name and the audio selector that the encoder refers to.
fn attachment_is_odd(found: &Value) -> Option<String> {
    let rows = found.as_array()?;
    let [row] = rows.as_slice() else {
        return Some(format!("it has {} inputs attached", rows.len()));
    };
    let wanted = json!({
        "inputAttachmentName": "flow", "inputId": row["inputId"],
        "inputSettings": {
            "sourceEndBehavior": "CONTINUE",
            "audioSelectors": [{
                "name": "default",
                "selectorSettings": {"audioTrackSelection": {"tracks": [{"track": 1}]}},
            }],
        },
    });
    encoding::difference(&wanted, row, &FILLED_IN).map(|end| format!("inputAttachments[0]{end}"))
}
