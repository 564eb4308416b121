//! A question in words: an operator's list as TOML, each with the answers that are taken.
//! `[[question]]`, `ask = "…"`, `answers = ["…", …]`, and where it is not for everyone
//! `language = "de"`.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use toml_edit::{DocumentMut, Item, Table};
use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};

use super::draw::Draw;

/// The sample that serves until the operator writes a list.
const SAMPLE: &str = include_str!("questions.toml");

/// Why a list cannot be used: every mistake in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Mistakes(pub Vec<String>);

/// One question.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    ask: String,
    /// As they are compared, see [`plain`].
    answers: Vec<String>,
    /// Whom it is asked; everyone where it says none.
    language: Option<String>,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Question({:?})", self.ask)
    }
}

impl Question {
    /// The question as it is shown.
    pub fn ask(&self) -> &str {
        &self.ask
    }

    /// The tag of its language, where it says one.
    pub fn language(&self) -> Option<&str> {
        self.language.as_deref()
    }

    /// Whether it is asked who reads `language`.
    fn is_for(&self, language: &str) -> bool {
        let own = self.language.as_deref();
        own.is_none_or(|own| primary(own).eq_ignore_ascii_case(primary(language)))
    }

    /// Whether `typed` is one of the answers; capitals, accents, punctuation and spaces are
    /// forgiven.
    pub fn matches(&self, typed: &str) -> bool {
        // Longer than any answer that makes sense; cut before it costs anything.
        let typed: String = typed.chars().take(200).collect();
        let typed = plain(&typed);
        // No early end: the time does not tell which answer was near.
        self.answers.iter().fold(false, |found, answer| {
            found | verify_slices_are_equal(answer.as_bytes(), typed.as_bytes()).is_ok()
        })
    }
}

/// `de` of `de-AT`.
fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or_default()
}

/// A list of questions; never empty.
#[derive(Clone, Debug)]
pub struct Questions(Vec<Question>);

impl Questions {
    /// The sample inside the program, in the languages of the program.
    ///
    /// # Errors
    /// None in a built program: a test reads the sample.
    pub fn sample() -> Result<Self, Mistakes> {
        Self::parse(SAMPLE)
    }

    /// Reads an operator's list.
    ///
    /// # Errors
    /// [`Mistakes`], all at once: broken TOML, unknown keys, a question without words or answers,
    /// an answer without a letter or digit, an empty list.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        let document: DocumentMut = text
            .parse()
            .map_err(|error: toml_edit::TomlError| Mistakes(vec![error.to_string()]))?;
        let mut mistakes: Vec<String> = document
            .iter()
            .filter(|(key, _)| *key != "question")
            .map(|(key, _)| format!("“{key}” is not a key of a list of questions; “question” is"))
            .collect();
        let tables = document.get("question").and_then(Item::as_array_of_tables);
        let mut questions = Vec::new();
        for (number, table) in tables.iter().flat_map(|tables| tables.iter()).enumerate() {
            match question(table) {
                Ok(question) => questions.push(question),
                Err(why) => mistakes.push(format!("question {}: {why}", number + 1)),
            }
        }
        if questions.is_empty() && mistakes.is_empty() {
            mistakes.push("there is no question in the list".to_owned());
        }
        if mistakes.is_empty() {
            Ok(Self(questions))
        } else {
            Err(Mistakes(mistakes))
        }
    }

    /// How many questions there are for who reads `language`.
    pub fn count(&self, language: &str) -> usize {
        self.0.iter().filter(|one| one.is_for(language)).count()
    }

    /// The question of `seed` for who reads `language`, if there is any: the same seed and list
    /// give the same question again.
    pub fn pick(&self, seed: &[u8; 32], language: &str) -> Option<&Question> {
        let mut asked = self.0.iter().filter(|one| one.is_for(language));
        let count = self.count(language);
        asked.nth(Draw::new(seed, "question").below(count.max(1)))
    }
}

fn question(table: &Table) -> Result<Question, String> {
    if let Some((key, _)) = table
        .iter()
        .find(|(key, _)| !matches!(*key, "ask" | "answers" | "language"))
    {
        return Err(format!(
            "“{key}” is not a key of a question; “ask”, “answers” and “language” are"
        ));
    }
    let ask = table.get("ask").and_then(Item::as_str).unwrap_or_default();
    if plain(ask).is_empty() {
        return Err("“ask” has no words".to_owned());
    }
    let given = table.get("answers").and_then(Item::as_array);
    let mut answers = Vec::new();
    for value in given.iter().flat_map(|given| given.iter()) {
        let answer = value.as_str().map(plain).unwrap_or_default();
        if answer.is_empty() {
            return Err(format!(
                "the answer {value} has no letter or digit; write it in quotes"
            ));
        }
        answers.push(answer);
    }
    if answers.is_empty() {
        return Err("“answers” has no answer".to_owned());
    }
    let language = match table.get("language").map(Item::as_str) {
        None => None,
        Some(Some(tag)) if is_tag(tag) => Some(tag.to_owned()),
        Some(_) => return Err("“language” is a tag such as \"en\" or \"de\"".to_owned()),
    };
    Ok(Question {
        ask: ask.trim().to_owned(),
        answers,
        language,
    })
}

