//! Static files, templates and texts: embedded, and overridden file by file from a folder.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use rust_embed::{EmbeddedFile, RustEmbed};

use super::Error;

#[derive(RustEmbed)]
#[folder = "templates"]
struct Templates;

#[derive(RustEmbed)]
#[folder = "locales"]
struct Locales;

#[derive(RustEmbed)]
#[folder = "static"]
struct Static;

/// A static file, ready to be sent.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type.
    pub content_type: &'static str,
    /// A strong entity tag with its quotes (RFC 9110 8.8.3), made from the content.
    pub etag: String,
}

/// The names of the embedded templates.
pub(super) fn template_names() -> impl Iterator<Item = String> {
    Templates::iter().map(Cow::into_owned)
}

/// The names of the embedded static files.
pub(super) fn static_names() -> impl Iterator<Item = String> {
    Static::iter().map(Cow::into_owned)
}

/// Where files come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    folder: Option<PathBuf>,
}

impl Source {
    pub(super) fn new(folder: Option<PathBuf>) -> Result<Self, Error> {
        if let Some(path) = &folder
            && !path.is_dir()
        {
            return Err(Error::Folder {
                path: path.display().to_string(),
                source: std::io::ErrorKind::NotADirectory.into(),
            });
        }
        Ok(Self { folder })
    }

    /// A template's text.
    pub(super) fn template(&self, name: &str) -> Result<Option<String>, Error> {
        self.text("templates", name, Templates::get(name))
    }

    /// Every file of texts, as name and content.
    pub(super) fn locales(&self) -> Result<Vec<(String, String)>, Error> {
        let mut names: Vec<String> = Locales::iter().map(Cow::into_owned).collect();
        if let Some(folder) = self.folder.as_ref().map(|folder| folder.join("locales"))
            && folder.is_dir()
        {
            let broken = |source| Error::Folder {
                path: folder.display().to_string(),
                source,
            };
            for entry in std::fs::read_dir(&folder).map_err(broken)? {
                names.push(
                    entry
                        .map_err(broken)?
                        .file_name()
                        .to_string_lossy()
                        .into_owned(),
                );
            }
        }
        names.retain(|name| name.ends_with(".ftl"));
        names.sort();
        names.dedup();
        let mut files = Vec::new();
        for name in names {
            if let Some(text) = self.text("locales", &name, Locales::get(&name))? {
                files.push((name, text));
            }
        }
        Ok(files)
    }

    /// A static file.
    pub(super) fn asset(&self, path: &str) -> Option<Asset> {
        let content_type = content_type(path)?;
        let embedded = Static::get(path);
        if let Some(bytes) = self.overridden("static", path).ok().flatten() {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
            return Some(Asset {
                etag: etag(digest.as_ref()),
                bytes: Cow::Owned(bytes),
                content_type,
            });
        }
        embedded.map(|file| Asset {
            etag: etag(&file.metadata.sha256_hash()),
            bytes: file.data,
            content_type,
        })
    }

    fn text(
        &self,
        part: &str,
        name: &str,
        embedded: Option<EmbeddedFile>,
    ) -> Result<Option<String>, Error> {
        let bytes = match self.overridden(part, name)? {
            Some(bytes) => Some(bytes),
            None => embedded.map(|file| file.data.into_owned()),
        };
        bytes
            .map(|bytes| {
                String::from_utf8(bytes).map_err(|_| Error::Text {
                    file: name.to_owned(),
                    cause: "it is not UTF-8".into(),
                })
            })
            .transpose()
    }

    /// A file of the operator's folder. Only plain names below it: `..` and `/etc` find nothing.
    fn overridden(&self, part: &str, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        if !Path::new(name)
            .components()
            .all(|one| matches!(one, Component::Normal(_)))
        {
            return Ok(None);
        }
        let path = folder.join(part).join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(source) if !path.is_file() => {
                tracing::trace!(path = %path.display(), %source, "no override");
                Ok(None)
            }
            Err(source) => Err(Error::Folder {
                path: path.display().to_string(),
                source,
            }),
        }
    }
}

/// The first 16 bytes of a SHA-256, in hex and quotes.
fn etag(digest: &[u8]) -> String {
    let mut tag = String::from("\"");
    for byte in digest.iter().take(16) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Only these kinds of files are sent.
fn content_type(path: &str) -> Option<&'static str> {
    Some(match path.rsplit('.').next()? {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_wins_and_nothing_outside_the_folder_is_reached() {
        let folder = std::env::temp_dir().join(format!("gerege-page-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("static")).unwrap();
        std::fs::write(folder.join("static/gerege.css"), "body{}").unwrap();
        std::fs::write(folder.join("secret.txt"), "no").unwrap();
        let own = Source::new(Some(folder.clone())).unwrap();
        let embedded = Source::default();
        assert_eq!(own.asset("gerege.css").unwrap().bytes.as_ref(), b"body{}");
        assert_ne!(
            own.asset("gerege.css").unwrap().etag,
            embedded.asset("gerege.css").unwrap().etag
        );
        assert_eq!(
            own.asset("logo.svg").unwrap().etag,
            embedded.asset("logo.svg").unwrap().etag
        );
        for path in [
            "../secret.txt",
            "/etc/hosts.txt",
            "a/../../secret.txt",
            "",
            "nothing.css",
        ] {
            assert!(own.asset(path).is_none(), "{path}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_missing_is_told() {
        assert!(Source::new(Some(PathBuf::from("no/such/folder"))).is_err());
    }
}
