//! The master key: 32 bytes from which every other key is derived (PROTOCOL 4).

use std::io::{Read as _, Write as _};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::Error;
use crate::rng::{Rng, Secret};

/// What a subkey is for. Two purposes never share a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Tells one master key from another.
    Proof,
    /// Wraps private signing keys.
    Wrap,
    /// Seals opaque access tokens.
    Opaque,
    /// Successors of refresh tokens, and the tag that tells ours from made-up ones.
    Refresh,
    /// The security check's answers and drawings.
    Check,
    /// Mailed codes.
    MailCode,
    /// Mailed links.
    MailLink,
    /// Mailed ways back in.
    Reset,
    /// The page token of forms.
    Form,
    /// Keys of counters, so that no login or address lies in them.
    Counter,
    /// Names of deleted accounts.
    Name,
    /// The cookies of drafts.
    Draft,
    /// What pairwise clients see as `sub`.
    Subject,
    /// Nonces of proofs (RFC 9449 8).
    Nonce,
    /// Codes that people type for another device.
    UserCode,
    /// What apps ask with while a person decides (CIBA 7.3), and what they are told with.
    Ciba,
    /// Secrets that the apps of one family share on a device (Native SSO 3.2).
    DeviceSecret,
    /// The cookie that a browser gets for the one it came with.
    Browser,
}

impl Purpose {
    const ALL: [Self; 18] = [
        Self::Proof,
        Self::Wrap,
        Self::Opaque,
        Self::Refresh,
        Self::Check,
        Self::MailCode,
        Self::MailLink,
        Self::Reset,
        Self::Form,
        Self::Counter,
        Self::Name,
        Self::Draft,
        Self::Subject,
        Self::Nonce,
        Self::UserCode,
        Self::Ciba,
        Self::DeviceSecret,
        Self::Browser,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Proof => b"gerege proof",
            Self::Wrap => b"gerege wrap",
            Self::Opaque => b"gerege opaque",
            Self::Refresh => b"gerege refresh",
            Self::Check => b"gerege check",
            Self::MailCode => b"gerege mail code",
            Self::MailLink => b"gerege mail link",
            Self::Reset => b"gerege reset",
            Self::Form => b"gerege form",
            Self::Counter => b"gerege counter",
            Self::Name => b"gerege name",
            Self::Draft => b"gerege draft",
            Self::Subject => b"gerege subject",
            Self::Nonce => b"gerege nonce",
            Self::UserCode => b"gerege user code",
            Self::Ciba => b"gerege ciba",
            Self::DeviceSecret => b"gerege device secret",
            Self::Browser => b"gerege browser",
        }
    }
}

// Each key of `Master::macs` lies at its purpose's own number.
const _: () = assert!(Purpose::Browser as usize + 1 == Purpose::ALL.len());

/// The master key, ready to derive.
pub struct Master {
    prk: Prk,
    /// The keys of [`Master::mac`], in the order of [`Purpose::ALL`].
    macs: [hmac::Key; Purpose::ALL.len()],
}

