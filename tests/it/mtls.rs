//! Apps that prove themselves by a certificate, told of by a proxy (RFC 8705).

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gerege::oauth::certificate::Known;
use gerege::oauth::client::{Client, ClientAuth, GrantType};
use gerege::oauth::service::Proof;
use gerege::store;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::app::{TestApp, free_port, own_folder};
use crate::dpop::Key;
use crate::http::{Answer, jwt};
use crate::road::*;

/// An authority, and certificates by it and by nobody.
struct World {
    app: TestApp,
    issuer: Issuer<'static, KeyPair>,
    _folder: PathBuf,
}

pub fn authority(name: &str) -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

/// Names of a certificate for a host.
pub fn params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Steppe");
    params.distinguished_name.push(DnType::CommonName, host);
    params
}

impl World {
    fn new(name: &str) -> Self {
        let folder = own_folder(&format!("mtls-{name}"));
        let (issuer, pem) = authority("Steppe CA");
        let file = folder.join("ca.pem");
        std::fs::write(&file, pem).unwrap();
        let app = TestApp::with(&[
            ("MTLS__HEADER", "Client-Cert"),
            ("MTLS__PROXIES", "127.0.0.0/8"),
            ("MTLS__CA_FILE", file.to_str().unwrap()),
        ]);
        register(&app);
        Self {
            app,
            issuer,
            _folder: folder,
        }
    }

    /// A certificate by the authority, DER.
    fn signed(&self, host: &str) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let signed = params(host).signed_by(&key, &self.issuer).unwrap();
        signed.der().to_vec()
    }

    /// The forum's machine, which proves itself in another way from now on.
    fn forum(&self, change: impl Fn(&mut Client) + Send + 'static) {
        self.app.write(move |c| {
            let mut forum = store::client::find(c, "forum")?.expect("the forum");
            forum.secret_hash = None;
            forum.scopes.push("room".into());
            forum.grants.push(GrantType::ClientCredentials);
            change(&mut forum);
            store::client::save(c, &forum)
        });
    }

    fn ask(&self, header: &str) -> Answer {
        let fields = [
            ("client_id", "forum"),
            ("grant_type", "client_credentials"),
            ("scope", "room"),
        ];
        let mut caller = self.app.browser();
        if !header.is_empty() {
            caller = caller.with("Client-Cert", header);
        }
        caller.post("/oauth2/token", &fields)
    }

    fn checks(&self, proof: Proof) {
        self.app.write(move |c| {
            let mut room = store::client::find_service(c, "room")?.expect("the room");
            room.proof = proof;
            store::client::save_service(c, &room)
        });
    }
}

/// As RFC 9440 writes it.
pub fn header(der: &[u8]) -> String {
    format!(":{}:", STANDARD.encode(der))
}

/// As nginx does.
fn escaped(der: &[u8]) -> String {
    let pem = pem::encode(&pem::Pem::new("CERTIFICATE", der));
    pem.bytes().fold(String::new(), |mut out, byte| {
        use std::fmt::Write as _;
        let _ = write!(out, "%{byte:02X}");
        out
    })
}

fn fingerprint(der: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    URL_SAFE_NO_PAD.encode(digest)
}

#[test]
fn a_certificate_of_the_authority_proves_an_app_by_its_name() {
    let world = World::new("pki");
    let known = |known: Known| {
        world.forum(move |forum| {
            forum.auth = ClientAuth::TlsClientAuth;
            forum.known = Some(known.clone());
        });
    };
    known(Known::Dns("forum.example".into()));
    let own = world.signed("forum.example");
    world.ask(&header(&own)).is(200);
    world.ask(&escaped(&own)).is(200);
    world.ask("").is(401);
    world.ask(&header(&world.signed("other.example"))).is(401);
    // The right name by another authority, and by nobody.
    let (stranger, _) = authority("Steppe CA");
    let key = KeyPair::generate().unwrap();
    let forged = params("forum.example").signed_by(&key, &stranger).unwrap();
    world.ask(&header(forged.der())).is(401);
    let lone = params("forum.example").self_signed(&key).unwrap();
    world.ask(&header(lone.der())).is(401);
    let mut spoilt = own.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    for bad in [header(&spoilt), header(&own[1..]), header(b"x"), "x".into()] {
        world.ask(&bad).is(401);
    }
    // Two headers are nobody's.
    let mut two = world.app.browser().with("Client-Cert", &header(&own));
    two = two.with("Client-Cert", &header(&own));
    let fields = [("client_id", "forum"), ("grant_type", "client_credentials")];
    two.post("/oauth2/token", &fields).is(401);
    known(Known::SubjectDn("CN=forum.example,O=Steppe".into()));
    world.ask(&header(&own)).is(200);
    known(Known::SubjectDn("CN=other.example,O=Steppe".into()));
    world.ask(&header(&own)).is(401);
}

