//! A platform in the test's own process: an RTMP server that keeps every message it is sent.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::SocketAddr,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use rml_rtmp::{
    handshake::{Handshake, HandshakeProcessResult, PeerType},
    sessions::{ServerSession, ServerSessionConfig, ServerSessionEvent, ServerSessionResult},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// One message: FLV tag type, milliseconds, body.
pub type Message = (u8, u32, Bytes);

/// What one publication sent.
#[derive(Clone, Debug, Default)]
pub struct Recording(pub Vec<Message>);

impl Recording {
    /// Times of all pictures.
    pub fn pictures(&self) -> Vec<u32> {
        self.0
            .iter()
            .filter(|(kind, _, data)| *kind == 9 && data[1] == 1)
            .map(|(_, time, _)| *time)
            .collect()
    }

    /// How many pictures lie between one key frame and the next.
    pub fn groups(&self) -> Vec<usize> {
        let pictures = self
            .0
            .iter()
            .filter(|(kind, _, data)| *kind == 9 && data[1] == 1);
        let keys: Vec<usize> = pictures
            .enumerate()
            .filter(|(_, (_, _, data))| data[0] >> 4 == 1)
            .map(|(at, _)| at)
            .collect();
        keys.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    /// Video bits per second between the second key frame and the last: the first group may use up
    /// what the rate buffer starts with. None if that is less than four seconds.
    pub fn bitrate(&self) -> Option<f64> {
        let video: Vec<_> = self
            .0
            .iter()
            .filter(|(kind, _, data)| *kind == 9 && data[1] == 1)
            .collect();
        let keys: Vec<usize> = (0..video.len())
            .filter(|at| video[*at].2[0] >> 4 == 1)
            .collect();
        let (first, last) = (*keys.get(1)?, *keys.last()?);
        let seconds = f64::from(video[last].1 - video[first].1) / 1000.0;
        let bytes: usize = video[first..last]
            .iter()
            .map(|(_, _, data)| data.len())
            .sum();
        (seconds >= 4.0).then(|| bytes as f64 * 8.0 / seconds)
    }

    /// As a file.
    fn flv(&self) -> Vec<u8> {
        let mut flv = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
        for (kind, time, data) in &self.0 {
            flv.push(*kind);
            flv.extend(&(data.len() as u32).to_be_bytes()[1..]);
            flv.extend(&time.to_be_bytes()[1..]);
            flv.extend([(time >> 24) as u8, 0, 0, 0]);
            flv.extend(&data[..]);
            flv.extend((11 + data.len() as u32).to_be_bytes());
        }
        flv
    }

    /// The mean colour of each picture, red, green and blue.
    pub fn colors(&self) -> Vec<[u8; 3]> {
        let line = "-v error -f flv -i pipe:0 -vf scale=1:1:flags=area -fps_mode passthrough -f rawvideo -pix_fmt rgb24 pipe:1";
        let bytes = feed("ffmpeg", line, self.flv());
        bytes
            .chunks_exact(3)
            .map(|pixel| [pixel[0], pixel[1], pixel[2]])
            .collect()
    }

    /// What ffprobe says about it, as lines `key=value`.
    pub fn probe(&self) -> String {
        let line = "-v error -count_frames -show_streams -f flv pipe:0";
        String::from_utf8_lossy(&feed("ffprobe", line, self.flv())).into_owned()
    }
}

/// Gives a program something to read and takes what it writes.
fn feed(program: &str, line: &str, input: Vec<u8>) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect(program);
    let mut stdin = child.stdin.take().expect("stdin");
    let writing = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect(program);
    let _ = writing.join();
    output.stdout
}

type Recordings = Arc<Mutex<BTreeMap<String, Vec<Recording>>>>;

/// The server.
pub struct Server {
    pub address: SocketAddr,
    recordings: Recordings,
    kick: watch::Sender<u32>,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let recordings = Recordings::default();
        let (kick, kicked) = watch::channel(0);
        let kept = recordings.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, mut kicked) = (kept.clone(), kicked.clone());
                kicked.mark_unchanged();
                tokio::spawn(async move {
                    tokio::select! {
                        _ = serve(stream, kept) => {}
                        _ = kicked.changed() => {}
                    }
                });
            }
        });
        Self {
            address,
            recordings,
            kick,
        }
    }

    /// Closes every connection.
    pub fn kick_all(&self) {
        self.kick.send_modify(|count| *count += 1);
    }

    /// All publications with a key, in order.
    pub fn recordings(&self, key: &str) -> Vec<Recording> {
        self.recordings
            .lock()
            .expect("lock")
            .get(key)
            .cloned()
            .unwrap_or_default()
    }

    /// The newest publication with a key.
    pub fn newest(&self, key: &str) -> Recording {
        self.recordings(key).pop().unwrap_or_default()
    }
}

async fn serve(mut stream: TcpStream, kept: Recordings) -> Option<()> {
    let mut handshake = Handshake::new(PeerType::Server);
    let mut buffer = vec![0; 64 * 1024];
    stream
        .write_all(&handshake.generate_outbound_p0_and_p1().ok()?)
        .await
        .ok()?;
    let mut early = loop {
        let length = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|length| *length > 0)?;
        match handshake.process_bytes(&buffer[..length]).ok()? {
            HandshakeProcessResult::InProgress { response_bytes } => {
                stream.write_all(&response_bytes).await.ok()?
            }
            HandshakeProcessResult::Completed {
                response_bytes,
                remaining_bytes,
            } => {
                stream.write_all(&response_bytes).await.ok()?;
                break remaining_bytes;
            }
        }
    };
    let (mut session, mut results) = ServerSession::new(ServerSessionConfig::new()).ok()?;
    results.extend(session.handle_input(&early).ok()?);
    loop {
        for result in std::mem::take(&mut results) {
            match result {
                ServerSessionResult::OutboundResponse(packet) => {
                    stream.write_all(&packet.bytes).await.ok()?
                }
                ServerSessionResult::RaisedEvent(event) => {
                    results.extend(take(&mut session, event, &kept)?);
                }
                ServerSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
        if results.is_empty() {
            let length = stream
                .read(&mut buffer)
                .await
                .ok()
                .filter(|length| *length > 0)?;
            early.clear();
            results = session.handle_input(&buffer[..length]).ok()?;
        }
    }
}

fn take(
    session: &mut ServerSession,
    event: ServerSessionEvent,
    kept: &Recordings,
) -> Option<Vec<ServerSessionResult>> {
    let note = |key: String, message: Message| {
        if let Some(recording) = kept
            .lock()
            .expect("lock")
            .get_mut(&key)
            .and_then(|all| all.last_mut())
        {
            recording.0.push(message);
        }
    };
    match event {
        ServerSessionEvent::ConnectionRequested { request_id, .. } => {
            session.accept_request(request_id).ok()
        }
        ServerSessionEvent::PublishStreamRequested {
            request_id,
            stream_key,
            ..
        } => {
            if stream_key.contains("unwelcome") {
                return None;
            }
            kept.lock()
                .expect("lock")
                .entry(stream_key)
                .or_default()
                .push(Recording::default());
            session.accept_request(request_id).ok()
        }
        ServerSessionEvent::VideoDataReceived {
            stream_key,
            data,
            timestamp,
            ..
        } => {
            note(stream_key, (9, timestamp.value, data));
            Some(Vec::new())
        }
        ServerSessionEvent::AudioDataReceived {
            stream_key,
            data,
            timestamp,
            ..
        } => {
            note(stream_key, (8, timestamp.value, data));
            Some(Vec::new())
        }
        _ => Some(Vec::new()),
    }
}
