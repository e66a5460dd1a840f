//! A small picture of what a channel receives, for DescribeThumbnails: made from the newest key frame,
//! only while somebody asks, every two seconds as MediaLive does (user guide: thumbnails).

use std::{path::PathBuf, process::Stdio, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

/// Between one thumbnail and the next.
pub const CADENCE: Duration = Duration::from_secs(2);
/// What decoding one picture may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// Decodes one picture; none if there is none in it.
pub async fn jpeg(ffmpeg: PathBuf, stream: Bytes) -> Option<Vec<u8>> {
    let line = "-hide_banner -loglevel quiet -threads 1 -probesize 200000 -analyzeduration 100000 -f mpegts -i pipe:0 -frames:v 1 \
        -vf scale=320:-2 -q:v 6 -f mjpeg pipe:1";
    let mut command = Command::new(ffmpeg);
    command
        .args(line.split_whitespace())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    for name in ["PATH", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let mut stdout = child.stdout.take()?;
    let work = async {
        let give = async {
            let _ = stdin.write_all(&stream).await;
            drop(stdin);
        };
        let mut picture = Vec::new();
        let (_, taken) = tokio::join!(give, stdout.read_to_end(&mut picture));
        taken.ok()?;
        picture.starts_with(&[0xff, 0xd8]).then_some(picture)
    };
    timeout(PATIENCE, work).await.ok().flatten()
}
