//! A certificate chain as AWS's endpoints have one: RSA of 2,048 bits, a root, an authority between
//! and the server's own. Checking RSA signatures is a good part of a cold start, so a shorter chain
//! of quicker keys would flatter everybody.

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

/// A server's TLS settings, and the root that vouches for it.
pub struct Certificate {
    /// What the endpoint serves with.
    pub server: Arc<ServerConfig>,
    /// The root, as a PEM file.
    pub root: PathBuf,
}

const EXTENSIONS: &str = "\
[authority]
basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[server]
basicConstraints=critical,CA:false
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth
authorityKeyIdentifier=keyid
subjectAltName=DNS:localhost,IP:127.0.0.1
[req]
distinguished_name=name
[name]
";

/// Makes a chain in a folder. The private keys are forgotten as soon as the server has its own.
pub fn make(folder: &Path) -> Result<Certificate, String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (config, root, middle, server) = (
        file("openssl.cnf"),
        file("root.pem"),
        file("middle.pem"),
        file("server.pem"),
    );
    fs::write(&config, EXTENSIONS).map_err(|error| error.to_string())?;
    let keys = [file("root.key"), file("middle.key"), file("server.key")];
    for key in &keys {
        openssl(&[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
            "-out",
            key,
        ])?;
    }
    let subject = |name: &str| format!("/O=Lunora benchmark/CN={name}");
    openssl(&[
        "req",
        "-x509",
        "-new",
        "-key",
        &keys[0],
        "-sha256",
        "-days",
        "7",
        "-subj",
        &subject("root"),
        "-config",
        &config,
        "-extensions",
        "authority",
        "-out",
        &root,
    ])?;
    let sign = |name: &str, key: &str, out: &str, by: (&str, &str), section: &str| {
        let request = format!("{out}.csr");
        openssl(&[
            "req",
            "-new",
            "-key",
            key,
            "-subj",
            &subject(name),
            "-config",
            &config,
            "-out",
            &request,
        ])?;
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            by.0,
            "-CAkey",
            by.1,
            "-sha256",
            "-days",
            "7",
            "-set_serial",
            &format!("{}", name.len() + 100),
            "-extfile",
            &config,
            "-extensions",
            section,
            "-out",
            out,
        ])
    };
    sign(
        "authority",
        &keys[1],
        &middle,
        (&root, &keys[0]),
        "authority",
    )?;
    sign(
        "localhost",
        &keys[2],
        &server,
        (&middle, &keys[1]),
        "server",
    )?;
    let pem = |path: &str| CertificateDer::from_pem_file(path).map_err(|error| error.to_string());
    let chain = vec![pem(&server)?, pem(&middle)?];
    let key = PrivateKeyDer::from_pem_file(&keys[2]).map_err(|error| error.to_string())?;
    for key in &keys {
        fs::remove_file(key).map_err(|error| error.to_string())?;
    }
    let mut provider = rustls::crypto::ring::default_provider();
    // AWS's load balancers choose, and list AES with 128 bits first (Elastic Load Balancing user
    // guide, security policies).
    provider.cipher_suites.sort_by_key(|suite| {
        let name = suite.suite().as_str().unwrap_or_default();
        !name.contains("AES_128")
    });
    let provider = Arc::new(provider);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| error.to_string())?;
    config.ignore_client_order = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Certificate {
        server: Arc::new(config),
        root: folder.join("root.pem"),
    })
}

fn openssl(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("openssl does not run here: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!(
            "openssl {}: {}",
            arguments[0],
            String::from_utf8_lossy(&output.stderr).trim()
        ))
    }
}
