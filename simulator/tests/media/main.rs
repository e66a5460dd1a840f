//! The media plane end to end: a stock SRT caller with AES on one side, an RTMP server on the
//! other, real video between. Every port is chosen by the machine.

mod server;
mod stage;
mod trouble;

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use server::{Recording, Server};
use simulator::media::view::MediaReport;
use stage::{Feed, PASSPHRASE, Stage, all_arguments, children, settings};

const URL: &str = "rtmp://live.example.com:1935/app";

fn resolve(server: &Server) -> [String; 1] {
    [format!("live.example.com:1935={}", server.address)]
}

/// Every picture one frame after the other: nothing dropped, nothing doubled.
fn assert_gapless(recording: &Recording, fps: f64) {
    let pictures = recording.pictures();
    for (at, pair) in pictures.windows(2).enumerate() {
        let step = f64::from(pair[1]) - f64::from(pair[0]);
        assert!(
            (step - 1000.0 / fps).abs() <= 1.0,
            "{step} ms after picture {at} of {}",
            pictures.len()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_feed_becomes_independent_streams() {
    let server = Server::start().await;
    let mut stage = Stage::start(&resolve(&server)).await;
    let port = stage.port().expect("port");

    let mut stranger = Feed::start(port, "canary-passphrase-two", 32);
    stage
        .until("the stranger is refused", || {
            stage.plane.sources()[stage::SOURCE].refused > 0
        })
        .await;
    let start = Instant::now();
    while !stranger.has_ended() {
        assert!(
            start.elapsed() < Duration::from_secs(10),
            "the stranger still calls"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        stage.count(|report| matches!(report, MediaReport::SourceConnected { .. })),
        0
    );

    let _feed = Feed::start(port, PASSPHRASE, 32);
    stage
        .until("the feed is connected", || {
            stage.count(|r| matches!(r, MediaReport::SourceConnected { .. })) == 1
        })
        .await;
    stage.add(
        "1",
        URL,
        "canary-key-1",
        settings(640, 360, 30, 800_000, 1, 3),
    );
    stage.add(
        "2",
        URL,
        "canary-key-2",
        settings(426, 240, 15, 400_000, 1, 3),
    );
    let seen = |key: &str, pictures: usize| server.newest(key).pictures().len() >= pictures;
    let added = Instant::now();
    stage
        .until("both are on air", || {
            seen("canary-key-1", 1) && seen("canary-key-2", 1)
        })
        .await;
    println!("both on air after {:?}", added.elapsed());
    stage
        .until("the second has run", || seen("canary-key-2", 60))
        .await;
    stage.remove("2");
    stage.add(
        "3",
        URL,
        "canary-key-3",
        settings(320, 180, 30, 300_000, 1, 3),
    );
    stage
        .until("the third runs", || seen("canary-key-3", 90))
        .await;
    stage
        .until("the first has run", || seen("canary-key-1", 300))
        .await;

    let arguments = all_arguments();
    assert!(
        arguments.contains("ffmpeg") && !arguments.contains("canary-key"),
        "a key is in the arguments"
    );
    assert!(
        !arguments.contains("canary-passphrase"),
        "a passphrase is in the arguments"
    );
    assert!(
        !format!(
            "{:?} {:?} {:?}",
            stage.view,
            stage.plane,
            stage.plane.stats()
        )
        .contains("canary")
    );

    for (key, size, fps, bitrate) in [
        ("canary-key-1", "width=640\nheight=360", 30.0, 800_000.0),
        ("canary-key-2", "width=426\nheight=240", 15.0, 400_000.0),
        ("canary-key-3", "width=320\nheight=180", 30.0, 300_000.0),
    ] {
        assert_eq!(
            server.recordings(key).len(),
            1,
            "{key} was never interrupted"
        );
        let recording = server.newest(key);
        assert_gapless(&recording, fps);
        let groups = recording.groups();
        assert!(
            !groups.is_empty() && groups.iter().all(|size| *size == (2.0 * fps) as usize),
            "{groups:?}"
        );
        let probed = recording.probe();
        for part in [
            "codec_name=h264",
            size,
            "profile=High",
            "codec_name=aac",
            "sample_rate=48000",
            "channels=2",
        ] {
            assert!(probed.contains(part), "{part} of {key}: {probed}");
        }
        assert!(
            probed.contains(&format!("nb_read_frames={}", recording.pictures().len())),
            "{key}: {probed}"
        );
        let ratio = recording.bitrate().map(|measured| measured / bitrate);
        println!(
            "{key}: {} pictures, bitrate {ratio:?} of what was asked",
            recording.pictures().len()
        );
        assert!(
            ratio.is_none_or(|ratio| (0.85..1.15).contains(&ratio)),
            "{key} has {ratio:?} of its bitrate"
        );
    }
    assert!(server.newest("canary-key-1").bitrate().is_some());
    let stats = &stage.plane.stats()["1"];
    assert_eq!(
        (
            stats.rtp_lost,
            stats.input_dropped,
            stats.encoder_starts,
            stats.reconnects
        ),
        (0, 0, 1, 0)
    );
    assert!(
        stats.frames_sent >= 300 && stats.bytes_sent > 0 && stats.connected_since_ms > 0,
        "{stats:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_choose_their_key_length_and_come_one_at_a_time() {
    let stage = Stage::start(&[]).await;
    let port = stage.port().expect("port");
    let came = || stage.count(|r| matches!(r, MediaReport::SourceConnected { .. }));
    let went = || stage.count(|r| matches!(r, MediaReport::SourceDisconnected { .. }));
    for (calls, bytes) in [16, 24, 32].into_iter().enumerate() {
        // The one before died without a word; its place is free after a second of silence.
        let mut feed = Feed::start(port, PASSPHRASE, bytes);
        let start = Instant::now();
        while came() == calls {
            assert!(
                start.elapsed() < Duration::from_secs(15),
                "{bytes} bytes of key are not taken"
            );
            if feed.has_ended() {
                feed = Feed::start(port, PASSPHRASE, bytes);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(went(), calls);
        let before = stage.plane.sources()[stage::SOURCE].bytes;
        stage
            .until("it sends", || {
                stage.plane.sources()[stage::SOURCE].bytes > before + 50_000
            })
            .await;
        let mut second = Feed::start(port, PASSPHRASE, bytes);
        let start = Instant::now();
        while !second.has_ended() {
            assert!(
                start.elapsed() < Duration::from_secs(15),
                "a second caller is not turned away"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Run by the test below in a process of its own: a plane with an encoder and a slate.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helper_that_is_killed() {
    if std::env::var_os("LUNORA_HELPER").is_none() {
        return;
    }
    let server = Server::start().await;
    let mut stage = Stage::start(&resolve(&server)).await;
    stage.add(
        "1",
        URL,
        "canary-key-1",
        settings(320, 180, 30, 300_000, 1, 3),
    );
    let _feed = Feed::start(stage.port().expect("port"), PASSPHRASE, 32);
    stage
        .until("video", || {
            server.newest("canary-key-1").pictures().len() > 10
        })
        .await;
    stage.add(
        "2",
        URL,
        "canary-key-2",
        settings(320, 180, 30, 300_000, 1, 3),
    );
    stage.view.flows[0]
        .outputs
        .retain(|output| output.name == "1");
    stage.show();
    stage.until("black", || stage.channel("2").on_slate).await;
    println!("\nboth run");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn encoders_die_with_the_process() {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "helper_that_is_killed", "--nocapture"])
        .env("LUNORA_HELPER", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("helper");
    let lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let ready = lines.map_while(Result::ok).any(|line| line == "both run");
    let mut encoders = children(child.id());
    encoders.retain(|pid| {
        let arguments = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        arguments.contains("ffmpeg") && arguments.contains("pipe:1")
    });
    child.kill().expect("kill");
    child.wait().expect("wait");
    assert!(
        ready && encoders.len() >= 2,
        "an encoder and a slate ran: {encoders:?}"
    );
    let start = Instant::now();
    while encoders.iter().any(|pid| runs(*pid)) {
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "an encoder outlived its process"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// True while a process runs; one that has ended and waits to be collected does not.
fn runs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z'))
    })
}
