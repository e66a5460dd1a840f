//! One RTMP publication: the handshake, `connect`, `publish`, and messages out.
//! No text from here ever holds the stream name: reasons are made of fixed words, error kinds and
//! status codes.

use std::{io, time::Duration};

use rml_rtmp::{
    handshake::{Handshake, HandshakeProcessResult, PeerType},
    sessions::{
        ClientSession, ClientSessionConfig, ClientSessionEvent, ClientSessionResult,
        PublishRequestType, StreamMetadata,
    },
    time::RtmpTimestamp,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::{
    flv::{Kind, Tag},
    net::{Net, Wire, host_and_port},
    view::{RtmpDestination, Secret},
};

/// How long a platform may take to accept a publication.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where to publish, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    tls: bool,
    host: String,
    port: u16,
    application: String,
    tc_url: String,
    stream_name: Secret,
}

impl Target {
    /// Takes a destination of CreateChannel apart.
    ///
    /// # Errors
    /// A sentence without the address if it is not RTMP.
    pub fn new(destination: &RtmpDestination) -> Result<Self, String> {
        let wrong = || "the destination is not rtmp://host/application".to_owned();
        let (scheme, rest) = destination.url.split_once("://").ok_or_else(wrong)?;
        let (tls, usual) = match scheme.to_ascii_lowercase().as_str() {
            "rtmp" => (false, 1935),
            "rtmps" => (true, 443),
            _ => return Err(wrong()),
        };
        let (authority, application) = rest.split_once('/').ok_or_else(wrong)?;
        let application = application.trim_matches('/').to_owned();
        let (host, port) = host_and_port(authority)
            .or_else(|| host_and_port(&format!("{authority}:{usual}")))
            .ok_or_else(wrong)?;
        if application.is_empty() {
            return Err(wrong());
        }
        Ok(Self {
            tls,
            tc_url: format!(
                "{}://{authority}/{application}",
                scheme.to_ascii_lowercase()
            ),
            host,
            port,
            application,
            stream_name: destination.stream_name.clone(),
        })
    }
}

/// An accepted publication.
pub struct Connection {
    wire: Box<dyn Wire>,
    session: ClientSession,
    out: Vec<u8>,
    input: Vec<u8>,
    /// Bytes written so far.
    pub bytes: u64,
}

impl Connection {
    /// Connects and publishes. `verify` is certificateMode VERIFY_AUTHENTICITY.
    ///
    /// # Errors
    /// A short reason without the stream name.
    pub async fn open(net: &Net, target: &Target, verify: bool) -> Result<Self, String> {
        timeout(PATIENCE, Self::publish(net, target, verify))
            .await
            .unwrap_or_else(|_| Err("the server did not answer in 10 s".to_owned()))
    }

    async fn publish(net: &Net, target: &Target, verify: bool) -> Result<Self, String> {
        let mut wire = net
            .connect(&target.host, target.port, target.tls.then_some(verify))
            .await
            .map_err(|error| why(&error))?;
        let early = shake_hands(&mut wire).await?;
        let mut config = ClientSessionConfig::new();
        config.tc_url = Some(target.tc_url.clone());
        config.flash_version = "FMLE/3.0 (compatible; Lunora)".to_owned();
        let (mut session, results) = ClientSession::new(config).map_err(|_| protocol())?;
        let request = session
            .request_connection(target.application.clone())
            .map_err(|_| protocol())?;
        let mut this = Self {
            wire,
            session,
            out: Vec::new(),
            input: vec![0; 16 * 1024],
            bytes: 0,
        };
        this.take(results)?;
        this.take(vec![request])?;
        let mut events = this.digest(&early)?;
        loop {
            for event in events {
                match event {
                    ClientSessionEvent::ConnectionRequestAccepted => {
                        let name = target.stream_name.expose().to_owned();
                        let request = this
                            .session
                            .request_publishing(name, PublishRequestType::Live)
                            .map_err(|_| protocol())?;
                        this.take(vec![request])?;
                    }
                    ClientSessionEvent::ConnectionRequestRejected { .. } => {
                        return Err("the server refused the application".to_owned());
                    }
                    ClientSessionEvent::PublishRequestAccepted => {
                        this.flush().await?;
                        return Ok(this);
                    }
                    ClientSessionEvent::UnhandleableOnStatusCode { code } => refused(&code)?,
                    _ => {}
                }
            }
            this.flush().await?;
            events = this.receive().await?;
        }
    }

