//! Names that strangers give to apps: nothing that hides, piles up, or could be taken for an
//! address on the web or for another name.

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{
    GeneralCategory as Category, GeneralCategoryGroup as Group, UnicodeGeneralCategory as _,
};

use super::username::skeleton;

/// The longest, in characters: it stands on pages.
pub const MOST: usize = 80;

/// The most marks on one letter: a vowel and a tone, as in Thai.
const MARKS: usize = 2;

/// Reads the name of an app as a stranger sent it: composed, trimmed, single spaces.
///
/// # Errors
/// What is wrong with it, to follow the name of the member.
pub fn read(typed: &str) -> Result<String, &'static str> {
    let name: String = typed.trim().nfc().collect();
    if name.is_empty() || name.chars().count() > MOST {
        return Err("is empty or longer than 80 characters");
    }
    let mut marks = 0;
    for letter in name.chars() {
        // Spacing marks stand beside their letter, and do not pile up.
        let mark = matches!(
            letter.general_category(),
            Category::NonspacingMark | Category::EnclosingMark
        );
        marks = if mark { marks + 1 } else { 0 };
        if is_hidden(letter) || letter != ' ' && is_space(letter) {
            return Err("holds characters that are hidden, blank or not assigned");
        }
        if marks > MARKS {
            return Err("holds more than two marks on one letter");
        }
    }
    let first = name
        .chars()
        .next()
        .map(|first| first.general_category_group());
    if first == Some(Group::Mark) || !name.chars().any(char::is_alphanumeric) {
        return Err("holds no letter or digit, or begins with a mark");
    }
    if name.contains('/') || is_like_link(&name) {
        return Err("holds what could be taken for an address on the web");
    }
    let words: Vec<&str> = name.split(' ').filter(|word| !word.is_empty()).collect();
    Ok(words.join(" "))
}

fn is_space(letter: char) -> bool {
    letter.general_category() == Category::SpaceSeparator
}

/// Whether a character shows nothing by itself, or turns or breaks the text around it: controls,
/// formats, default-ignorable and blank ones (Unicode 5.21), and those that are not assigned.
pub fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2065}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}'
    ) || matches!(
        letter.general_category(),
        Category::Control
            | Category::Format
            | Category::PrivateUse
            | Category::Surrogate
            | Category::Unassigned
            | Category::LineSeparator
            | Category::ParagraphSeparator
    )
}

/// Whether a text holds what a mail program would make a link of, or a person would take for one.
pub fn is_like_link(text: &str) -> bool {
    let plain: String = text.nfkc().collect::<String>().to_lowercase();
    let plain = plain.replace(['\u{3002}', '\u{ff61}'], ".");
    if plain.contains("://") || plain.contains("www.") {
        return true;
    }
    plain
        .split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-'))
        .any(|word| {
            let host = word.trim_matches('.').rsplit_once('.');
            host.is_some_and(|(before, last)| {
                before.ends_with(char::is_alphanumeric)
                    && last.starts_with(char::is_alphabetic)
                    && last.chars().count() > 1
            })
        })
}

/// Whether two names could be taken for each other.
pub fn is_alike(one: &str, other: &str) -> bool {
    let one = letters(one);
    !one.is_empty() && one == letters(other)
}

/// Whether `owner` stands in a name, as words of its own, or as all of it: such a name seems to
/// speak for it.
pub fn speaks_for(name: &str, owner: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .map(letters)
            .filter(|word| !word.is_empty())
            .collect()
    };
    let (said, own) = (words(name), words(owner));
    is_alike(name, owner)
        || !own.is_empty() && said.windows(own.len()).any(|part| part == own.as_slice())
}

/// What a name looks like, without what stands between its letters.
fn letters(name: &str) -> String {
    let seen = skeleton(&name.nfkc().collect::<String>());
    seen.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_apps_in_any_script_are_read() {
        for name in [
            "Forum",
            "Хөх тал",
            "チャット",
            "แอปที่ดี",
            "हिन्दी ज़िंदगी",
            "C++ & friends: chat, v2.0",
            "Notes (beta)",
            "Ω 7",
        ] {
            assert_eq!(read(name).as_deref(), Ok(name));
        }
        assert_eq!(read("  Cafe\u{301}   one ").as_deref(), Ok("Café one"));
    }

    #[test]
    fn names_that_hide_pile_up_or_lead_away_are_refused() {
        for name in [
            "",
            " ",
            "\u{2800}",
            "\u{3164}",
            "\u{34f}",
            "a\u{34f}b",
            "a\u{2003}b",
            "A\u{300}\u{301}\u{302}\u{303}",
            "\u{e0041}\u{e0042}",
            "Bank\u{fe0f}",
            "\u{202e}evil",
            "a\u{200b}b",
            "a\nb",
            "\u{e000}",
            "\u{378}",
            "\u{301}a",
            "…",
            "prize: www.evil-prize.example/go",
            "http://evil.example",
            "at forum.example now",
            "forum\u{ff0e}example",
            "forum\u{3002}example",
            "a/b",
            "you@forum.example",
        ] {
            assert!(read(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_a_mail_program_would_link_is_a_link() {
        for (text, wanted) in [
            ("Temuulen Bat", false),
            ("J. R. R. Tolkien", false),
            ("St. Petersburg", false),
            ("version 2.0", false),
            ("go to evil.example", true),
            ("evil.example.", true),
            ("WWW.x", true),
            ("x://y", true),
            ("пример.рф", true),
        ] {
            assert_eq!(is_like_link(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_name_that_could_be_taken_for_another_is_alike() {
        for (one, other, wanted) in [
            ("Gerege", "gerege", true),
            ("G\u{435}r\u{435}ge", "Gerege", true),
            ("Steppe-Chat", "steppe chat", true),
            ("Steppe", "Steppe chat", false),
            ("…", "!", false),
        ] {
            assert_eq!(is_alike(one, other), wanted, "{one} {other}");
        }
        for (name, owner, wanted) in [
            ("Gerege settings", "Gerege", true),
            ("Checked by \u{ff27}erege!", "Gerege", true),
            ("Ger ege", "Gerege", true),
            ("Steppe ID: help", "Steppe ID", true),
            ("Steppe", "Steppe ID", false),
            ("Geregeland", "Gerege", false),
        ] {
            assert_eq!(speaks_for(name, owner), wanted, "{name} {owner}");
        }
    }
}