#[test]
fn a_certificate_of_its_own_proves_an_app_that_registered_it() {
    let world = World::new("own");
    let key = KeyPair::generate().unwrap();
    let own = params("forum.example")
        .self_signed(&key)
        .unwrap()
        .der()
        .to_vec();
    let set = json!({ "keys": [{ "kty": "EC", "x5c": [STANDARD.encode(&own)] }] }).to_string();
    world.forum(move |forum| {
        forum.auth = ClientAuth::SelfSignedTlsClientAuth;
        forum.jwks = Some(set.clone());
    });
    world.ask(&header(&own)).is(200);
    world.ask(&header(&world.signed("forum.example"))).is(401);
    // The same key in another certificate is another one.
    let again = params("forum.example").self_signed(&key).unwrap();
    assert_ne!(again.der().to_vec(), own);
    world.ask(&header(again.der())).is(401);
    world.ask("").is(401);
}

#[test]
fn tokens_are_bound_to_the_certificate() {
    let world = World::new("bound");
    world.forum(|forum| {
        forum.auth = ClientAuth::TlsClientAuth;
        forum.known = Some(Known::Dns("forum.example".into()));
    });
    let own = world.signed("forum.example");
    let given: Value = world.ask(&header(&own)).is(200).json();
    assert!(jwt(&text(&given, "access_token")).1.get("cnf").is_none());
    world.checks(Proof::Mtls);
    let given: Value = world.ask(&header(&own)).is(200).json();
    assert_eq!(given["token_type"], "Bearer");
    let access = text(&given, "access_token");
    let cnf = json!({ "x5t#S256": fingerprint(&own) });
    assert_eq!(jwt(&access).1["cnf"], cnf);
    assert_eq!(introspect(&world.app, "room", &access)["cnf"], cnf);
    // A service that takes tokens from anyone gets none from an app whose tokens are all bound.
    world.checks(Proof::Bearer);
    world.forum(|forum| forum.certificate_bound = true);
    let refused = world.ask(&header(&own)).is(400).json();
    assert_eq!(refused["error"], "invalid_target");
}

#[test]
fn a_public_apps_tokens_are_bound_from_code_to_userinfo() {
    let world = World::new("public");
    let app = &world.app;
    app.person("temuulen");
    app.write(|c| {
        let mut demo = store::client::find(c, "demo-messenger")?.expect("the demo messenger");
        demo.certificate_bound = true;
        store::client::save(c, &demo)
    });
    let key = KeyPair::generate().unwrap();
    let own = params("phone").self_signed(&key).unwrap();
    let own = header(own.der());
    let other = header(params("thief").self_signed(&key).unwrap().der());
    let at = request(&[("scope", "openid profile offline_access")]);
    let code = ask(&mut app.browser(), &at, "temuulen")
        .param("code")
        .expect("a code");
    let bare = redeem(&mut app.browser(), &code).is(400).json();
    assert_eq!(bare["error"], "invalid_request");
    let tokens = redeem(&mut app.browser().with("Client-Cert", &own), &code)
        .is(200)
        .json();
    let (access, kept) = (
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
    );
    let userinfo = |certificate: &str| {
        let mut caller = app
            .browser()
            .with("Authorization", &format!("Bearer {access}"));
        if !certificate.is_empty() {
            caller = caller.with("Client-Cert", certificate);
        }
        caller.get("/oauth2/userinfo").status
    };
    assert_eq!(
        (userinfo(&own), userinfo(&other), userinfo("")),
        (200, 401, 401)
    );
    refresh(&mut app.browser().with("Client-Cert", &other), &kept).is(400);
    let next = refresh(&mut app.browser().with("Client-Cert", &own), &kept).is(200);
    assert_eq!(text(&next.json(), "refresh_token"), kept);
}

