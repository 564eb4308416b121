//! The desk at which typed values are taken up one by one, put into form, and complained of.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Shown;
use super::file::{Typed, Value, typing};
use super::form::Wrong;
use super::key::{KEYS, key};
use super::mistake::Origin;

/// Where typed values are taken from, one by one, and mistakes are noted.
pub(super) struct Desk {
    /// What was typed, and what is wrong with it.
    pub typed: Typed,
    /// Where each key read so far came from.
    pub origins: BTreeMap<&'static str, Origin>,
    /// What counts for each key read so far.
    pub shown: BTreeMap<&'static str, Value>,
}

impl Desk {
    /// What was typed for `path`, else the default. An empty text is as good as none.
    pub(super) fn value(&mut self, path: &'static str) -> Value {
        let preset = key(path).map_or(Value::Flag(false), |key| key.preset());
        let (value, origin) = match self.typed.values.get(path) {
            Some((Value::Text(text), _)) if text.is_empty() => (preset, Origin::Default),
            Some(typed) => typed.clone(),
            None => (preset, Origin::Default),
        };
        self.origins.insert(path, origin);
        self.shown.insert(path, value.clone());
        value
    }

    pub(super) fn text(&mut self, path: &'static str) -> String {
        match self.value(path) {
            Value::Text(text) => text,
            _ => String::new(),
        }
    }

    pub(super) fn some_text(&mut self, path: &'static str) -> Option<String> {
        Some(self.text(path)).filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&mut self, path: &'static str) -> bool {
        self.value(path) == Value::Flag(true)
    }

    pub(super) fn number<T: TryFrom<i64> + Default>(&mut self, path: &'static str) -> T {
        match self.value(path) {
            Value::Number(number) => T::try_from(number).unwrap_or_default(),
            _ => T::default(),
        }
    }

    pub(super) fn span(&mut self, path: &'static str, unit: u64) -> Duration {
        Duration::from_secs(self.number::<u64>(path).saturating_mul(unit))
    }

    pub(super) fn list(&mut self, path: &'static str) -> Vec<String> {
        match self.value(path) {
            Value::List(list) => list,
            _ => Vec::new(),
        }
    }

    /// A path; relative ones of the file, and defaults, start at the file's folder.
    pub(super) fn path(&mut self, path: &'static str) -> Option<PathBuf> {
        let text = self.some_text(path)?;
        let whole = self.place(path, text);
        self.show(path, whole.display().to_string());
        Some(whole)
    }

    pub(super) fn place(&self, path: &str, text: String) -> PathBuf {
        match self.origins.get(path) {
            Some(Origin::Env(_)) => PathBuf::from(text),
            _ => self.typed.folder.join(text),
        }
    }

    /// A text of a certain form; nothing when it is empty or wrong.
    pub(super) fn form<T>(
        &mut self,
        path: &'static str,
        form: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = self.some_text(path)?;
        form(&text).map_err(|wrong| self.wrong(path, wrong)).ok()
    }

    /// A list whose members have a certain form.
    pub(super) fn forms<T>(
        &mut self,
        path: &'static str,
        form: impl Fn(&str) -> Result<T, Wrong>,
    ) -> Vec<T> {
        let mut right = Vec::new();
        for text in self.list(path) {
            match form(&text) {
                Ok(one) => right.push(one),
                Err(wrong) => self.wrong(path, wrong),
            }
        }
        right
    }

    /// Shows another value than the one typed: the one that counts.
    pub(super) fn show(&mut self, path: &'static str, text: String) {
        self.shown.insert(path, Value::Text(text));
    }

    pub(super) fn wrong(&mut self, path: &'static str, wrong: Wrong) {
        let Some(key) = key(path) else { return };
        let origin = self.origins.get(path).cloned().unwrap_or(Origin::Default);
        let fix = match wrong.value {
            Some(value) => typing(key, &origin, &value),
            None => wrong.fix,
        };
        self.typed.wrong(key, origin, wrong.what, fix);
    }

    /// None of these keys is wrong by itself, so what they say together can be judged.
    pub(super) fn sound(&self, paths: &[&str]) -> bool {
        !paths.iter().any(|path| self.typed.spoilt.contains(path))
    }

    /// Every key as `gerege config show` prints it.
    pub(super) fn lines(&self) -> Vec<Shown> {
        KEYS.iter()
            .filter_map(|key| {
                let origin = self.origins.get(key.path)?;
                let value = self.shown.get(key.path)?;
                // The shown form of database.url was stripped of its secret above.
                let hide = key.secret && key.path != "database.url" && *value != key.preset();
                Some(Shown {
                    key: key.path,
                    value: if hide {
                        "(hidden)".into()
                    } else {
                        value.toml()
                    },
                    origin: origin.to_string(),
                    default: *origin == Origin::Default,
                })
            })
            .collect()
    }
}
