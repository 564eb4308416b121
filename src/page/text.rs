//! The texts: one Fluent file for each language, and which language a person gets.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::Serialize;
use unic_langid::LanguageIdentifier;

use super::Error;

/// Which way a language is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dir {
    /// From the left.
    #[default]
    Ltr,
    /// From the right.
    Rtl,
}

/// A language that Gerege speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lang {
    /// Its BCP 47 tag, such as `de`.
    pub code: String,
    /// Which way it is written.
    pub dir: Dir,
    /// Its own name for itself.
    pub name: String,
}

/// One argument of a text.
pub(super) type Arg = (String, String);

struct Texts {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

/// All languages.
#[derive(Clone)]
pub(super) struct Catalogue {
    texts: Arc<BTreeMap<String, Texts>>,
    /// The languages offered, the default first; empty = all.
    offered: Vec<String>,
}

/// The language that the others fall back to.
pub(super) const FALLBACK: &str = "en";

impl Catalogue {
    /// Reads files named `en.ftl`, `de.ftl` and so on.
    pub(super) fn parse(files: &[(String, String)]) -> Result<Self, Error> {
        let mut texts = BTreeMap::new();
        for (file, source) in files {
            let wrong = |cause: String| Error::Text {
                file: file.clone(),
                cause,
            };
            let code = file.trim_end_matches(".ftl").to_owned();
            let id: LanguageIdentifier = code
                .parse()
                .map_err(|_| wrong("the file is not named after a language".into()))?;
            let resource = FluentResource::try_new(source.clone())
                .map_err(|(_, mistakes)| wrong(format!("{:?}", mistakes.first())))?;
            let mut bundle = FluentBundle::new_concurrent(vec![id]);
            // <bdi> does this in HTML, where it is needed; the marks would stand in codes and links.
            bundle.set_use_isolating(false);
            bundle
                .add_resource(resource)
                .map_err(|mistakes| wrong(format!("{:?}", mistakes.first())))?;
            let own = |id: &str| look_up(&bundle, id, &[]).and_then(Result::ok);
            let lang = Lang {
                name: own("language-name").unwrap_or_else(|| code.clone()),
                dir: match own("language-direction").as_deref() {
                    Some("rtl") => Dir::Rtl,
                    _ => Dir::Ltr,
                },
                code: code.clone(),
            };
            texts.insert(code, Texts { lang, bundle });
        }
        if texts.contains_key(FALLBACK) {
            Ok(Self {
                texts: Arc::new(texts),
                offered: Vec::new(),
            })
        } else {
            Err(Error::Text {
                file: format!("{FALLBACK}.ftl"),
                cause: "the file is missing".into(),
            })
        }
    }

    /// Every language, by tag.
    pub(super) fn languages(&self) -> impl Iterator<Item = &Lang> {
        let offered = |code: &String| self.offered.is_empty() || self.offered.contains(code);
        self.texts
            .values()
            .map(|one| &one.lang)
            .filter(move |lang| offered(&lang.code))
    }

    /// The language of a tag such as `de-AT`: itself, else its primary language.
    pub(super) fn language(&self, tag: &str) -> Option<&Lang> {
        let tag = tag.trim();
        let exact = self
            .languages()
            .find(|lang| lang.code.eq_ignore_ascii_case(tag));
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        exact.or_else(|| {
            self.languages()
                .find(|lang| lang.code.eq_ignore_ascii_case(primary))
        })
    }

    /// The fallback language.
    pub(super) fn fallback(&self) -> Lang {
        let first = self.offered.first().map_or(FALLBACK, String::as_str);
        self.language(first).cloned().unwrap_or(Lang {
            code: FALLBACK.into(),
            dir: Dir::Ltr,
            name: "English".into(),
        })
    }

    /// Offers these languages only, the first being the default; those that there are no texts in
    /// are left out, and none at all means all.
    pub(super) fn offer(&mut self, tags: &[String]) {
        self.offered = tags
            .iter()
            .filter(|tag| self.texts.contains_key(*tag))
            .cloned()
            .collect();
    }

