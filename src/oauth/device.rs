//! The device grant (RFC 8628): an app without a browser shows a code, a person types it elsewhere.

/// Letters of a code that a person types: no vowels, so that no words come about, and none that
/// looks like a digit (RFC 8628 6.1).
pub const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// How many letters such a code has: with the bound on tries, too many to guess (RFC 8628 5.1).
pub const LENGTH: usize = 8;

/// A code that a person types (RFC 8628 3.2, `user_code`), from as many drawn bytes as [`LENGTH`],
/// each below 20.
pub fn user_code(drawn: impl Iterator<Item = u8>) -> String {
    drawn
        .take(LENGTH)
        .map(|at| char::from(LETTERS[usize::from(at) % LETTERS.len()]))
        .collect()
}

/// What a person typed, as a code: in capitals, without dashes and spaces (RFC 8628 6.1). `None`
/// when it can be none.
pub fn typed(text: &str) -> Option<String> {
    let mut code = String::new();
    for letter in text.chars() {
        match letter.to_ascii_uppercase() {
            letter if letter.is_ascii() && LETTERS.contains(&(letter as u8)) => code.push(letter),
            ' ' | '-' | '\u{2010}'..='\u{2015}' | '\u{a0}' | '.' => {}
            _ => return None,
        }
        if code.len() > LENGTH {
            return None;
        }
    }
    (code.len() == LENGTH).then_some(code)
}

/// A code as it is shown, `WDJB-MJHT`: in two halves, which are easier to read (RFC 8628 6.1).
pub fn shown(code: &str) -> String {
    match code.split_at_checked(LENGTH / 2) {
        Some((head, tail)) => format!("{head}-{tail}"),
        None => code.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_typed_code_is_read_as_people_type() {
        for good in [
            "WDJBMJHT",
            "WDJB-MJHT",
            "wdjb-mjht",
            " wdjb mjht ",
            "W.D.J.B\u{2013}M J\u{a0}H T",
        ] {
            assert_eq!(typed(good).as_deref(), Some("WDJBMJHT"), "{good}");
        }
        for bad in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "WDJB-MJHA",
            "WDJB-MJH7",
            "WDJB_MJHT",
            "ШDJBMJHT",
        ] {
            assert_eq!(typed(bad), None, "{bad}");
        }
        assert_eq!(shown("WDJBMJHT"), "WDJB-MJHT");
    }

    proptest! {
        #[test]
        fn every_code_can_be_typed(drawn in proptest::collection::vec(0_u8..20, LENGTH)) {
            let code = user_code(drawn.into_iter());
            prop_assert_eq!(typed(&shown(&code)), Some(code));
        }

        #[test]
        fn any_text_is_a_code_or_none(text in "\\PC{0,30}") {
            if let Some(code) = typed(&text) {
                prop_assert_eq!(code.len(), LENGTH);
            }
        }
    }
}