/// What curl says of an answer: its status and its body.
pub fn curl(world: &Path, at: &str, arguments: &[&str]) -> (u16, String) {
    let out = Command::new("curl")
        .args(["--silent", "--show-error", "--write-out", "\n%{http_code}"])
        .arg("--cacert")
        .arg(world.join("tls.pem"))
        .args(arguments)
        .arg(at)
        .output()
        .expect("curl is there");
    assert!(out.status.success(), "{out:?}");
    let said = String::from_utf8(out.stdout).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// Writes a certificate and its key, as curl takes them.
pub fn keep(folder: &Path, name: &str, certificate: &str, key: &KeyPair) {
    std::fs::write(folder.join(format!("{name}.pem")), certificate).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
}

/// RFC 8705 without a proxy: the connection itself shows the certificate, to a stranger's program.
#[test]
fn a_door_of_its_own_asks_apps_for_their_certificate() {
    let folder = own_folder("mtls-door");
    let (issuer, pem) = authority("Steppe CA");
    std::fs::write(folder.join("ca.pem"), pem).unwrap();
    let host = KeyPair::generate().unwrap();
    let own = params("localhost").self_signed(&host).unwrap();
    keep(&folder, "tls", &own.pem(), &host);
    let signed = |name: &str, host: &str| {
        let key = KeyPair::generate().unwrap();
        let one = params(host).signed_by(&key, &issuer).unwrap();
        keep(&folder, name, &one.pem(), &key);
        one.der().to_vec()
    };
    let forum = signed("forum", "forum.example");
    signed("other", "other.example");
    let [(first, held), (door, too)] = [free_port(), free_port()];
    drop((held, too));
    let place = |file: &str| folder.join(file).display().to_string();
    let app = TestApp::with(&[
        ("LISTEN__TLS_CERT", &place("tls.pem")),
        ("LISTEN__TLS_KEY", &place("tls.key")),
        ("LISTEN__ADDRESS", &first.to_string()),
        ("PUBLIC_URL", &format!("https://localhost:{}", first.port())),
        ("MTLS__LISTEN", &door.to_string()),
        ("MTLS__CA_FILE", &place("ca.pem")),
    ]);
    register(&app);
    app.write(|c| {
        let mut room = store::client::find_service(c, "room")?.expect("the room");
        room.proof = Proof::Mtls;
        store::client::save_service(c, &room)?;
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.secret_hash = None;
        forum.scopes.push("room".into());
        forum.grants.push(GrantType::ClientCredentials);
        forum.auth = ClientAuth::TlsClientAuth;
        forum.known = Some(Known::Dns("forum.example".into()));
        store::client::save(c, &forum)
    });
    let discovery = format!("{}/.well-known/openid-configuration", app.origin);
    let (status, told) = curl(&folder, &discovery, &[]);
    assert_eq!(status, 200);
    let told: Value = serde_json::from_str(&told).unwrap();
    let aliases = told["mtls_endpoint_aliases"].as_object().expect("aliases");
    let (cert, key) = (place("forum.pem"), place("forum.key"));
    let shown = ["--cert", &cert, "--key", &key];
    let asking = [
        "--data",
        "client_id=forum&grant_type=client_credentials&scope=room",
    ];
    let alias = |name: &str| text(&told["mtls_endpoint_aliases"], name);
    let token_at = alias("token_endpoint");
    assert!(token_at.starts_with(&format!("https://localhost:{}/", door.port())));

    let (status, given) = curl(&folder, &token_at, &[&shown[..], &asking].concat());
    assert_eq!(status, 200, "{given}");
    let access = text(&serde_json::from_str(&given).unwrap(), "access_token");
    assert_eq!(
        jwt(&access).1["cnf"],
        json!({ "x5t#S256": fingerprint(&forum) })
    );

    // Without one, with another's, and at the first address, nobody is let in, whatever a header
    // says.
    let header = format!("Client-Cert: {}", header(&forum));
    let (wrong, its_key) = (place("other.pem"), place("other.key"));
    let first = text(&told, "token_endpoint");
    for (at, arguments) in [
        (&token_at, vec!["--header", &header]),
        (
            &token_at,
            vec!["--cert", &wrong, "--key", &its_key, "--header", &header],
        ),
        (
            &first,
            vec![shown[0], shown[1], shown[2], shown[3], "--header", &header],
        ),
    ] {
        let (status, said) = curl(&folder, at, &[&arguments[..], &asking].concat());
        assert_eq!(status, 401, "{arguments:?} {said}");
    }
    // A proof names the URL that was called (RFC 9449 4.3).
    let proof_for = |htu: &str| {
        let more = json!({ "htu": htu });
        format!("DPoP: {}", Key::new().proof(&app, "POST", "/", more))
    };
    for (htu, wanted) in [(&token_at, 200), (&first, 400)] {
        let proof = proof_for(htu);
        let arguments = [&shown[..], &asking, &["--header", &proof]].concat();
        let (status, said) = curl(&folder, &token_at, &arguments);
        assert_eq!(status, wanted, "{said}");
    }
    // An assertion may name the address that was called (RFC 8705 5), as long as it is one of ours.
    let signer = crate::sign::Signer::ec();
    let jwks = json!({ "keys": [signer.jwk(Some("e"))] }).to_string();
    app.write(move |c| {
        let mut other = store::client::find(c, "forum")?.expect("the forum");
        other.id = "signer".into();
        other.auth = ClientAuth::PrivateKeyJwt;
        other.known = None;
        other.jwks = Some(jwks.clone());
        store::client::add(c, &other).map(|_| ())
    });
    let par = alias("pushed_authorization_request_endpoint");
    let ciba = alias("backchannel_authentication_endpoint");
    for (aud, wanted) in [
        (token_at.as_str(), 200),
        (&par, 200),
        (&ciba, 200),
        (&first, 200),
        (&app.origin, 200),
        (&alias("revocation_endpoint"), 401),
        (&format!("https://localhost:{}", door.port()), 401),
    ] {
        let now = app.app.clock.now().seconds();
        let claims = json!({
            "iss": "signer", "sub": "signer", "aud": aud, "iat": now, "exp": now + 60,
            "jti": app.app.rng.id(),
        });
        let assertion = signer.sign(&json!({ "alg": "ES256", "kid": "e" }), &claims);
        let fields = crate::http::encode(&[
            ("grant_type", "client_credentials"),
            ("scope", "room"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", &assertion),
        ]);
        let arguments = [&shown[..], &["--data", &fields]].concat();
        let (status, said) = curl(&folder, &token_at, &arguments);
        assert_eq!(status, wanted, "{aud} {said}");
    }
    // A certificate of whose key the caller holds none does not even connect.
    let stolen = Command::new("curl")
        .args([
            "--silent",
            "--cacert",
            &place("tls.pem"),
            "--cert",
            &cert,
            "--key",
            &its_key,
        ])
        .args(asking)
        .arg(&token_at)
        .output()
        .unwrap();
    assert!(!stolen.status.success());
    // Every alias is an endpoint, and there are no pages.
    for (name, at) in aliases {
        let one = ["/none", ""][usize::from(name != "grant_management_endpoint")];
        let (status, said) = curl(&folder, &format!("{}{one}", at.as_str().unwrap()), &shown);
        assert_ne!(status, 404, "{name} {said}");
    }
    let page = format!("https://localhost:{}/signin", door.port());
    assert_eq!(curl(&folder, &page, &[]).0, 404);
    assert_eq!(curl(&folder, &format!("{}/signin", app.origin), &[]).0, 200);
    drop(app);
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_header_counts_only_from_a_named_proxy() {
    let app = TestApp::with(&[
        ("MTLS__HEADER", "client-cert"),
        ("MTLS__PROXIES", "192.0.2.7"),
    ]);
    register(&app);
    let key = KeyPair::generate().unwrap();
    let own = params("forum.example")
        .self_signed(&key)
        .unwrap()
        .der()
        .to_vec();
    let set = json!({ "keys": [{ "kty": "EC", "x5c": [STANDARD.encode(&own)] }] }).to_string();
    app.write(move |c| {
        let mut forum = store::client::find(c, "forum")?.expect("the forum");
        forum.auth = ClientAuth::SelfSignedTlsClientAuth;
        forum.jwks = Some(set.clone());
        store::client::save(c, &forum)
    });
    let fields = [("client_id", "forum"), ("grant_type", "client_credentials")];
    let mut caller = app.browser().with("Client-Cert", &header(&own));
    caller.post("/oauth2/token", &fields).is(401);
    let told = app
        .browser()
        .get("/.well-known/openid-configuration")
        .is(200)
        .json();
    assert_eq!(told["tls_client_certificate_bound_access_tokens"], true);
    let methods = told["token_endpoint_auth_methods_supported"].to_string();
    // No authority is named here.
    assert!(
        methods.contains("\"self_signed_tls_client_auth\"")
            && !methods.contains("\"tls_client_auth\"")
    );
    let plain = TestApp::new();
    let told = plain
        .browser()
        .get("/.well-known/openid-configuration")
        .is(200)
        .json();
    assert!(
        told.get("tls_client_certificate_bound_access_tokens")
            .is_none()
    );
}
