//! The security check at sign-up: picture, sound, question, proof of work. Everything is derived
//! from 32 bytes of the caller's, so nothing is stored and a reload draws the same again.

mod curve;
mod draw;
mod letter;
mod picture;
pub mod question;
mod sheet;
pub mod sound;
mod stamp;
pub mod work;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::ZeroizeOnDrop;

use draw::Draw;

/// What a picture is made of, as it is typed. Left out is what a bent picture makes look like
/// another: `0 o`, `1 i l j`, `5 s`, `z` (2), `6` (b), `3 8` (B), `9 q` (g), `c` (e), `u` (D), `v`
/// (y).
pub const ALPHABET: &str = "abdefghkmnprtwxy247";

/// Spoken digits in one sound.
pub const DIGITS: usize = 6;

/// A picture or a sound that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The letterforms inside the program cannot be read.
    #[error("a letterform of the security check cannot be read")]
    Letter,
    /// The recordings inside the program cannot be read.
    #[error("a recording of the security check cannot be read")]
    Recording,
    /// The picture could not be written as PNG.
    #[error("the picture of the security check could not be written")]
    Picture(#[from] png::EncodingError),
}

/// One challenge: a picture of letters and a sound of digits, each with its own answer.
#[derive(ZeroizeOnDrop)]
pub struct Challenge {
    seed: [u8; 32],
    #[zeroize(skip)]
    length: usize,
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenge(…)")
    }
}

impl Challenge {
    /// The challenge of `seed`, an HMAC of the draft and the challenge's number under a key that
    /// stays here: who has the seed has the answers. `length` is that of the picture, held
    /// between 4 and 8.
    pub fn new(seed: [u8; 32], length: usize) -> Self {
        Self {
            seed,
            length: length.clamp(4, 8),
        }
    }

    /// The answer to the picture, in small letters.
    pub fn letters(&self) -> String {
        self.answer("letters", ALPHABET.as_bytes(), self.length)
    }

    /// The answer to the sound: six digits of its own, the same in every language.
    pub fn digits(&self) -> String {
        self.answer("digits", b"0123456789", DIGITS)
    }

    /// The picture: a PNG of 800x240 pixels, to be shown at 400x120.
    ///
    /// # Errors
    /// [`Error::Letter`] and [`Error::Picture`], neither of which a built program should meet.
    pub fn picture(&self) -> Result<Vec<u8>, Error> {
        picture::draw(&self.letters(), Draw::new(&self.seed, "picture"))
    }

    /// The sound: one WAV file, 16 bit, one channel, in the language nearest to the tag
    /// `language` (see [`sound::LANGUAGES`]).
    ///
    /// # Errors
    /// [`Error::Recording`], which a built program should not meet.
    pub fn sound(&self, language: &str) -> Result<Vec<u8>, Error> {
        sound::speak(&self.digits(), language, Draw::new(&self.seed, "sound"))
    }

    /// Whether `typed` answers the picture. Capitals, spaces, dashes and signs that look like one
    /// of [`ALPHABET`] are forgiven.
    pub fn matches_letters(&self, typed: &str) -> bool {
        let typed = typed.chars().filter(|sign| !between(*sign)).map(meant);
        same(&self.letters(), typed)
    }

    /// Whether `typed` answers the sound. Spaces and dashes are forgiven, and so is the digit of
    /// any script.
    pub fn matches_digits(&self, typed: &str) -> bool {
        let typed = typed.chars().filter(|sign| !between(*sign)).map(digit);
        same(&self.digits(), typed)
    }

    fn answer(&self, label: &str, signs: &[u8], length: usize) -> String {
        let mut draw = Draw::new(&self.seed, label);
        (0..length)
            .map(|_| char::from(*draw.pick(signs).unwrap_or(&b'?')))
            .collect()
    }
}

/// Compares without telling by its time how much was right (SECURITY R17).
fn same(answer: &str, typed: impl Iterator<Item = char>) -> bool {
    // One more than the answer is long, so that a longer one is not cut to fit.
    let typed: String = typed.take(answer.len() + 1).collect();
    verify_slices_are_equal(answer.as_bytes(), typed.as_bytes()).is_ok()
}

/// What people put between letters, and what their input methods put there unseen.
fn between(sign: char) -> bool {
    sign.is_whitespace()
        || sign.is_control()
        || matches!(sign, '-' | '.' | ',' | '\u{200b}'..='\u{200f}' | '\u{2010}'..='\u{2015}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The sign of [`ALPHABET`] that was meant. None of the signs on the left is in it, so forgiving
/// them costs nothing.
fn meant(sign: char) -> char {
    // Full-width signs come from East Asian input methods.
    let sign = match sign {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(sign as u32 - 0xfee0).unwrap_or(sign),
        _ => sign,
    };
    match sign.to_ascii_lowercase() {
        'z' => '2',
        '3' | '6' | '8' => 'b',
        '9' | 'q' => 'g',
        'v' => 'y',
        'u' => 'd',
        'c' => 'e',
        // Cyrillic letters typed with the wrong keyboard, by their shape.
        'а' | 'А' => 'a',
        'в' | 'В' => 'b',
        'е' | 'Е' | 'ё' | 'Ё' | 'с' | 'С' => 'e',
        'к' | 'К' => 'k',
        'м' | 'М' => 'm',
        'н' | 'Н' => 'h',
        'р' | 'Р' => 'p',
        'т' | 'Т' => 't',
        'у' | 'У' | 'ү' | 'Ү' => 'y',
        'х' | 'Х' => 'x',
        'д' | 'Д' => 'd',
        other => other,
    }
}

fn digit(sign: char) -> char {
    use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
    if sign.general_category() != GeneralCategory::DecimalNumber || sign.is_ascii() {
        return sign;
    }
    // Decimal digits stand in runs of ten from zero to nine (Unicode 4.6), so the distance to
    // the nearest sign before the run, less one, is the value.
    (0..10)
        .find(|value| {
            char::from_u32(sign as u32 - value - 1)
                .is_none_or(|before| before.general_category() != GeneralCategory::DecimalNumber)
        })
        .and_then(|value| char::from_digit(value, 10))
        .unwrap_or(sign)
}

#[cfg(test)]
mod tests;
