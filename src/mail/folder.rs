//! The mailbox of dev mode: each letter as an `.eml` file, and beside it its words as JSON, so
//! that the page that shows it needs no mail parser.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::letter::Letter;
use super::{Error, Failure, Sent};
use crate::clock::Time;

/// A folder of caught letters.
pub struct Folder {
    path: PathBuf,
}

/// A letter that was caught.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caught {
    /// The file's name without `.eml`; sorts by time.
    pub id: String,
    /// When it was written.
    pub date: Time,
    /// The address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The words without marks.
    pub text: String,
    /// The words as HTML.
    pub html: String,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Result<Self, Error> {
        fs::create_dir_all(&path).map_err(|e| Error::Folder(e.to_string()))?;
        Ok(Self { path })
    }

    /// Where the files lie.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn keep(&self, letter: &Letter) -> Result<Sent, Failure> {
        let written = letter.write()?;
        // `2026-11-22T184102.123Z-abc234`: no colon, which not every file system takes.
        let second = letter.date.rfc3339().replace(':', "");
        let second = second.trim_end_matches('Z');
        let milli = letter.date.millis().rem_euclid(1000);
        let id = format!("{second}.{milli:03}Z-{}", letter.id());
        let caught = Caught {
            id,
            date: letter.date,
            to: letter.to.clone(),
            subject: letter.subject.clone(),
            text: letter.text.clone(),
            html: letter.html.clone(),
        };
        let later = |e: io::Error| Failure::Later {
            code: None,
            said: super::clean(&e.to_string()),
        };
        let words = serde_json::to_vec(&caught).map_err(|e| later(e.into()))?;
        // The `.eml` last: where it stands, its words stand too.
        self.put(&format!("{}.json", caught.id), &words)
            .and_then(|()| self.put(&format!("{}.eml", caught.id), &written.bytes))
            .map_err(later)?;
        Ok(Sent { said: caught.id })
    }

    /// All caught letters, newest first.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<Caught>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".eml")) {
                ids.push(id.to_owned());
            }
        }
        ids.sort_unstable_by(|one, two| two.cmp(one));
        // A file that somebody removed meanwhile, or put there, is left out.
        Ok(ids.iter().filter_map(|id| self.read(id)).collect())
    }

    /// One caught letter.
    pub fn read(&self, id: &str) -> Option<Caught> {
        let words = fs::read(self.file(id, "json")?).ok()?;
        serde_json::from_slice(&words).ok()
    }

    /// One caught letter as it would have travelled.
    pub fn raw(&self, id: &str) -> Option<Vec<u8>> {
        fs::read(self.file(id, "eml")?).ok()
    }

    /// The file of an id that came from outside; an id is never a path.
    fn file(&self, id: &str, ending: &str) -> Option<PathBuf> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "-_.+=".contains(c);
        let fits = !id.is_empty() && id.len() <= 250 && id.chars().all(legal);
        (fits && !id.starts_with('.')).then(|| self.path.join(format!("{id}.{ending}")))
    }

    /// Writes beside, then renames: a reader sees the whole file or none.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = self.path.join(format!(".{name}.part"));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600); // codes lie in it
        options.open(&beside)?.write_all(bytes)?;
        fs::rename(&beside, self.path.join(name))
    }
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::super::{Failure, Mailer};
    use super::*;
    use crate::rng::Rng;

    struct Temp(PathBuf);

    impl Drop for Temp {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn folder() -> (Temp, Folder) {
        let path = std::env::temp_dir().join(format!("gerege-mail-{}", Rng::System.id()));
        let folder = Folder::new(path.join("mail")).unwrap();
        (Temp(path), folder)
    }

    #[test]
    fn a_caught_letter_is_listed_and_read() {
        let (_temp, folder) = folder();
        let mut newer = letter();
        newer.message_id = "zzz@steppe.example".into();
        newer.date = Time::from_millis(letter().date.millis() + 1);
        for letter in [&letter(), &newer] {
            folder.keep(letter).unwrap();
        }
        let all = folder.list().unwrap();
        let ids: Vec<&str> = all.iter().map(|caught| caught.id.as_str()).collect();
        let expected = [
            "2026-11-22T184102.124Z-zzz",
            "2026-11-22T184102.123Z-abc234",
        ];
        assert_eq!(ids, expected);
        let caught = folder.read(expected[1]).unwrap();
        assert_eq!(caught, all[1]);
        assert_eq!(caught.text, letter().text);
        assert_eq!(caught.to, letter().to);
        let raw = folder.raw(expected[1]).unwrap();
        assert!(
            raw.starts_with(b"From: "),
            "{}",
            String::from_utf8_lossy(&raw)
        );
        let names = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = names.map(|e| e.unwrap().file_name()).collect();
        names.retain(|name| name.to_string_lossy().ends_with(".part"));
        assert!(names.is_empty());
    }

    #[tokio::test]
    async fn the_same_letter_again_is_one_file() {
        let (_temp, folder) = folder();
        let mailer = Mailer::Folder(folder);
        for _ in 0..2 {
            mailer.send(&letter()).await.unwrap();
        }
        let Mailer::Folder(folder) = mailer else {
            panic!()
        };
        assert_eq!(folder.list().unwrap().len(), 1);
    }

    #[test]
    fn an_id_is_never_a_path() {
        let (temp, folder) = folder();
        let caught = serde_json::to_vec(&folder.keep(&letter()).map(|_| 1).unwrap());
        fs::write(temp.0.join("x.json"), caught.unwrap()).unwrap();
        fs::write(temp.0.join("x.eml"), "x").unwrap();
        for id in [
            "",
            "..",
            "../x",
            "/etc/passwd",
            "a/b",
            "a\\b",
            "a\0",
            ".x.json.part",
        ] {
            assert_eq!(folder.read(id), None, "{id}");
            assert_eq!(folder.raw(id), None, "{id}");
        }
    }

    #[test]
    fn a_folder_that_went_away_is_tried_again() {
        let (temp, folder) = folder();
        fs::remove_dir_all(&temp.0).unwrap();
        assert!(matches!(
            folder.keep(&letter()),
            Err(Failure::Later { code: None, .. })
        ));
        assert!(folder.list().is_err());
    }
}
