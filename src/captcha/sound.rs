//! The sound: spoken digits in changing voices, pitch and tempo over a murmur of turned-round
//! speech, hum and hiss, as one WAV file.

use super::Error;
use super::draw::Draw;

/// Languages with recordings, as tags of BCP 47. Any other is spoken in the first; a page should
/// say which it is.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

const RECORDINGS: [&[u8]; 2] = [
    include_bytes!("recordings/en.mulaw"),
    include_bytes!("recordings/de.mulaw"),
];

/// Samples in a second, of the recordings and of the sound.
const RATE: usize = 12_000;

/// The language of [`LANGUAGES`] that is spoken where `tag` is asked for: `de` for `de-AT`.
pub fn spoken(tag: &str) -> &'static str {
    LANGUAGES[number_of(tag)]
}

fn number_of(tag: &str) -> usize {
    let main = tag.split(['-', '_']).next().unwrap_or_default();
    LANGUAGES
        .iter()
        .position(|language| language.eq_ignore_ascii_case(main))
        .unwrap_or(0)
}

/// Speaks `digits`.
///
/// # Errors
/// [`Error::Recording`] when a recording cannot be read.
pub(super) fn speak(digits: &str, language: &str, mut draw: Draw) -> Result<Vec<u8>, Error> {
    let voices = Voices(
        RECORDINGS
            .get(number_of(language))
            .ok_or(Error::Recording)?,
    );
    let mut track = vec![0.0; seconds(draw.within(0.9, 1.3))];
    for digit in digits.bytes() {
        let word = voices.word(
            draw.below(voices.count()),
            usize::from(digit.wrapping_sub(b'0')),
        )?;
        let (pitch, tempo) = (draw.within(0.89, 1.13), draw.within(0.84, 1.06));
        let loud = draw.within(0.8, 1.1);
        let word = stretch(&resample(&word, pitch), tempo * pitch.recip());
        track.extend(word.iter().map(|sample| sample * loud));
        track.resize(track.len() + seconds(draw.within(0.45, 0.85)), 0.0);
    }
    track.resize(track.len() + seconds(0.3), 0.0);
    murmur(&mut track, &voices, &mut draw)?;
    hum(&mut track, &mut draw);
    Ok(wav(&track))
}

fn seconds(time: f32) -> usize {
    (time * RATE as f32) as usize
}

/// Recordings of one language, as `scripts/check-speak` packs them.
struct Voices<'a>(&'a [u8]);

impl Voices<'_> {
    fn count(&self) -> usize {
        self.0.first().map_or(0, |count| usize::from(*count))
    }

    fn word(&self, voice: usize, digit: usize) -> Result<Vec<f32>, Error> {
        let lengths = self.0.get(1..=self.count() * 20).ok_or(Error::Recording)?;
        let length = |pair: &[u8]| usize::from(pair[0]) | usize::from(pair[1]) << 8;
        let number = voice * 10 + digit;
        let before: usize = lengths.chunks_exact(2).take(number).map(length).sum();
        let own = lengths.chunks_exact(2).nth(number).map(length);
        let start = 1 + lengths.len() + before;
        let samples = self.0.get(start..start + own.ok_or(Error::Recording)?);
        Ok(samples
            .ok_or(Error::Recording)?
            .iter()
            .map(|byte| unpack(*byte))
            .collect())
    }
}

/// One sample of mu-law with mu = 255, from -1 to 1 (ITU-T G.711, in its continuous form).
fn unpack(byte: u8) -> f32 {
    let size = (256f32.powf(f32::from(byte & 127) / 127.0) - 1.0) / 255.0;
    if byte < 128 { size } else { -size }
}

/// Plays `sound` at `speed`, which changes its pitch as well.
fn resample(sound: &[f32], speed: f32) -> Vec<f32> {
    let length = (sound.len() as f32 / speed) as usize;
    let at = |index: usize| sound.get(index).copied().unwrap_or(0.0);
    (0..length)
        .map(|index| {
            let place = index as f32 * speed;
            let (whole, part) = (place as usize, place.fract());
            at(whole) * (1.0 - part) + at(whole + 1) * part
        })
        .collect()
}

/// Plays `sound` at `speed` and keeps its pitch: pieces of 30 ms laid half over each other, each
/// taken from where it goes on best from the one before (waveform-similarity overlap-add).
fn stretch(sound: &[f32], speed: f32) -> Vec<f32> {
    const PIECE: usize = RATE * 3 / 100;
    const HALF: usize = PIECE / 2;
    const SEEK: usize = 60;
    let mut out = vec![0.0; (sound.len() as f32 / speed) as usize + PIECE];
    let mut follow: Option<usize> = None;
    for (turn, start) in (0..out.len() - PIECE).step_by(HALF).enumerate() {
        let wished = (start as f32 * speed) as usize;
        let from = match follow.and_then(|from| sound.get(from..from + HALF)) {
            None => wished,
            Some(goal) => (wished.saturating_sub(SEEK)..wished + SEEK)
                .step_by(3)
                .filter_map(|from| Some((from, sound.get(from..from + HALF)?)))
                .map(|(from, piece)| (from, likeness(goal, piece)))
                .max_by(|one, two| one.1.total_cmp(&two.1))
                .map_or(wished, |best| best.0),
        };
        for (step, sample) in sound.iter().skip(from).take(PIECE).enumerate() {
            let turn_of = step as f32 / PIECE as f32 * std::f32::consts::TAU;
            // The first piece has none before it to fade in over.
            let share = if turn == 0 && step < HALF {
                1.0
            } else {
                0.5 - 0.5 * turn_of.cos()
            };
            if let Some(place) = out.get_mut(start + step) {
                *place += sample * share;
            }
        }
        follow = Some(from + HALF);
    }
    out
}