/// RFC 5646 2.1, as far as letters, digits and hyphens go.
fn is_tag(tag: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    tag.len() <= 35
        && tag.starts_with(|first: char| first.is_ascii_alphabetic())
        && tag.bytes().all(plain)
}

/// Letters and digits in small letters without accents (Unicode NFKD), one space between words.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut gap = false;
    for sign in text.nfkd().flat_map(char::to_lowercase).nfkd() {
        match sign.general_category_group() {
            GeneralCategoryGroup::Letter | GeneralCategoryGroup::Number => {
                if gap && !out.is_empty() {
                    out.push(' ');
                }
                gap = false;
                out.push(sign);
            }
            // Accents, and what input methods leave unseen, part no words; nor do apostrophes.
            GeneralCategoryGroup::Mark => {}
            GeneralCategoryGroup::Other if !sign.is_control() => {}
            _ if matches!(sign, '\'' | '’') => {}
            _ => gap = true,
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Result<Questions, Mistakes> {
        Questions::parse(text)
    }

    #[test]
    fn the_sample_has_a_dozen_questions_and_each_takes_its_answers() {
        let sample = Questions::sample().unwrap();
        for language in ["en", "de", "de-AT"] {
            assert!(sample.count(language) >= 12, "{language}");
        }
        let horse = &sample.0[0];
        for typed in [
            "horse",
            "Horse",
            " a HORSE. ",
            "“horse”",
            "the horse!",
            "hórse",
        ] {
            assert!(horse.matches(typed), "{typed}");
        }
        for typed in [
            "",
            " ",
            "table",
            "horse table",
            "horsetable",
            "table horse Tuesday",
        ] {
            assert!(!horse.matches(typed), "{typed}");
        }
    }

    #[test]
    fn a_seed_picks_the_same_question_again_and_every_question_is_picked() {
        let sample = Questions::sample().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..=255 {
            let picked = sample.pick(&[seed; 32], "de").unwrap();
            assert_eq!(picked, sample.pick(&[seed; 32], "de").unwrap());
            assert_eq!(picked.language(), Some("de"));
            seen.insert(picked.ask().to_owned());
        }
        assert_eq!(seen.len(), sample.count("de"));
        assert_eq!(sample.pick(&[0; 32], "mn"), None);
    }

    #[test]
    fn an_operators_list_may_be_in_any_script() {
        let questions =
            list("[[question]]\nask = \"Монгол Улсын нийслэл?\"\nanswers = [\"Улаанбаатар\"]\n")
                .unwrap();
        // Nothing says for whom: it is for everyone.
        let first = questions.pick(&[0; 32], "en").unwrap();
        assert_eq!(first.language(), None);
        assert!(first.matches(" УЛААНБААТАР "));
        assert!(!first.matches("Дархан"));
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let Mistakes(told) = list(
            "name = 1\n[[question]]\nask = \"?\"\nanswers = [\"a\"]\n[[question]]\nask = \"a\"\n\
             [[question]]\nask = \"a\"\nanswers = [7]\n[[question]]\nask = \"a\"\nanswer = [\"b\"]\n\
             [[question]]\nask = \"a\"\nanswers = [\"b\"]\nlanguage = \"d e\"\n",
        )
        .unwrap_err();
        assert_eq!(told.len(), 6, "{told:?}");
        assert!(told[1].starts_with("question 1"));
        assert!(told[4].contains("“answer”"));
        for text in ["", "# nothing", "question = 1", "[[question"] {
            assert!(list(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_question_does_not_show_its_answers() {
        assert!(!format!("{:?}", Questions::sample().unwrap()).contains("dniw"));
    }

    proptest::proptest! {
        #[test]
        fn no_list_panics(text in "[\\[\\]a-z=\"\n ]{0,60}|.{0,60}") {
            if let Ok(questions) = Questions::parse(&text) {
                proptest::prop_assert!(!questions.0.is_empty());
            }
        }

        #[test]
        fn plain_words_stay_as_they_are(text in ".{0,40}") {
            proptest::prop_assert_eq!(plain(&plain(&text)), plain(&text));
        }
    }
}