impl Master {
    /// From 32 bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        let prk = Salt::new(HKDF_SHA256, b"gerege master key 1").extract(bytes);
        let macs = Purpose::ALL.map(|purpose| {
            hmac::Key::new(hmac::HMAC_SHA256, subkey(&prk, purpose, b"").as_slice())
        });
        Self { prk, macs }
    }

    /// Reads the key file, or makes it (mode 0600) when `make` is set and it is not there.
    pub fn load(file: &Path, make: bool, rng: &Rng) -> Result<Self, Error> {
        let failed = |error: std::io::Error| Error::Master(format!("{}: {error}", file.display()));
        match std::fs::File::open(file) {
            Ok(mut open) => {
                let mut bytes = Zeroizing::new(Vec::with_capacity(64));
                open.read_to_end(&mut bytes).map_err(failed)?;
                let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| {
                    Error::Master(format!(
                        "{} has {} bytes; a master key has 32",
                        file.display(),
                        bytes.len()
                    ))
                })?;
                Ok(Self::new(bytes))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && make => {
                let mut bytes = Zeroizing::new([0; 32]);
                rng.fill(bytes.as_mut_slice());
                let mut options = std::fs::OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                match options.open(file) {
                    Ok(mut new) => {
                        new.write_all(bytes.as_slice()).map_err(failed)?;
                        new.sync_all().map_err(failed)?;
                        Ok(Self::new(&bytes))
                    }
                    // Another process was first: its key counts.
                    Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                        Self::load(file, false, rng)
                    }
                    Err(error) => Err(failed(error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// HMAC-SHA-256 over `parts`, each with its length before it, under the key of `purpose`.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.macs[purpose as usize]);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    /// The same as text of 22 characters (128 bits), for the keys of rows.
    pub fn mac_text(&self, purpose: Purpose, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(&self.mac(purpose, parts)[..16])
    }

    /// The successor of a refresh token: derived from the old secret, the family and the
    /// generation, so that neither the database nor this key alone yields it (PROTOCOL 2).
    pub fn successor(&self, old: &str, family: &str, generation: i64) -> Secret {
        Secret::derived(self.mac(
            Purpose::Refresh,
            &[old.as_bytes(), family.as_bytes(), &generation.to_be_bytes()],
        ))
    }

    /// Encrypts under the key of `purpose`; `bound` must be the same when it is opened.
    pub fn seal(
        &self,
        purpose: Purpose,
        bound: &[u8],
        plain: &[u8],
        rng: &Rng,
    ) -> Result<Vec<u8>, Error> {
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        let mut sealed = plain.to_vec();
        // A fresh key for each message, so the nonce can stand still.
        self.aead(purpose, &salt)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key([0; 12]),
                Aad::from(bound),
                &mut sealed,
            )
            .map_err(|_| Error::Sealed)?;
        Ok([salt.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Master::seal`] made.
    pub fn open(
        &self,
        purpose: Purpose,
        bound: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (salt, rest) = sealed.split_at_checked(16).ok_or(Error::Sealed)?;
        let mut plain = Zeroizing::new(rest.to_vec());
        let length = self
            .aead(purpose, salt)?
            .open_in_place(
                Nonce::assume_unique_for_key([0; 12]),
                Aad::from(bound),
                &mut plain,
            )
            .map_err(|_| Error::Sealed)?
            .len();
        plain.truncate(length);
        Ok(plain)
    }

    fn aead(&self, purpose: Purpose, salt: &[u8]) -> Result<LessSafeKey, Error> {
        UnboundKey::new(&AES_256_GCM, subkey(&self.prk, purpose, salt).as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| Error::Sealed)
    }
}

fn subkey(prk: &Prk, purpose: Purpose, context: &[u8]) -> Zeroizing<[u8; 32]> {
    struct Len;
    impl KeyType for Len {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = Zeroizing::new([0; 32]);
    // 32 bytes are always within HKDF's bound of 255 blocks.
    if let Ok(okm) = prk.expand(&[purpose.label(), context], Len) {
        let _ = okm.fill(key.as_mut_slice());
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_purpose_and_bound() {
        let (one, two) = (Master::new(&[1; 32]), Master::new(&[2; 32]));
        let rng = Rng::seeded(1);
        let sealed = one.seal(Purpose::Wrap, b"kid", b"private", &rng).unwrap();
        assert_eq!(
            one.open(Purpose::Wrap, b"kid", &sealed).unwrap().as_slice(),
            b"private"
        );
        assert!(two.open(Purpose::Wrap, b"kid", &sealed).is_err());
        assert!(one.open(Purpose::Wrap, b"other", &sealed).is_err());
        assert!(one.open(Purpose::Opaque, b"kid", &sealed).is_err());
        for cut in 0..sealed.len() {
            assert!(one.open(Purpose::Wrap, b"kid", &sealed[..cut]).is_err());
        }
    }

    #[test]
    fn every_purpose_has_a_key_of_its_own() {
        let master = Master::new(&[1; 32]);
        for (at, purpose) in Purpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose as usize, at);
        }
        let macs: std::collections::HashSet<_> = Purpose::ALL
            .map(|purpose| master.mac(purpose, &[b"x"]))
            .into();
        assert_eq!(macs.len(), Purpose::ALL.len());
    }

    #[test]
    fn parts_do_not_run_together() {
        let master = Master::new(&[1; 32]);
        assert_ne!(
            master.mac(Purpose::Form, &[b"ab", b"c"]),
            master.mac(Purpose::Form, &[b"a", b"bc"])
        );
    }

    #[test]
    fn a_key_file_is_made_once_and_read_again() {
        let folder = std::env::temp_dir().join(format!("gerege-master-{}", Rng::System.id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("master.key");
        assert!(Master::load(&file, false, &Rng::System).is_err());
        let made = Master::load(&file, true, &Rng::System).unwrap();
        let read = Master::load(&file, true, &Rng::System).unwrap();
        assert_eq!(made.mac(Purpose::Proof, &[]), read.mac(Purpose::Proof, &[]));
        std::fs::write(&file, b"short").unwrap();
        assert!(Master::load(&file, true, &Rng::System).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
