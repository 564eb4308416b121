//! Letters that the `captcha` package draws and bends, traced into outlines: its face is small
//! pictures, so that the weight of the pen can be another each time.

use std::collections::BTreeMap;
use std::io::Cursor;

use ab_glyph_rasterizer::{Point, point};
use captcha::RngCaptcha;
use captcha::filters::Wave;
use rand_core::RngCore;

use super::Error;
use super::draw::Draw;
use super::letter::Letter;

/// Pixels of the package's picture of one letter: its largest, bent and fattened, with white all
/// around.
const SIDE: u32 = 68;

/// Whether `form` reads well in the package's face: with lines through them its K and X are one,
/// its N is an A and its b a D.
pub(super) fn suits(form: char) -> bool {
    !matches!(form, 'K' | 'X' | 'N' | 'b')
}

/// The letter `form` in the package's face, in a weight and a bend of `draw`'s.
///
/// # Errors
/// [`Error::Letter`] when the package lacks the letter or its picture cannot be read.
pub(super) fn letter(form: char, draw: &mut Draw) -> Result<Letter, Error> {
    let small = form.is_ascii_lowercase();
    let waves = f64::from(draw.within(0.6, 1.3));
    let height = f64::from(draw.within(-3.4, 3.4));
    // Clearly thicker than the curves, and no bowl closes.
    let (thin, thick) = if small { (0.8, 1.0) } else { (1.0, 1.7) };
    let pen = draw.within(thin, thick);
    let mut page = RngCaptcha::from_rng(First);
    page.set_chars(&[form]).add_char();
    if page.chars() != [form] {
        return Err(Error::Letter);
    }
    page.view(SIDE, SIDE);
    // A bend tears the thin joints of small letters.
    if !small {
        let wave = Wave::new(waves, height);
        page.apply_filter(if draw.once_in(2) {
            wave.horizontal()
        } else {
            wave.vertical()
        });
    }
    let ink = Ink::read(page.as_png().ok_or(Error::Letter)?)?.fattened(pen);
    Letter::fitted(&ink.chains()).ok_or(Error::Letter)
}

/// What the package chooses its letter with: it has one to choose from.
struct First;

impl RngCore for First {
    fn next_u32(&mut self) -> u32 {
        0
    }

