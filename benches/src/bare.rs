//! The bounds: what the machine gives when nothing but the unavoidable is done.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::{Context as _, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::keep::{Keeper, Kept};
use crate::key::draw;

/// Cores, and so workers and hashing threads.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Argon2id with the program's default parameters on all cores, each with one block of memory
/// that is used again, at the priority that hashing has in the program: hashes in a second.
///
/// # Errors
/// When Argon2 refuses its parameters.
pub fn argon2(span: Duration) -> anyhow::Result<f64> {
    let params = || Params::new(19456, 2, 1, Some(32)).map_err(|error| anyhow!("{error}"));
    let blocks = params()?.block_count();
    let done = AtomicU64::new(0);
    let began = Instant::now();
    thread::scope(|scope| -> anyhow::Result<()> {
        let threads: Vec<_> = (0..cores())
            .map(|_| {
                scope.spawn(|| -> anyhow::Result<()> {
                    step_back();
                    let mut memory = vec![Block::default(); blocks];
                    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params()?);
                    let mut out = [0; 32];
                    while began.elapsed() < span {
                        argon2
                            .hash_password_into_with_memory(
                                b"a password of middling length",
                                b"sixteen bytes...",
                                &mut out,
                                memory.as_mut_slice(),
                            )
                            .map_err(|error| anyhow!("{error}"))?;
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                })
            })
            .collect();
        for one in threads {
            one.join().map_err(|_| anyhow!("a thread ended"))??;
        }
        Ok(())
    })?;
    Ok(done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

fn step_back() {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 10);
}

struct Bare {
    ec: EcdsaKeyPair,
    /// Something signed with it.
    signed: (Vec<u8>, Vec<u8>),
    rsa: RsaKeyPair,
    document: String,
    keeper: Keeper,
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    client_id: &'a str,
    exp: u64,
    iat: u64,
    iss: &'a str,
    jti: &'a str,
    scope: &'a str,
    sub: &'a str,
}

#[derive(Serialize)]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: &'static str,
}

#[derive(Serialize)]
struct Handed {
    request_uri: String,
    expires_in: u64,
}

/// Serves the bare handlers on a port of its own; the first line says which. What they keep lies in
/// a file in `folder`.
///
/// # Errors
/// When no port or file can be had.
pub fn serve(folder: &Path) -> anyhow::Result<()> {
    let make = |what: &str| anyhow!("no {what} key");
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| make("RSA"))?;
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = rsa.as_der().map_err(|_| make("RSA"))?;
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| make("EC"))?;
    let message = vec![b'x'; 300];
    let signature = ec
        .sign(&SystemRandom::new(), &message)
        .map_err(|_| make("EC"))?;
    let bare = web::Data::new(Bare {
        ec,
        signed: (message, signature.as_ref().to_vec()),
        // From its file form, as a key on file is.
        rsa: RsaKeyPair::from_pkcs8(der.as_ref()).map_err(|_| make("RSA"))?,
        document: format!("{{\"x\":\"{}\"}}", "x".repeat(2000)),
        keeper: Keeper::new(&folder.join("bare.db"))?,
    });
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(bare.clone())
                .route("/es256", web::post().to(es256))
                .route("/rs256", web::post().to(rs256))
                .route("/checked", web::post().to(checked))
                .route("/checked-rs256", web::post().to(checked_rs256))
                .route("/document", web::get().to(document))
                .route("/stored", web::post().to(stored))
        })
        .workers(cores())
        .bind(("127.0.0.1", 0))?;
        if let Some(address) = server.addrs().first() {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{address}")?;
            out.flush()?;
        }
        Ok(server.run().await?)
    })
}

async fn document(bare: web::Data<Bare>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(bare.document.clone())
}

/// What it is proved by is hashed, what was asked is kept under the digest of what is handed out.
async fn stored(bare: web::Data<Bare>, body: web::Bytes) -> HttpResponse {
    let kept = async {
        let proof = URL_SAFE_NO_PAD.encode(digest(&SHA256, &body));
        let secret = draw()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let row = Kept {
            hash: URL_SAFE_NO_PAD.encode(digest(&SHA256, secret.as_bytes())),
            body: format!("{proof} {}", std::str::from_utf8(&body)?),
            expires_at: i64::try_from(now)?
                .checked_add(60_000)
                .context("the end of time")?,
        };
        bare.keeper.keep(row).await?;
        anyhow::Ok(secret)
    };
    match kept.await {
        Ok(secret) => HttpResponse::Created().json(Handed {
            request_uri: secret,
            expires_in: 60,
        }),
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}

async fn es256(bare: web::Data<Bare>, body: web::Bytes) -> HttpResponse {
    token("ES256", &body, |message| {
        let signature = bare.ec.sign(&SystemRandom::new(), message).ok()?;
        Some(URL_SAFE_NO_PAD.encode(signature))
    })
}

async fn rs256(bare: web::Data<Bare>, body: web::Bytes) -> HttpResponse {
    token("RS256", &body, |message| {
        let mut signature = vec![0; bare.rsa.public_modulus_len()];
        let random = SystemRandom::new();
        bare.rsa
            .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
            .ok()?;
        Some(URL_SAFE_NO_PAD.encode(signature))
    })
}

/// Whether the signature at hand is good: what a proof or a token brought along costs.
fn is_good(bare: &Bare) -> bool {
    let (message, signature) = &bare.signed;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bare.ec.public_key())
        .verify(message, signature)
        .is_ok()
}

async fn checked(bare: web::Data<Bare>, body: web::Bytes) -> HttpResponse {
    if !is_good(&bare) {
        return HttpResponse::BadRequest().finish();
    }
    es256(bare, body).await
}

async fn checked_rs256(bare: web::Data<Bare>, body: web::Bytes) -> HttpResponse {
    if !is_good(&bare) {
        return HttpResponse::BadRequest().finish();
    }
    rs256(bare, body).await
}

/// The same token as the program's, with nothing looked up and nothing checked.
fn token(algorithm: &str, body: &[u8], sign: impl Fn(&[u8]) -> Option<String>) -> HttpResponse {
    let made = || -> Option<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        let jti = draw().ok()?;
        let header = format!(
            "{{\"typ\":\"at+jwt\",\"alg\":\"{algorithm}\",\
             \"kid\":\"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\"}}"
        );
        let claims = serde_json::to_vec(&Claims {
            aud: "reports",
            client_id: "nightly",
            exp: now + 600,
            iat: now,
            iss: "http://localhost:8777",
            jti: &jti,
            scope: "reports",
            sub: "nightly",
        })
        .ok()?;
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = sign(token.as_bytes())?;
        token.push('.');
        token.push_str(&signature);
        Some(token)
    };
    match made().filter(|_| body.starts_with(b"grant_type=")) {
        Some(access_token) => HttpResponse::Ok().json(Tokens {
            access_token,
            token_type: "Bearer",
            expires_in: 600,
            scope: "reports",
        }),
        None => HttpResponse::BadRequest().finish(),
    }
}