    /// Reads what the server says. May be cancelled; call `flush` afterwards.
    ///
    /// # Errors
    /// If the connection ended or the server refused the stream.
    pub async fn listen(&mut self) -> Result<(), String> {
        for event in self.receive().await? {
            if let ClientSessionEvent::UnhandleableOnStatusCode { code } = event {
                refused(&code)?;
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Vec<ClientSessionEvent>, String> {
        match self.wire.read(&mut self.input).await {
            Ok(0) => Err("the server closed the connection".to_owned()),
            Ok(length) => {
                let data = self.input[..length].to_vec();
                self.digest(&data)
            }
            Err(error) => Err(why(&error)),
        }
    }

    fn digest(&mut self, data: &[u8]) -> Result<Vec<ClientSessionEvent>, String> {
        if data.is_empty() {
            return Ok(Vec::new());
        }
        let results = self.session.handle_input(data).map_err(|_| protocol())?;
        self.take(results)
    }

    fn take(
        &mut self,
        results: Vec<ClientSessionResult>,
    ) -> Result<Vec<ClientSessionEvent>, String> {
        let mut events = Vec::new();
        for result in results {
            match result {
                ClientSessionResult::OutboundResponse(packet) => {
                    self.out.extend_from_slice(&packet.bytes)
                }
                ClientSessionResult::RaisedEvent(event) => events.push(event),
                ClientSessionResult::UnhandleableMessageReceived(_) => {}
            }
        }
        Ok(events)
    }

    /// Queues the stream's description.
    ///
    /// # Errors
    /// If the session does not accept it.
    pub fn describe(&mut self, metadata: &StreamMetadata) -> Result<(), String> {
        let result = self
            .session
            .publish_metadata(metadata)
            .map_err(|_| protocol())?;
        self.take(vec![result]).map(drop)
    }

    /// Queues one message.
    ///
    /// # Errors
    /// If the session does not accept it.
    pub fn queue(&mut self, tag: &Tag, time: u64) -> Result<(), String> {
        // RTMP time is 32 bits wide and wraps after 49 days.
        let time = RtmpTimestamp::new(time as u32);
        let result = match tag.kind {
            Kind::Video => self
                .session
                .publish_video_data(tag.data.clone(), time, false),
            Kind::Audio => self
                .session
                .publish_audio_data(tag.data.clone(), time, false),
        };
        self.take(vec![result.map_err(|_| protocol())?]).map(drop)
    }

    /// Writes what is queued.
    ///
    /// # Errors
    /// If the connection ended.
    pub async fn flush(&mut self) -> Result<(), String> {
        if !self.out.is_empty() {
            self.wire
                .write_all(&self.out)
                .await
                .map_err(|error| why(&error))?;
            self.wire.flush().await.map_err(|error| why(&error))?;
            self.bytes += self.out.len() as u64;
            self.out.clear();
        }
        Ok(())
    }

    /// Ends the publication in good order.
    pub async fn close(mut self) {
        if let Ok(results) = self.session.stop_publishing() {
            let _ = self.take(results);
        }
        let _ = timeout(Duration::from_secs(1), async {
            let _ = self.flush().await;
            let _ = self.wire.shutdown().await;
        })
        .await;
    }
}

async fn shake_hands(wire: &mut Box<dyn Wire>) -> Result<Vec<u8>, String> {
    let mut handshake = Handshake::new(PeerType::Client);
    let hello = handshake
        .generate_outbound_p0_and_p1()
        .map_err(|_| protocol())?;
    wire.write_all(&hello).await.map_err(|error| why(&error))?;
    wire.flush().await.map_err(|error| why(&error))?;
    let mut buffer = vec![0; 4096];
    loop {
        let length = wire.read(&mut buffer).await.map_err(|error| why(&error))?;
        if length == 0 {
            return Err("the server closed the connection".to_owned());
        }
        let (answer, rest) = match handshake
            .process_bytes(&buffer[..length])
            .map_err(|_| protocol())?
        {
            HandshakeProcessResult::InProgress { response_bytes } => (response_bytes, None),
            HandshakeProcessResult::Completed {
                response_bytes,
                remaining_bytes,
            } => (response_bytes, Some(remaining_bytes)),
        };
        wire.write_all(&answer).await.map_err(|error| why(&error))?;
        wire.flush().await.map_err(|error| why(&error))?;
        if let Some(rest) = rest {
            return Ok(rest);
        }
    }
}

fn protocol() -> String {
    "the server does not speak RTMP as expected".to_owned()
}

/// A status that is not plain good news ends the publication. Codes are a closed set of words;
/// anything else in their place is not repeated.
fn refused(code: &str) -> Result<(), String> {
    const BAD: [&str; 6] = [
        ".BadName",
        ".Denied",
        ".Failed",
        ".Rejected",
        ".Unpublish",
        ".Closed",
    ];
    match BAD.iter().find(|bad| code.contains(*bad)) {
        Some(bad) => Err(format!("the server refused the stream ({})", &bad[1..])),
        None => Ok(()),
    }
}

fn why(error: &io::Error) -> String {
    // rustls puts its reason inside; it speaks of certificates, never of what is sent.
    match error.get_ref() {
        Some(inner) if error.kind() == io::ErrorKind::InvalidData => format!("TLS: {inner}"),
        _ => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, String> {
        Target::new(&RtmpDestination {
            url: url.to_owned(),
            stream_name: Secret::new("canary-key"),
        })
    }

    #[test]
    fn destinations_are_taken_apart() {
        let youtube = target("rtmps://a.rtmps.youtube.com:443/live2").expect("target");
        assert_eq!(
            (youtube.tls, youtube.port, youtube.application.as_str()),
            (true, 443, "live2")
        );
        assert_eq!(youtube.tc_url, "rtmps://a.rtmps.youtube.com:443/live2");
        let usual = target("rtmp://live.example.com/app/instance/").expect("target");
        assert_eq!(
            (usual.tls, usual.port, usual.application.as_str()),
            (false, 1935, "app/instance")
        );
        for wrong in [
            "http://a/b",
            "rtmp://a",
            "rtmp://a/",
            "rtmp:///b",
            "rtmp://u:p@a/b",
        ] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_key_is_in_no_debug() {
        let text = format!(
            "{:?}",
            target("rtmp://live.example.com/app").expect("target")
        );
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn a_refusal_repeats_nothing_of_the_server() {
        let reason = refused("NetStream.Publish.BadName canary-key").expect_err("refused");
        assert_eq!(reason, "the server refused the stream (BadName)");
        assert!(refused("NetStream.Publish.Start").is_ok());
    }
}
