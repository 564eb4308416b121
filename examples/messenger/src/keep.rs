//! What the app keeps between two starts: one small file that only its owner can read.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The stay on this device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stay {
    /// Who gave it.
    pub issuer: String,
    /// Which app it was given to.
    pub client: String,
    /// The secret itself.
    pub refresh_token: String,
}

/// The folder of one person on one device, held by one running app.
pub struct Keep {
    folder: PathBuf,
    _lock: File,
}

impl Keep {
    /// Opens the folder, for this app alone: two apps that renew one stay would each spend what
    /// the other just got.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let failed = |why: std::io::Error| format!("Cannot use {}: {why}", folder.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(format!(
                "Another messenger uses {} now. Close it, or choose another folder with --folder.",
                folder.display()
            )),
            Err(TryLockError::Error(why)) => Err(failed(why)),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("stay.json")
    }

    /// What was kept, if anything.
    pub fn load(&self) -> Result<Option<Stay>, String> {
        let path = self.path();
        let failed = |why: std::io::Error| format!("Cannot read {}: {why}", path.display());
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(failed(why)),
        };
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(format!(
                "Others on this machine can read {0}. Whoever did can be you. Sign out, or, if \
                 you trust them: chmod 600 {0}",
                path.display()
            ));
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        // A file that cannot be understood is no stay: the person signs in again.
        Ok(serde_json::from_str(&text).ok())
    }

    /// Keeps `stay` in place of the old one, which is there whole until the new one is.
    pub fn save(&self, stay: &Stay) -> Result<(), String> {
        let path = self.path();
        let failed = |why: std::io::Error| format!("Cannot write {}: {why}", path.display());
        let text = serde_json::to_vec(stay).map_err(|why| why.to_string())?;
        let new = self.folder.join("stay.json.new");
        match fs::remove_file(&new) {
            Err(why) if why.kind() != ErrorKind::NotFound => return Err(failed(why)),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(failed)?;
        file.write_all(&text).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&new, &path).map_err(failed)?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)
    }

    /// Forgets the stay.
    pub fn forget(&self) -> Result<(), String> {
        match fs::remove_file(self.path()) {
            Err(why) if why.kind() != ErrorKind::NotFound => {
                Err(format!("Cannot remove {}: {why}", self.path().display()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stay_is_kept_for_its_owner_alone() {
        let folder = std::env::temp_dir().join(format!("messenger-keep-{}", std::process::id()));
        let keep = Keep::open(&folder).unwrap();
        assert!(Keep::open(&folder).is_err_and(|why| why.contains("Another messenger")));
        assert!(keep.load().unwrap().is_none());
        for word in ["one", "two"] {
            let stay = Stay {
                issuer: "i".into(),
                client: "c".into(),
                refresh_token: word.into(),
            };
            fs::write(folder.join("stay.json.new"), "left by a crash").unwrap();
            keep.save(&stay).unwrap();
            assert!(keep.load().unwrap() == Some(stay));
        }
        let mode = fs::metadata(keep.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(keep.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(keep.load().is_err());
        keep.forget().unwrap();
        keep.forget().unwrap();
        assert!(keep.load().unwrap().is_none());
        drop(keep);
        Keep::open(&folder).unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }
}
