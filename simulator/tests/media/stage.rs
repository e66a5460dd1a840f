//! What the tests share: a plane with one flow, a feed from a stock SRT caller, and views.

use std::{
    io::Write as _,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use simulator::media::{
    ChannelStats, Net, Options, Plane,
    view::{
        ChannelView, FlowView, MediaReport, MediaView, OutputView, RtmpDestination, Secret,
        SourceView,
    },
};
use tokio::{sync::mpsc, time::sleep};

pub const PASSPHRASE: &str = "canary-passphrase-one";
pub const SOURCE: &str = "arn:aws:mediaconnect:us-west-2:123456789012:source:1-a:primary";
pub const BACKUP: &str = "arn:aws:mediaconnect:us-west-2:123456789012:source:1-b:backup";
const SECRET: &str = "arn:aws:secretsmanager:us-west-2:123456789012:secret:srt";

/// A plane that collects its reports.
pub struct Stage {
    pub plane: Plane,
    pub view: MediaView,
    reports: Arc<Mutex<Vec<MediaReport>>>,
}

impl Stage {
    /// Starts a plane with a flow that listens on a free port. `resolve` as for the simulator.
    pub async fn start(resolve: &[String]) -> Self {
        let secrets: simulator::media::Secrets = Arc::new(|arn| {
            Box::pin(async move {
                if arn == SECRET {
                    Ok(Secret::new(PASSPHRASE))
                } else {
                    Err("no such secret".to_owned())
                }
            })
        });
        let (sender, mut receiver) = mpsc::channel(100);
        let mut options = Options::new(Net::new(resolve, None).expect("resolve"), secrets);
        options.speed = "ultrafast".to_owned();
        let plane = Plane::start(options, sender).expect("plane");
        let reports = Arc::new(Mutex::new(Vec::new()));
        let kept = reports.clone();
        tokio::spawn(async move {
            while let Some(report) = receiver.recv().await {
                kept.lock().expect("lock").push(report);
            }
        });
        let flow = FlowView {
            arn: "arn:aws:mediaconnect:us-west-2:123456789012:flow:1-a:lunora".to_owned(),
            active: true,
            sources: vec![SourceView {
                arn: SOURCE.to_owned(),
                name: "primary".to_owned(),
                protocol: "srt-listener".to_owned(),
                port: 0,
                whitelist: Some("203.0.113.0/24".to_owned()),
                passphrase_secret_arn: Some(SECRET.to_owned()),
                min_latency_ms: 200,
                cut: false,
            }],
            primary: Some(SOURCE.to_owned()),
            outputs: Vec::new(),
        };
        let view = MediaView {
            flows: vec![flow],
            ..MediaView::default()
        };
        let stage = Self {
            plane,
            view,
            reports,
        };
        stage.show();
        stage
            .until("the listener is up", || stage.port().is_some())
            .await;
        stage
    }

    pub fn show(&self) {
        self.plane.show(self.view.clone());
    }

    /// Adds a second source and waits until it listens.
    pub async fn add_backup(&mut self) {
        let mut backup = self.view.flows[0].sources[0].clone();
        BACKUP.clone_into(&mut backup.arn);
        "backup".clone_into(&mut backup.name);
        self.view.flows[0].sources.push(backup);
        self.show();
        self.until("both listen", || self.port_of(BACKUP).is_some())
            .await;
    }

    /// Adds an output and a running channel.
    pub fn add(&mut self, id: &str, url: &str, key: &str, settings: Value) {
        let address = format!("198.51.100.{}", self.view.flows[0].outputs.len() + 1);
        self.view.flows[0].outputs.push(OutputView {
            arn: format!("output-{id}"),
            name: id.to_owned(),
            enabled: true,
            destination: address.clone(),
            port: 5000,
            fec: true,
            admitted: true,
        });
        self.view.channels.push(ChannelView {
            id: id.to_owned(),
            run: 1,
            waits: false,
            input_addresses: vec![(address, 5000)],
            encoder_settings: settings,
            destination: RtmpDestination {
                url: url.to_owned(),
                stream_name: Secret::new(key),
            },
            input_settings: Value::Null,
        });
        self.show();
    }

    /// Removes both.
    pub fn remove(&mut self, id: &str) {
        self.view.channels.retain(|channel| channel.id != id);
        self.view.flows[0]
            .outputs
            .retain(|output| output.name != id);
        self.show();
    }

    pub fn port(&self) -> Option<u16> {
        self.port_of(SOURCE)
    }

    pub fn port_of(&self, source: &str) -> Option<u16> {
        self.plane
            .sources()
            .get(source)?
            .listening
            .rsplit_once(':')?
            .1
            .parse()
            .ok()
    }

    /// Counters of a channel; zeros if it does not run.
    pub fn channel(&self, id: &str) -> ChannelStats {
        self.plane.stats().remove(id).unwrap_or_default()
    }

    /// How often something was reported.
    pub fn count(&self, what: impl Fn(&MediaReport) -> bool) -> usize {
        self.reports
            .lock()
            .expect("lock")
            .iter()
            .filter(|report| what(report))
            .count()
    }

    /// Waits for a condition.
    pub async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "{what}: not within 20 s; {:?} {:?} {:?}",
                self.plane.sources(),
                self.plane.stats(),
                self.reports.lock().expect("lock"),
            );
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A stock SRT caller. It ends when dropped.
pub struct Feed(Child);

impl Feed {
    /// 640x360 at 30 fps with a tone; AES with so many bytes of key. The passphrase goes in by standard input.
    pub fn start(port: u16, passphrase: &str, key_bytes: u8) -> Self {
        let line = "-hide_banner -loglevel quiet -nostdin -re -f lavfi -i testsrc2=size=640x360:rate=30 \
            -f lavfi -i sine=sample_rate=48000 -c:v libx264 -preset ultrafast -tune zerolatency -g 30 -b:v 1M \
            -threads 1 -c:a aac -ac 2 -fpre /dev/stdin -f mpegts";
        let mut child = Command::new("ffmpeg")
            .args(line.split_whitespace())
            .arg(format!("srt://127.0.0.1:{port}?mode=caller"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ffmpeg");
        let mut stdin = child.stdin.take().expect("stdin");
        writeln!(stdin, "passphrase={passphrase}\npbkeylen={key_bytes}").expect("passphrase");
        Self(child)
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("feed").is_some()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Encoder settings as CreateChannel has them.
pub fn settings(
    width: u32,
    height: u32,
    rate: u32,
    bitrate: u32,
    restart_delay: u32,
    retries: u32,
) -> Value {
    json!({
        "audioDescriptions": [{"name": "aac", "codecSettings": {"aacSettings": {
            "bitrate": 96000, "codingMode": "CODING_MODE_2_0", "sampleRate": 48000}}}],
        "videoDescriptions": [{"name": "video", "width": width, "height": height,
            "codecSettings": {"h264Settings": {
                "rateControlMode": "CBR", "bitrate": bitrate, "bufSize": bitrate * 2,
                "framerateControl": "SPECIFIED", "framerateNumerator": rate, "framerateDenominator": 1,
                "gopSize": 2, "gopSizeUnits": "SECONDS", "gopClosedCadence": 1, "gopNumBFrames": 2,
                "profile": "HIGH", "sceneChangeDetect": "DISABLED"}}}],
        "outputGroups": [{
            "outputGroupSettings": {"rtmpGroupSettings": {
                "cacheLength": 30, "cacheFullBehavior": "DISCONNECT_IMMEDIATELY",
                "restartDelay": restart_delay, "inputLossAction": "EMIT_OUTPUT"}},
            "outputs": [{"outputSettings": {"rtmpOutputSettings": {
                "certificateMode": "VERIFY_AUTHENTICITY", "connectionRetryInterval": 1, "numRetries": retries}}}],
        }],
        "timecodeConfig": {"source": "SYSTEMCLOCK"},
    })
}

/// The arguments of every process on the machine.
pub fn all_arguments() -> String {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let arguments = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    arguments
        .map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " ") + "\n")
        .collect()
}

/// Children of a process.
pub fn children(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let after_name = stat.rsplit_once(") ")?.1;
            (after_name.split(' ').nth(1)? == parent.to_string()).then_some(pid)
        })
        .collect()
}