    /// A text; from the fallback language if this one lacks it. `Err` says what is missing.
    pub(super) fn text(&self, code: &str, id: &str, args: &[Arg]) -> Result<String, String> {
        [code, FALLBACK]
            .iter()
            .filter_map(|code| self.texts.get(*code))
            .find_map(|one| look_up(&one.bundle, id, args))
            .unwrap_or_else(|| Err(format!("no text \"{id}\" in {code}")))
    }
}

fn look_up(
    bundle: &FluentBundle<FluentResource>,
    id: &str,
    args: &[Arg],
) -> Option<Result<String, String>> {
    let pattern = bundle.get_message(id)?.value()?;
    let args: FluentArgs = args
        .iter()
        .map(|(name, value)| (Cow::Borrowed(name.as_str()), number_or_text(value)))
        .collect();
    let mut mistakes = Vec::new();
    let text = bundle
        .format_pattern(pattern, Some(&args), &mut mistakes)
        .into_owned();
    Some(match mistakes.first() {
        None => Ok(text),
        Some(mistake) => Err(format!("text \"{id}\": {mistake}")),
    })
}

/// A whole number chooses plural forms; anything that a number would print differently stays text.
fn number_or_text(value: &str) -> FluentValue<'_> {
    match value.parse::<u32>() {
        Ok(number) if number.to_string() == value => FluentValue::from(number),
        _ => FluentValue::from(value),
    }
}

/// The tags of an `Accept-Language` header, best first (RFC 9110 12.5.4). Mistakes are skipped.
pub(super) fn accepted(header: &str) -> Vec<&str> {
    let mut tags: Vec<(u16, &str)> = header
        .split(',')
        .take(32)
        .filter_map(|range| {
            let mut parts = range.split(';');
            let tag = parts.next()?.trim();
            let weight = parts
                .find_map(|part| part.trim().strip_prefix("q="))
                .map_or(Some(1000), weight)?;
            (!tag.is_empty() && weight > 0).then_some((weight, tag))
        })
        .collect();
    tags.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    tags.into_iter().map(|(_, tag)| tag).collect()
}

/// `0.8` as 800 (RFC 9110 12.4.2: at most three digits).
fn weight(text: &str) -> Option<u16> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let part = format!("{part:0<3}");
    match (whole, part.len()) {
        ("0", 3) => part.parse().ok(),
        ("1", 3) if part == "000" => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Catalogue {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        Catalogue::parse(&[
            file("en.ftl", "hello = Hello { $who }\nonly = Only here\n"),
            file("ar.ftl", "language-direction = rtl\nhello = { $who }!\n"),
        ])
        .unwrap()
    }

    #[test]
    fn the_best_accepted_language_comes_first() {
        let cases = [
            ("de", vec!["de"]),
            ("en;q=0.5, de", vec!["de", "en"]),
            ("da, en-GB;q=0.8, en;q=0.7", vec!["da", "en-GB", "en"]),
            ("de;q=0, en;q=0.001", vec!["en"]),
            ("de;q=2, ;q=1, en;q=x", vec![]),
            ("", vec![]),
        ];
        for (header, tags) in cases {
            assert_eq!(accepted(header), tags, "{header}");
        }
    }

    #[test]
    fn a_tag_finds_its_primary_language() {
        let all = two();
        assert_eq!(all.language("AR-eg").unwrap().dir, Dir::Rtl);
        assert_eq!(all.language("en_GB").unwrap().code, "en");
        assert!(all.language("mn").is_none());
    }

    #[test]
    fn a_text_falls_back_and_a_missing_argument_is_told() {
        let all = two();
        let who = [("who".to_owned(), "007".to_owned())];
        assert_eq!(all.text("ar", "hello", &who).unwrap(), "007!");
        assert_eq!(all.text("ar", "only", &[]).unwrap(), "Only here");
        assert!(all.text("en", "hello", &[]).is_err());
        assert!(all.text("en", "nothing", &[]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_header_breaks_the_choice(header in ".*") {
            let all = two();
            for tag in accepted(&header) {
                let _ = all.language(tag);
            }
        }
    }

    #[test]
    fn an_operator_chooses_the_languages() {
        let mut both = two();
        let all = both.languages().count();
        let other = both.languages().find(|lang| lang.code != FALLBACK).cloned();
        let other = other.expect("two languages");
        both.offer(&[other.code.clone(), "xx".into()]);
        assert_eq!(both.languages().count(), 1);
        assert_eq!(both.fallback().code, other.code);
        assert!(both.language(FALLBACK).is_none());
        both.offer(&[]);
        assert_eq!(both.languages().count(), all);
    }
}
