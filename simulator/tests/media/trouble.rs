//! What happens to a stream when the feed or the platform fails.

use simulator::media::view::{MediaReport, PlatformView};

use crate::{
    URL, resolve,
    server::Server,
    stage::{BACKUP, Feed, PASSPHRASE, SOURCE, Stage, settings},
};

fn lost(report: &MediaReport) -> bool {
    matches!(report, MediaReport::InputLost { .. })
}

fn restored(report: &MediaReport) -> bool {
    matches!(report, MediaReport::InputRestored { .. })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_feed_turns_black_and_comes_back_on_the_same_publication() {
    let server = Server::start().await;
    let mut stage = Stage::start(&resolve(&server)).await;
    let port = stage.port().expect("port");
    let pictures = || server.newest("canary-key-1").pictures().len();

    stage.add(
        "1",
        URL,
        "canary-key-1",
        settings(320, 180, 30, 300_000, 1, 3),
    );
    stage
        .until("black without a feed", || {
            stage.count(lost) == 1 && pictures() > 30
        })
        .await;
    assert!(stage.channel("1").on_slate);
    let feed = Feed::start(port, PASSPHRASE, 32);
    stage
        .until("the feed is on air", || {
            stage.count(restored) == 1 && !stage.channel("1").on_slate
        })
        .await;
    let before = pictures();
    stage
        .until("the feed runs", || pictures() > before + 30)
        .await;
    drop(feed);
    stage
        .until("black again", || {
            stage.count(lost) == 2 && stage.channel("1").on_slate
        })
        .await;
    let _feed = Feed::start(port, PASSPHRASE, 32);
    stage
        .until("the feed is back", || {
            stage.count(restored) == 2 && !stage.channel("1").on_slate
        })
        .await;
    let before = pictures();
    stage
        .until("it runs again", || pictures() > before + 30)
        .await;

    assert_eq!(
        server.recordings("canary-key-1").len(),
        1,
        "one publication all the time"
    );
    let times = server.newest("canary-key-1").pictures();
    assert!(
        times.windows(2).all(|pair| pair[0] < pair[1]),
        "time goes on"
    );
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    println!("no picture for {longest:?} ms at most");
    assert!(longest.is_some_and(|ms| ms < 4000), "{longest:?} ms");
    let holes = times
        .windows(2)
        .filter(|pair| pair[1] - pair[0] > 40)
        .count();
    assert!(holes <= 3, "{holes} holes, one for each change at most");
    assert_eq!(
        stage.count(|r| matches!(r, MediaReport::EncoderFailed { .. })),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_backup_source_takes_over() {
    let server = Server::start().await;
    let mut stage = Stage::start(&resolve(&server)).await;
    stage.add_backup().await;
    stage.add(
        "1",
        URL,
        "canary-key-1",
        settings(320, 180, 30, 300_000, 1, 3),
    );
    let primary = Feed::start(stage.port().expect("port"), PASSPHRASE, 32);
    let pictures = || server.newest("canary-key-1").pictures().len();
    stage
        .until("the primary is on air", || {
            pictures() > 60 && stage.channel("1").input_packets > 100
        })
        .await;
    stage
        .until("without black", || !stage.channel("1").on_slate)
        .await;
    let losses = stage.count(lost);
    let _backup = Feed::start(stage.port_of(BACKUP).expect("port"), PASSPHRASE, 16);
    stage
        .until("both are connected", || {
            stage
                .plane
                .sources()
                .values()
                .all(|source| source.bytes > 50_000)
        })
        .await;
    let encoders = stage.channel("1").encoder_starts;
    drop(primary);
    stage
        .until("a new encoder takes the other clock", || {
            stage.channel("1").encoder_starts > encoders
        })
        .await;
    let before = pictures();
    stage
        .until("the backup is on air", || pictures() > before + 30)
        .await;
    assert_eq!(
        server.recordings("canary-key-1").len(),
        1,
        "one publication all the time"
    );
    assert_eq!(stage.count(lost), losses, "the input was never lost again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_line_is_left_after_half_a_second_and_the_primary_is_taken_back_at_once() {
    let mut stage = Stage::start(&[]).await;
    let flow = stage.view.flows[0].arn.clone();
    stage.add_backup().await;
    let _primary = Feed::start(stage.port().expect("port"), PASSPHRASE, 32);
    let _backup = Feed::start(stage.port_of(BACKUP).expect("port"), PASSPHRASE, 32);
    let source = || stage.plane.flows().remove(&flow).unwrap_or_default();
    let selected = |stage: &Stage, wanted: &str| {
        stage.count(
            |r| matches!(r, MediaReport::SourceSelected { source_arn, .. } if source_arn == wanted),
        )
    };
    let healthy = |stage: &Stage| {
        let sources = stage.plane.sources();
        sources.len() == 2
            && sources
                .values()
                .all(|row| row.connected && row.bits_per_second > 100_000)
    };
    stage
        .until("both sources are healthy", || healthy(&stage))
        .await;
    assert_eq!(source().source, SOURCE);
    let (mut switches, before) = (source().switches, selected(&stage, BACKUP));

    stage.view.flows[0].sources[0].cut = true;
    stage.show();
    stage
        .until("the backup is used", || source().source == BACKUP)
        .await;
    switches += 1;
    let gap = source().last_gap_ms;
    println!("{gap} ms without data");
    assert!((500..3000).contains(&gap), "{gap} ms");
    assert_eq!(source().switches, switches);
    assert_eq!(selected(&stage, BACKUP), before + 1);
    let gone = |r: &MediaReport| matches!(r, MediaReport::SourceDisconnected { source_arn, .. } if source_arn == SOURCE);
    stage
        .until("the cut is told", || stage.count(gone) == 1)
        .await;

    stage.view.flows[0].sources[0].cut = false;
    stage.show();
    stage
        .until("the primary is used", || source().source == SOURCE)
        .await;
    assert!(source().last_gap_ms < 500, "{:?}", source());

    // UpdateFlow names another primary source.
    stage.view.flows[0].primary = Some(BACKUP.to_owned());
    stage.show();
    stage
        .until("the backup is used", || source().source == BACKUP)
        .await;
    assert!(source().last_gap_ms < 500, "{:?}", source());
    assert_eq!(
        stage.count(|r| matches!(r, MediaReport::SourceConnected { .. })),
        3
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publications_are_retried_and_given_up() {
    let server = Server::start().await;
    let mut stage = Stage::start(&resolve(&server)).await;
    let failed = |id: &str, r: &MediaReport| matches!(r, MediaReport::RtmpFailed { channel_id, .. } if channel_id == id);
    let gave_up = |r: &MediaReport| matches!(r, MediaReport::OutputGaveUp { .. });

    stage.add(
        "1",
        URL,
        "canary-key-1",
        settings(320, 180, 30, 300_000, 1, 3),
    );
    stage
        .until("on air", || {
            server.newest("canary-key-1").pictures().len() > 30
        })
        .await;
    server.kick_all();
    stage
        .until("the loss is told", || stage.count(|r| failed("1", r)) == 1)
        .await;
    stage
        .until("a second publication", || {
            server.recordings("canary-key-1").len() == 2
        })
        .await;
    stage
        .until("with pictures", || {
            server.newest("canary-key-1").pictures().len() > 30
        })
        .await;
    let second = server.newest("canary-key-1");
    assert_eq!(second.pictures()[0], 0, "a connection starts at zero");
    assert_eq!(second.0[0].2[1], 0, "and with a header");
    assert_eq!(stage.count(gave_up), 0);

    stage.add(
        "2",
        URL,
        "canary-unwelcome",
        settings(320, 180, 30, 300_000, 1, 1),
    );
    stage
        .until("it gives up", || stage.count(gave_up) == 1)
        .await;
    assert_eq!(
        stage.count(|r| failed("2", r)),
        2,
        "the first try and one more"
    );
    stage.remove("2");
    stage.add(
        "3",
        URL,
        "canary-key-3",
        settings(320, 180, 30, 300_000, 0, 9),
    );
    stage
        .until("on air", || {
            server.newest("canary-key-3").pictures().len() > 10
        })
        .await;
    server.kick_all();
    stage
        .until("a delay of zero means never again", || {
            stage.count(gave_up) == 2
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_picture_becomes_black_and_then_the_color_of_the_settings() {
    let server = Server::start().await;
    let mut stage = Stage::start(&resolve(&server)).await;
    let mut red = settings(320, 180, 30, 300_000, 1, 3);
    red["globalConfiguration"] = serde_json::json!({"inputLossBehavior": {"repeatFrameMsec": 1000,
        "blackFrameMsec": 1000, "inputLossImageType": "COLOR", "inputLossImageColor": "FF0000"}});
    stage.add("1", URL, "canary-key-1", red);
    let feed = Feed::start(stage.port().expect("port"), PASSPHRASE, 32);
    let pictures = || server.newest("canary-key-1").pictures().len();
    stage
        .until("the feed is on air", || {
            stage.channel("1").input_packets > 100
                && !stage.channel("1").on_slate
                && pictures() > 60
        })
        .await;
    drop(feed);
    stage
        .until("the loss is told", || {
            stage.count(lost) >= 1 && stage.channel("1").on_slate
        })
        .await;
    let before = pictures();
    stage
        .until("three seconds of it", || pictures() > before + 90)
        .await;
    let colors = server.newest("canary-key-1").colors();
    let red = |color: &[u8; 3]| color[0] > 180 && color[1] < 60 && color[2] < 60;
    let black = |color: &[u8; 3]| color.iter().all(|part| *part < 30);
    assert!(red(colors.last().expect("pictures")), "{:?}", colors.last());
    // Thirty pictures of black lie before the red ones.
    let first_red = colors.iter().rposition(|color| !red(color)).expect("black");
    let dark = colors[..=first_red]
        .iter()
        .rev()
        .take_while(|color| black(color))
        .count();
    assert!((28..=32).contains(&dark), "{dark} black pictures");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_waits_for_a_picture_and_shows_it() {
    let server = Server::start().await;
    let mut stage = Stage::start(&resolve(&server)).await;
    stage.add(
        "1",
        URL,
        "canary-key-1",
        settings(320, 180, 30, 300_000, 1, 3),
    );
    stage.view.channels[0].waits = true;
    stage.view.thumbnails.insert("1".to_owned());
    stage.show();
    stage
        .until("no picture is told", || stage.count(lost) == 1)
        .await;
    assert!(
        server.recordings("canary-key-1").is_empty(),
        "nothing to send"
    );
    let _feed = Feed::start(stage.port().expect("port"), PASSPHRASE, 32);
    stage
        .until("it publishes", || {
            server.recordings("canary-key-1").len() == 1
                && server.newest("canary-key-1").pictures().len() > 10
        })
        .await;
    let thumbnail = |r: &MediaReport| {
        matches!(r, MediaReport::Thumbnail { channel_id, jpeg }
        if channel_id == "1" && jpeg.starts_with(&[0xff, 0xd8]) && jpeg.len() > 1000)
    };
    stage
        .until("its picture", || stage.count(thumbnail) >= 1)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn platforms_that_fail_on_purpose() {
    let server = Server::start().await;
    let mut stage = Stage::start(&resolve(&server)).await;
    let failed = |why: &'static str| move |r: &MediaReport| matches!(r, MediaReport::RtmpFailed { reason, .. } if reason == why);
    let (refused, closed) = (
        failed("connection refused"),
        failed("the server closed the connection"),
    );
    let set = |stage: &mut Stage, refuses: bool, closes: bool, drops: u64| {
        let platform = PlatformView {
            refuses,
            closes,
            drops,
        };
        stage.view.platforms.insert("1".to_owned(), platform);
        stage.show();
    };
    set(&mut stage, true, false, 0);
    stage.add(
        "1",
        URL,
        "canary-key-1",
        settings(320, 180, 30, 300_000, 1, 99),
    );
    stage
        .until("it is refused twice", || stage.count(refused) >= 2)
        .await;
    assert!(server.recordings("canary-key-1").is_empty());
    set(&mut stage, false, false, 0);
    stage
        .until("it publishes", || {
            server.recordings("canary-key-1").len() == 1
        })
        .await;
    set(&mut stage, false, false, 1);
    stage
        .until("it is dropped and back", || {
            server.recordings("canary-key-1").len() == 2
        })
        .await;
    assert_eq!(stage.count(closed), 1);
    set(&mut stage, false, true, 1);
    stage
        .until("it is closed again and again", || stage.count(closed) >= 3)
        .await;
    set(&mut stage, false, false, 1);
    let publications = server.recordings("canary-key-1").len();
    assert!(publications >= 3, "each time it had been accepted");
}