    fn next_u64(&mut self) -> u64 {
        0
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// A side of a cell between the middles of four pixels: its upper or left end, and whether it
/// runs down.
type Side = (usize, usize, bool);

/// How much ink is on each pixel of a small picture, from 0 to 1.
struct Ink {
    columns: usize,
    pixels: Vec<f32>,
}

impl Ink {
    fn read(file: Vec<u8>) -> Result<Self, Error> {
        let mut decoder = png::Decoder::new(Cursor::new(file));
        // The package writes gray as gray, or as a palette, or as colours.
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().map_err(|_| Error::Letter)?;
        let mut bytes = vec![0; reader.output_buffer_size().ok_or(Error::Letter)?];
        let frame = reader.next_frame(&mut bytes).map_err(|_| Error::Letter)?;
        Ok(Self {
            columns: frame.width as usize,
            pixels: bytes
                .chunks(frame.color_type.samples())
                .filter_map(<[u8]>::first)
                .map(|light| 1.0 - f32::from(*light) / 255.0)
                .collect(),
        })
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        *self.pixels.get(y * self.columns + x).unwrap_or(&0.0)
    }

    fn rows(&self) -> usize {
        self.pixels.len() / self.columns.max(1)
    }

    /// As if drawn with a round pen that reaches `pen` pixels further to all sides.
    fn fattened(&self, pen: f32) -> Self {
        const REACH: usize = 2;
        let mut pixels = vec![0.0_f32; self.pixels.len()];
        for down in 0..=2 * REACH {
            for right in 0..=2 * REACH {
                let far = (down as f32 - REACH as f32).hypot(right as f32 - REACH as f32);
                let share = (pen + 0.5 - far).clamp(0.0, 1.0);
                if share == 0.0 {
                    continue;
                }
                for y in REACH..self.rows().saturating_sub(REACH) {
                    for x in REACH..self.columns.saturating_sub(REACH) {
                        let ink = self.at(x + right - REACH, y + down - REACH) * share;
                        if let Some(pixel) = pixels.get_mut(y * self.columns + x) {
                            *pixel = pixel.max(ink);
                        }
                    }
                }
            }
        }
        Self {
            columns: self.columns,
            pixels,
        }
    }

    /// The lines where half a pixel is ink, as closed chains that have the ink on one side.
    fn chains(&self) -> Vec<Vec<Point>> {
        let mut next = self.steps();
        let mut chains = Vec::new();
        while let Some((start, mut at)) = next.pop_first() {
            let mut chain = vec![self.crossing(start)];
            while at != start {
                chain.push(self.crossing(at));
                let Some(on) = next.remove(&at) else { break };
                at = on;
            }
            // Less than a few pixels around is a speck.
            if chain.len() >= 12 {
                chains.push(smoothed(&chain));
            }
        }
        chains
    }

    /// Where the line goes on to from each side of a cell that it crosses (marching squares).
    fn steps(&self) -> BTreeMap<Side, Side> {
        let full = |corner: (usize, usize)| self.at(corner.0, corner.1) > 0.5;
        let mut next = BTreeMap::new();
        for y in 0..self.rows().saturating_sub(1) {
            for x in 0..self.columns.saturating_sub(1) {
                let corners = [(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)];
                let filled = corners.map(full);
                let side = |number: usize| {
                    let (from, to) = (corners[number % 4], corners[(number + 1) % 4]);
                    (from.0.min(to.0), from.1.min(to.1), from.0 == to.0)
                };
                for enter in 0..4 {
                    if filled[enter] || !filled[(enter + 1) % 4] {
                        continue;
                    }
                    let leave = (enter + 1..enter + 4).find(|at| !filled[(at + 1) % 4]);
                    if let Some(leave) = leave {
                        next.insert(side(enter), side(leave));
                    }
                }
            }
        }
        next
    }

    /// Where on `side` half a pixel is ink.
    fn crossing(&self, side: Side) -> Point {
        let (x, y, down) = side;
        let (from, to) = if down {
            (self.at(x, y), self.at(x, y + 1))
        } else {
            (self.at(x, y), self.at(x + 1, y))
        };
        let part = ((0.5 - from) / (to - from)).clamp(0.0, 1.0);
        let (x, y) = (x as f32, y as f32);
        if down {
            point(x, y + part)
        } else {
            point(x + part, y)
        }
    }
}

/// A closed chain without the steps of the pixels, with half as many points.
fn smoothed(chain: &[Point]) -> Vec<Point> {
    let around = |behind: usize| chain.iter().cycle().skip(chain.len() - 2 + behind);
    around(0)
        .zip(around(1))
        .zip(around(2))
        .zip(around(3))
        .zip(around(4))
        .take(chain.len())
        .step_by(2)
        .map(|((((a, b), c), d), e)| {
            let mean = |of: fn(&Point) -> f32| {
                (of(a) + of(e) + 4.0 * (of(b) + of(d)) + 6.0 * of(c)) / 16.0
            };
            point(mean(|at| at.x), mean(|at| at.y))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::ALPHABET;
    use super::super::letter::forms;
    use super::*;

    fn drawn(form: char, seed: u8) -> Letter {
        letter(form, &mut Draw::new(&[seed; 32], "stamp")).unwrap()
    }

    /// Twice the area that a chain goes around; its sign says in which direction.
    fn area(chain: &[Point]) -> f32 {
        let next = chain.iter().cycle().skip(1);
        chain
            .iter()
            .zip(next)
            .map(|(from, to)| from.x * to.y - to.x * from.y)
            .sum()
    }

    #[test]
    fn the_package_draws_every_form_and_no_weight_or_bend_closes_its_holes() {
        for form in ALPHABET.chars().flat_map(forms) {
            let holes = match form {
                'B' | 'g' => 2,
                'A' | 'D' | 'P' | 'R' | 'a' | 'b' | 'd' | 'e' | 'p' | '4' => 1,
                _ => 0,
            };
            for seed in 0..30 {
                let letter = drawn(*form, seed);
                let areas: Vec<f32> = letter.chains.iter().map(|chain| area(chain)).collect();
                // The rasterizer takes a hole from the ink by its direction.
                let ink = areas.iter().filter(|area| **area < 0.0).count();
                let parts = (ink, areas.len() - ink);
                assert_eq!(parts, (1, holes), "{form} {seed}: {areas:?}");
                assert!((0.3..3.0).contains(&letter.width), "{form} {seed}");
            }
        }
    }

    #[test]
    fn a_letter_is_a_function_of_its_seed_alone() {
        let points = |seed| {
            let points = drawn('R', seed).chains.concat();
            points
                .into_iter()
                .map(|at| (at.x, at.y))
                .collect::<Vec<_>>()
        };
        assert_eq!(points(1), points(1));
        assert_ne!(points(1), points(2));
    }

    #[test]
    fn a_letter_that_the_package_lacks_is_an_error() {
        for form in ['0', 'O', 'é', ' '] {
            let drawn = letter(form, &mut Draw::new(&[1; 32], "stamp"));
            assert!(matches!(drawn, Err(Error::Letter)), "{form}");
        }
    }

    #[test]
    fn a_traced_line_is_never_longer_than_what_can_be_bent() {
        for seed in 0..40 {
            for chain in drawn('T', seed).chains {
                for (from, to) in chain.iter().zip(chain.iter().cycle().skip(1)) {
                    let length = (to.x - from.x).hypot(to.y - from.y);
                    assert!(length < 0.1, "{length}");
                }
            }
        }
    }
}
