//! Whether the files that the configuration names can be used: what would stop the start, before
//! the start.

use std::fs::OpenOptions;
use std::path::Path;

use crate::app;
use crate::call::Caller;
use crate::config::{Config, Mistake, Origin};
use crate::keys::Master;
use crate::keys::certificate::Authority;
use crate::page::Engine;
use crate::rng::Rng;
use crate::web::{self, Unshown};

/// What is wrong with the files, in the order of the configuration.
pub fn judge(config: &Config) -> Vec<Mistake> {
    let mut desk = Desk {
        config,
        mistakes: Vec::new(),
    };
    desk.master_key();
    desk.certificate();
    desk.authorities();
    desk.questions();
    desk.theme();
    desk.log();
    desk.mistakes
}

struct Desk<'a> {
    config: &'a Config,
    mistakes: Vec<Mistake>,
}

impl Desk<'_> {
    fn wrong(&mut self, key: &str, what: impl ToString, fix: &str) {
        let origin = self.config.origins.get(key).cloned();
        self.mistakes.push(Mistake {
            origin: origin.unwrap_or(Origin::Default),
            key: key.to_owned(),
            what: what.to_string(),
            fix: fix.to_owned(),
        });
    }

    fn master_key(&mut self) {
        let (key, file) = ("master_key_file", &self.config.master_key_file);
        if file.exists() {
            if let Err(error) = Master::load(file, false, &Rng::System) {
                self.wrong(
                    key,
                    error,
                    "name a file of 32 bytes that this user may read",
                );
            }
        } else if !matches!(self.config.origins.get(key), Some(Origin::Default) | None)
            && !is_folder(file.parent())
        {
            let what = format!("{} is not there, nor its folder", file.display());
            self.wrong(
                key,
                what,
                "put the key there, or leave master_key_file out for one in the data folder",
            );
        }
    }

    fn certificate(&mut self) {
        let Some(tls) = &self.config.listen.tls else {
            return;
        };
        match web::certificate(tls) {
            Ok(()) => {}
            Err(Unshown::Cert(what)) => self.wrong(
                "listen.tls_cert",
                what,
                "name a PEM file with the whole chain that this user may read",
            ),
            Err(Unshown::Key(what)) => self.wrong(
                "listen.tls_key",
                what,
                "name the PEM file of the certificate's private key, which this user may read",
            ),
            Err(Unshown::Pair(what)) => self.wrong(
                "listen.tls_key",
                what,
                "name the key that listen.tls_cert was made for",
            ),
        }
    }

    fn authorities(&mut self) {
        let fix = "name a file with certificates in PEM, or leave it out";
        if let Err(error) = Caller::new(&self.config.network) {
            self.wrong("network.ca_file", error, fix);
        }
        let mtls = self.config.mtls.as_ref();
        if let Some(file) = mtls.and_then(|mtls| mtls.ca_file.as_deref())
            && let Err(error) = Authority::load(file)
        {
            self.wrong("mtls.ca_file", error, fix);
        }
    }

    fn questions(&mut self) {
        if let Err(error) = app::questions(self.config) {
            let fix = "write it as docs/operate.md shows, or leave it out";
            self.wrong("check.questions_file", error, fix);
        }
    }

    fn theme(&mut self) {
        let dir = &self.config.theme.dir;
        if let Some(dir) = dir
            && !is_folder(Some(dir))
        {
            let what = format!("{} is no folder", dir.display());
            return self.wrong("theme.dir", what, "name the folder, or leave it out");
        }
        match Engine::new(dir.clone()) {
            Err(error) => self.wrong("theme.dir", error, "mend the file, or leave the folder out"),
            Ok(engine) => {
                let known: Vec<String> = engine.languages().map(|lang| lang.code.clone()).collect();
                let asked = &self.config.theme.languages;
                for tag in asked.iter().filter(|tag| !known.contains(tag)) {
                    let what = format!("there are no texts in {tag}");
                    let fix = format!(
                        "choose among {}, or put locales/{tag}.ftl into theme.dir",
                        known.join(", ")
                    );
                    self.wrong("theme.languages", what, &fix);
                }
            }
        }
    }

    fn log(&mut self) {
        let Some(file) = &self.config.log.file else {
            return;
        };
        let fix = "set log.file to a place that this user may write";
        if !file.exists() {
            if !is_folder(file.parent()) {
                let what = format!("the folder of {} is not there", file.display());
                self.wrong("log.file", what, fix);
            }
        } else if let Err(error) = OpenOptions::new().append(true).open(file) {
            self.wrong("log.file", format!("{}: {error}", file.display()), fix);
        }
    }
}

/// Whether a folder is there; the empty path is the one where we stand.
fn is_folder(path: Option<&Path>) -> bool {
    path.is_some_and(|path| path.as_os_str().is_empty() || path.is_dir())
}
