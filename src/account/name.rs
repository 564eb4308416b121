//! The name that others see: any script, nothing that hides or turns the text around it.

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{
    GeneralCategory as Category, GeneralCategoryGroup as Group, UnicodeGeneralCategory as _,
};

use super::Code;

/// The longest name, in Unicode scalar values after NFC.
pub const MOST: usize = 200;

/// The most marks on one letter. Real scripts stack fewer; more would run over other lines.
const MARKS: usize = 8;

/// A name that can be shown: NFC, trimmed, single spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name(String);

impl Name {
    /// Reads a name as typed.
    ///
    /// # Errors
    /// `NameEmpty`, `NameLong`, `NameCharacter`.
    pub fn parse(typed: &str) -> Result<Self, Code> {
        // Far too long to be worth composing: an NFC character is at most 16 bytes before.
        if typed.len() > MOST * 64 {
            let has = typed.chars().count();
            return Err(Code::NameLong { has, most: MOST });
        }
        let name = one_spaced(typed);
        if name.is_empty() {
            return Err(Code::NameEmpty);
        }
        let has = name.chars().count();
        if has > MOST {
            return Err(Code::NameLong { has, most: MOST });
        }
        let mut marks = 0;
        for letter in name.chars() {
            marks = if is_mark(letter) { marks + 1 } else { 0 };
            if !showable(letter) || marks > MARKS {
                return Err(Code::NameCharacter);
            }
        }
        // A mark at the start would sit on the letter before the name.
        if name.starts_with(is_mark) || !name.chars().any(visible) {
            return Err(Code::NameCharacter);
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn one_spaced(typed: &str) -> String {
    let mut out = String::new();
    for word in typed
        .split(|c: char| c.general_category() == Category::SpaceSeparator)
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.trim().nfc().collect()
}

fn is_mark(letter: char) -> bool {
    letter.general_category_group() == Group::Mark
}

fn showable(letter: char) -> bool {
    match letter {
        // Joiners and the Mongolian vowel separator shape letters; the marks of direction are
        // harmless where the name stands isolated.
        '\u{200c}' | '\u{200d}' | '\u{180e}' | '\u{200e}' | '\u{200f}' | '\u{061c}' => true,
        // Noncharacters (Unicode 23.7).
        '\u{fdd0}'..='\u{fdef}' => false,
        _ if u32::from(letter) & 0xfffe == 0xfffe => false,
        _ => !matches!(
            letter.general_category(),
            Category::Control
                | Category::Format
                | Category::PrivateUse
                | Category::Surrogate
                | Category::LineSeparator
                | Category::ParagraphSeparator
        ),
    }
}

fn visible(letter: char) -> bool {
    // Letters and symbols by category, blank by drawing.
    const BLANK: [char; 5] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{2800}'];
    !BLANK.contains(&letter)
        && matches!(
            letter.general_category_group(),
            Group::Letter | Group::Number | Group::Punctuation | Group::Symbol
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_script_is_a_name() {
        for name in [
            "Temuulen Bat",
            "Тэмүүлэн",
            "ᠲᠡᠮᠦᠯᠡᠨ",
            "ᠴᠠᠭ\u{180e}ᠠ",
            "名前",
            "علی\u{200c}رضا",
            "שרה",
            "O’Brien-Łódź",
            "X Æ A-12",
            "👩\u{200d}🚀",
            "N",
            "7",
        ] {
            assert_eq!(Name::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn a_name_is_trimmed_and_composed() {
        let name = Name::parse(" \u{3000}Jose\u{301}\u{a0} \u{2003}Ruiz ").unwrap();
        assert_eq!(name.as_str(), "José Ruiz");
    }

    #[test]
    fn what_cannot_be_shown_is_refused() {
        for name in [
            "a\tb",
            "a\nb",
            "a\u{0}b",
            "a\u{1b}[31m",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200b}b",
            "a\u{2028}b",
            "a\u{feff}b",
            "\u{ad}",
            "\u{200d}\u{200d}",
            "\u{3164}",
            "\u{2800}\u{2800}",
            "\u{301}",
            "\u{301}a",
            "\u{e000}",
            "\u{ffff}",
            "a\u{fdd0}",
            "Z\u{351}\u{352}\u{353}\u{354}\u{355}\u{356}\u{357}\u{358}\u{359}\u{35a}",
        ] {
            assert_eq!(Name::parse(name), Err(Code::NameCharacter), "{name:?}");
        }
    }

    #[test]
    fn a_name_has_1_to_200_characters() {
        assert_eq!(Name::parse(""), Err(Code::NameEmpty));
        assert_eq!(Name::parse(" \u{2003} "), Err(Code::NameEmpty));
        assert!(Name::parse(&"ө".repeat(200)).is_ok());
        assert_eq!(
            Name::parse(&"ө".repeat(201)),
            Err(Code::NameLong {
                has: 201,
                most: 200
            })
        );
    }

    proptest! {
        #[test]
        fn a_parsed_name_is_its_own_parse(typed in "\\PC{0,40}|.{0,40}") {
            if let Ok(name) = Name::parse(&typed) {
                prop_assert_eq!(Name::parse(name.as_str()), Ok(name));
            }
        }
    }
}
