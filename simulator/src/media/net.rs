//! Connections to platforms: TCP or TLS, to where `--resolve` says, with the name the record says.

use std::{collections::BTreeMap, fmt, io, net::SocketAddr, path::Path, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
        pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    },
};

/// Any connection.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// How platforms are reached.
#[derive(Clone)]
pub struct Net {
    resolve: Arc<BTreeMap<(String, u16), (String, u16)>>,
    verifying: Arc<ClientConfig>,
    trusting: Arc<ClientConfig>,
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net")
            .field("resolve", &self.resolve)
            .finish_non_exhaustive()
    }
}

impl Net {
    /// `resolve` holds entries `host:port=address:port`, `trust` names a PEM file whose
    /// certificates are trusted besides the usual roots.
    ///
    /// # Errors
    /// A sentence on what is wrong with an entry or with the file.
    pub fn new(resolve: &[String], trust: Option<&Path>) -> Result<Self, String> {
        let mut map = BTreeMap::new();
        for entry in resolve {
            let wrong = || format!("--resolve {entry}: write host:port=address:port");
            let (from, to) = entry.split_once('=').ok_or_else(wrong)?;
            map.insert(
                host_and_port(from).ok_or_else(wrong)?,
                host_and_port(to).ok_or_else(wrong)?,
            );
        }
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(file) = trust {
            let wrong = |error: &dyn fmt::Display| format!("--trust {}: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|e| wrong(&e))? {
                roots
                    .add(certificate.map_err(|e| wrong(&e))?)
                    .map_err(|e| wrong(&e))?;
            }
        }
        let provider = Arc::new(ring::default_provider());
        let builder = || {
            ClientConfig::builder_with_provider(provider.clone())
                .with_safe_default_protocol_versions()
                .map_err(|error| error.to_string())
        };
        let anyone = Arc::new(AnyCertificate(provider.clone()));
        Ok(Self {
            resolve: Arc::new(map),
            verifying: Arc::new(
                builder()?
                    .with_root_certificates(roots)
                    .with_no_client_auth(),
            ),
            trusting: Arc::new(
                builder()?
                    .dangerous()
                    .with_custom_certificate_verifier(anyone)
                    .with_no_client_auth(),
            ),
        })
    }

    /// Where a host and port are really found.
    #[must_use]
    pub fn address(&self, host: &str, port: u16) -> (String, u16) {
        let key = (host.to_ascii_lowercase(), port);
        self.resolve.get(&key).cloned().unwrap_or(key)
    }

    /// Connects; `tls` is None for plain TCP, else whether the certificate is verified.
    ///
    /// # Errors
    /// Whatever the network or the certificate says.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
        tls: Option<bool>,
    ) -> io::Result<Box<dyn Wire>> {
        let stream = TcpStream::connect(self.address(host, port)).await?;
        stream.set_nodelay(true)?;
        let Some(verify) = tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "not a name for TLS"))?;
        let config = if verify {
            &self.verifying
        } else {
            &self.trusting
        };
        Ok(Box::new(
            TlsConnector::from(config.clone())
                .connect(name, stream)
                .await?,
        ))
    }
}

/// Splits `host:port`; an IPv6 address stands in brackets.
#[must_use]
pub fn host_and_port(text: &str) -> Option<(String, u16)> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some((address.ip().to_string(), address.port()));
    }
    let (host, port) = text.rsplit_once(':')?;
    let good = !host.is_empty() && !host.contains([':', '/', '@']);
    good.then(|| Some((host.to_ascii_lowercase(), port.parse().ok()?)))
        .flatten()
}

/// What MediaLive does with certificateMode SELF_SIGNED: the line is encrypted, the name unproven.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_mapped_and_others_left_alone() {
        let entries = ["A.rtmps.youtube.com:443=127.0.0.1:4936".to_owned()];
        let net = Net::new(&entries, None).expect("entries");
        assert_eq!(
            net.address("a.RTMPS.youtube.com", 443),
            ("127.0.0.1".to_owned(), 4936)
        );
        assert_eq!(
            net.address("a.rtmps.youtube.com", 1935),
            ("a.rtmps.youtube.com".to_owned(), 1935)
        );
    }

    #[test]
    fn a_wrong_entry_is_told() {
        for entry in ["", "a=b", "a:1", "a:1=b:99999", "u@a:1=b:2"] {
            let error = Net::new(&[entry.to_owned()], None).expect_err(entry);
            assert!(error.contains("host:port=address:port"), "{error}");
        }
        assert!(Net::new(&[], Some(Path::new("no-such-file.pem"))).is_err());
    }
}