fn likeness(one: &[f32], two: &[f32]) -> f32 {
    one.iter().zip(two).map(|(one, two)| one * two).sum()
}

/// Lays speech of the same voices, turned round so that it says nothing, under the whole track.
fn murmur(track: &mut [f32], voices: &Voices<'_>, draw: &mut Draw) -> Result<(), Error> {
    for _ in 0..2 {
        let mut at = draw.below(RATE / 3);
        while at < track.len() {
            let mut word = voices.word(draw.below(voices.count()), draw.below(10))?;
            word.reverse();
            let word = resample(&word, draw.within(0.8, 1.25));
            let loud = draw.within(0.02, 0.05);
            for (place, sample) in track.iter_mut().skip(at).zip(&word) {
                *place += sample * loud;
            }
            at += word.len() + draw.below(RATE / 4);
        }
    }
    Ok(())
}

/// Lays a hum that wanders and a hiss under the track.
fn hum(track: &mut [f32], draw: &mut Draw) {
    let tones: Vec<(f32, f32, f32)> = (0..3)
        .map(|_| {
            let tone = draw.within(90.0, 420.0) * std::f32::consts::TAU / RATE as f32;
            (tone, draw.within(0.002, 0.006), draw.within(0.0, 6.0))
        })
        .collect();
    let mut noise = draw.noise();
    let (hiss, soft) = (draw.within(0.004, 0.01), draw.within(0.2, 0.8));
    let mut before = 0.0;
    for (at, place) in track.iter_mut().enumerate() {
        before += (noise.next() - before) * soft;
        let swell = 1.0 + 0.5 * (at as f32 / RATE as f32 * 2.0).sin();
        let hum: f32 = tones
            .iter()
            .map(|(tone, loud, start)| loud * (at as f32 * tone + start).sin())
            .sum();
        *place += (hum + before * hiss) * swell;
    }
}

/// A WAV file of one channel and 16 bits (RIFF, format 1), as loud as it can be without clipping.
fn wav(track: &[f32]) -> Vec<u8> {
    let peak = track
        .iter()
        .fold(0.05f32, |peak, sample| peak.max(sample.abs()));
    let size = u32::try_from(track.len() * 2).unwrap_or(u32::MAX - 36);
    let rate = RATE as u32;
    let mut file = Vec::with_capacity(44 + track.len() * 2);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + size).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16u32.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&1u16.to_le_bytes());
    file.extend_from_slice(&rate.to_le_bytes());
    file.extend_from_slice(&(rate * 2).to_le_bytes());
    file.extend_from_slice(&2u16.to_le_bytes());
    file.extend_from_slice(&16u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&size.to_le_bytes());
    for sample in track {
        let value = (sample / peak * 30_000.0) as i16;
        file.extend_from_slice(&value.to_le_bytes());
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_digit_in_every_voice() {
        for (language, file) in LANGUAGES.iter().zip(RECORDINGS) {
            let voices = Voices(file);
            assert!(voices.count() >= 4, "{language}");
            let mut total = 1 + voices.count() * 20;
            for voice in 0..voices.count() {
                for digit in 0..10 {
                    let word = voices.word(voice, digit).unwrap();
                    assert!(
                        (2_000..20_000).contains(&word.len()),
                        "{language} {voice} {digit}"
                    );
                    total += word.len();
                }
            }
            assert_eq!(total, file.len(), "{language}");
            assert!(voices.word(voices.count(), 0).is_err());
        }
    }

    #[test]
    fn a_tag_falls_back_to_its_language_and_then_to_the_first() {
        for (tag, language) in [
            ("de-AT", "de"),
            ("DE", "de"),
            ("en-GB", "en"),
            ("mn", "en"),
            ("", "en"),
        ] {
            assert_eq!(spoken(tag), language, "{tag}");
        }
    }

    #[test]
    fn stretching_changes_the_length_by_the_speed() {
        let sound: Vec<f32> = (0..6000).map(|at| (at as f32 * 0.1).sin()).collect();
        for speed in [0.8, 1.0, 1.2] {
            let stretched = stretch(&sound, speed).len() as f32;
            assert!((stretched / (6000.0 / speed) - 1.0).abs() < 0.1);
            let resampled = resample(&sound, speed).len() as f32;
            assert!((resampled / (6000.0 / speed) - 1.0).abs() < 0.01);
        }
    }

    #[test]
    fn a_stretched_tone_keeps_its_pitch_and_loudness() {
        let sound: Vec<f32> = (0..6000).map(|at| (at as f32 * 0.1).sin()).collect();
        let stretched = stretch(&sound, 0.8);
        let middle = &stretched[1000..6000];
        let crossings = middle
            .windows(2)
            .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0)
            .count();
        assert!((75..=84).contains(&crossings), "{crossings}");
        let power = middle.iter().map(|sample| sample * sample).sum::<f32>() / 5000.0;
        assert!((0.35..0.65).contains(&power), "{power}");
    }

    #[test]
    fn a_torn_recording_is_an_error() {
        for file in [&[][..], &[1][..], &[1, 0, 0][..], &RECORDINGS[0][..500]] {
            assert!(Voices(file).word(0, 3).is_err());
        }
    }

    #[test]
    fn unpacking_spans_the_whole_range() {
        assert!(unpack(0).abs() < 1e-6);
        assert!((unpack(127) - 1.0).abs() < 1e-6);
        assert!((unpack(255) + 1.0).abs() < 1e-6);
    }
}
