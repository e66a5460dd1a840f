//! One ffmpeg: a transport stream (or nothing, for the slate) in, FLV out, both through pipes.
//! It ends with us whatever happens: its input ends and its output breaks when our process is gone,
//! and ffmpeg stops on either. It runs in a process group of its own and with an empty environment
//! (ours holds credentials).

use std::{
    io,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
};

use super::{
    flv::{Parser, Tag},
    recipe::{Recipe, Source},
};

/// Groups of seven packets that may wait for the encoder: 20 MB, some 16 s of a 10 Mb/s feed.
const WAITING: usize = 16 * 1024;

/// A running encoder.
#[derive(Debug)]
pub struct Encoder {
    /// True if it makes the slate.
    pub slate: bool,
    input: Option<mpsc::Sender<Bytes>>,
    tags: mpsc::Receiver<Tag>,
    complaint: Arc<Mutex<String>>,
    // Held so that dropping the encoder kills the process.
    _child: Child,
}

impl Encoder {
    /// Starts ffmpeg.
    ///
    /// # Errors
    /// If the program cannot be started.
    pub fn start(ffmpeg: &Path, recipe: &Recipe, source: Source, speed: &str) -> io::Result<Self> {
        let slate = matches!(source, Source::Fill(_));
        let mut command = Command::new(ffmpeg);
        command
            .args(recipe.arguments(source, speed))
            .env_clear()
            .stdin(if slate { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        for name in ["PATH", "LD_LIBRARY_PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let mut child = command.spawn()?;
        let input = child.stdin.take().map(|stdin| {
            let (sender, receiver) = mpsc::channel(WAITING);
            tokio::spawn(feed(stdin, receiver));
            sender
        });
        let (sender, tags) = mpsc::channel(256);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(read(stdout, sender));
        }
        let complaint = Arc::new(Mutex::new(String::new()));
        if let Some(stderr) = child.stderr.take() {
            let last = complaint.clone();
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    if let Ok(mut last) = last.lock() {
                        *last = line.chars().take(200).collect();
                    }
                }
            });
        }
        Ok(Self {
            slate,
            input,
            tags,
            complaint,
            _child: child,
        })
    }

    /// Hands over a piece of the feed; false if the encoder is too slow to take it.
    pub fn push(&mut self, data: Bytes) -> bool {
        self.input
            .as_ref()
            .is_none_or(|input| input.try_send(data).is_ok())
    }

    /// Ends the input: what the encoder still holds comes out, then the tags end.
    pub fn finish(&mut self) {
        self.input = None;
    }

    /// True if `finish` was called or there never was an input.
    #[must_use]
    pub fn finished(&self) -> bool {
        self.input.is_none() && !self.slate
    }

    /// The next message; None when the encoder is gone.
    pub async fn next(&mut self) -> Option<Tag> {
        self.tags.recv().await
    }

    /// The last thing it complained about.
    #[must_use]
    pub fn complaint(&self) -> String {
        let last = self
            .complaint
            .lock()
            .map(|last| last.clone())
            .unwrap_or_default();
        if last.is_empty() {
            "the encoder ended without a word".to_owned()
        } else {
            last
        }
    }
}

async fn feed(mut stdin: ChildStdin, mut data: mpsc::Receiver<Bytes>) {
    while let Some(piece) = data.recv().await {
        if stdin.write_all(&piece).await.is_err() {
            return;
        }
    }
}

async fn read(mut stdout: ChildStdout, tags: mpsc::Sender<Tag>) {
    let mut parser = Parser::default();
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = stdout.read(&mut buffer).await {
        let Ok(some) = parser.push(&buffer[..length]) else {
            return;
        };
        for tag in some {
            if tags.send(tag).await.is_err() {
                return;
            }
        }
    }
}
