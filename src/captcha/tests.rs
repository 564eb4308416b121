//! The sentences that the security check keeps.

use super::*;

fn challenge(number: u8) -> Challenge {
    Challenge::new([number; 32], 6)
}

#[test]
fn a_seed_gives_the_same_picture_and_sound_again() {
    assert_eq!(
        challenge(1).picture().unwrap(),
        challenge(1).picture().unwrap()
    );
    assert_eq!(
        challenge(1).sound("en").unwrap(),
        challenge(1).sound("en").unwrap()
    );
    assert_ne!(
        challenge(1).picture().unwrap(),
        challenge(2).picture().unwrap()
    );
    assert_ne!(challenge(1).letters(), challenge(2).letters());
    assert_ne!(challenge(1).digits(), challenge(2).digits());
}

#[test]
fn letters_come_from_the_alphabet_in_the_asked_length() {
    for number in 0..50 {
        let letters = challenge(number).letters();
        assert_eq!(letters.len(), 6);
        assert!(letters.chars().all(|sign| ALPHABET.contains(sign)));
        let digits = challenge(number).digits();
        assert_eq!(digits.len(), DIGITS);
        assert!(digits.bytes().all(|digit| digit.is_ascii_digit()));
    }
    assert_eq!(Challenge::new([0; 32], 99).letters().len(), 8);
    assert_eq!(Challenge::new([0; 32], 0).letters().len(), 4);
}

#[test]
fn a_picture_is_a_png_of_twice_the_shown_size_below_40_kb() {
    for number in 0..5 {
        for length in 4..=8 {
            let picture = Challenge::new([number; 32], length).picture().unwrap();
            assert!(picture.len() < 40_000, "{}", picture.len());
            let reader = png::Decoder::new(std::io::Cursor::new(picture))
                .read_info()
                .unwrap();
            assert_eq!((reader.info().width, reader.info().height), (800, 240));
        }
    }
}

#[test]
fn a_sound_is_a_wav_of_16_bits_below_500_kb() {
    for language in ["en", "de", "de-AT", "mn", ""] {
        let sound = challenge(9).sound(language).unwrap();
        assert!(
            (60_000..500_000).contains(&sound.len()),
            "{language} {}",
            sound.len()
        );
        assert_eq!(&sound[..4], b"RIFF");
        assert_eq!(&sound[8..16], b"WAVEfmt ");
        assert_eq!(&sound[34..36], &[16, 0]);
    }
}

#[test]
fn an_answer_is_taken_as_people_type_it() {
    let challenge = challenge(4);
    let letters = challenge.letters();
    assert!(challenge.matches_letters(&letters));
    assert!(challenge.matches_letters(&letters.to_uppercase()));
    assert!(challenge.matches_letters(&format!(" {} {} ", &letters[..3], &letters[3..])));
    assert!(challenge.matches_letters(&letters.replace('2', "z").replace('g', "q")));
    let wide: String = letters
        .chars()
        .map(|sign| char::from_u32(sign as u32 + 0xfee0).unwrap())
        .collect();
    assert!(challenge.matches_letters(&wide));

    let digits = challenge.digits();
    assert!(challenge.matches_digits(&digits));
    assert!(challenge.matches_digits(&format!("{}-{}", &digits[..3], &digits[3..])));
    for zero in ['٠', '۰', '०', '᠐', '０'] {
        let typed: String = digits
            .bytes()
            .map(|digit| char::from_u32(zero as u32 + u32::from(digit - b'0')).unwrap())
            .collect();
        assert!(challenge.matches_digits(&typed), "{typed}");
    }
}

#[test]
fn anything_else_is_refused() {
    let challenge = challenge(4);
    let (letters, digits) = (challenge.letters(), challenge.digits());
    let wrong = ["", " ", "x", "aaaaaaaaaaaaaaaaaaaaaaa", "\0", "é"];
    for typed in wrong {
        assert!(!challenge.matches_letters(typed), "{typed:?}");
        assert!(!challenge.matches_digits(typed), "{typed:?}");
    }
    assert!(!challenge.matches_letters(&digits));
    assert!(!challenge.matches_digits(&letters));
    assert!(!challenge.matches_letters(&letters[..5]));
    assert!(!challenge.matches_letters(&format!("{letters}x")));
    assert!(!challenge.matches_letters(&letters.repeat(2)));
}

#[test]
fn what_is_forgiven_is_never_another_sign_of_the_alphabet() {
    for sign in ALPHABET.chars() {
        assert_eq!(meant(sign), sign);
    }
}

#[test]
fn a_challenge_does_not_show_itself() {
    assert_eq!(format!("{:?}", challenge(1)), "Challenge(…)");
}

proptest::proptest! {
    #[test]
    fn no_input_panics_or_passes(typed in ".{0,40}") {
        let challenge = challenge(200);
        let right = typed.trim().to_lowercase();
        proptest::prop_assert!(!challenge.matches_letters(&typed) || right.len() >= 6);
        proptest::prop_assert!(!challenge.matches_digits(&typed) || right.len() >= 6);
    }
}
