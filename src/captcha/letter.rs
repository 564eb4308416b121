//! Letterforms: outlines out of free fonts (`faces/LICENSE`, `scripts/check-faces`), as closed
//! chains of short straight lines that can be bent.

use ab_glyph_rasterizer::{Point, point};

use super::Error;

/// The faces, one letter a line: the letter, then `M` (a chain begins), `L` (line), `Q` and `C` (curves
/// with one and two points of control), each with its points, y downwards.
const FACES: [&str; 12] = [
    include_str!("faces/one.outline"),
    include_str!("faces/two.outline"),
    include_str!("faces/three.outline"),
    include_str!("faces/four.outline"),
    include_str!("faces/five.outline"),
    include_str!("faces/six.outline"),
    include_str!("faces/seven.outline"),
    include_str!("faces/eight.outline"),
    include_str!("faces/nine.outline"),
    include_str!("faces/ten.outline"),
    include_str!("faces/eleven.outline"),
    include_str!("faces/twelve.outline"),
];

/// How many faces there are.
pub(super) const COUNT: usize = FACES.len();

/// The faces without serifs or swashes, plain enough to be drawn as outlines.
pub(super) const PLAIN: [usize; 5] = [0, 2, 6, 7, 10];

/// The script face.
pub(super) const SCRIPT: usize = 8;

/// The forms in which a sign of the alphabet is drawn: those that stay clear when bent and
/// touched. A small `n` beside an `r` is an `m`; a capital `F` on a line is an `E`; a small `k` with
/// a line through it is an `h`.
pub(super) fn forms(sign: char) -> &'static [char] {
    match sign {
        'a' => &['A', 'a'],
        'b' => &['B', 'b'],
        'd' => &['D', 'd'],
        'e' => &['E', 'e'],
        'f' => &['f'],
        'g' => &['G', 'g'],
        'h' => &['H', 'h'],
        'k' => &['K'],
        'm' => &['M', 'm'],
        'n' => &['N'],
        'p' => &['P', 'p'],
        'r' => &['R'],
        't' => &['T', 't'],
        'w' => &['W', 'w'],
        'x' => &['X', 'x'],
        'y' => &['Y', 'y'],
        '2' => &['2'],
        '4' => &['4'],
        '7' => &['7'],
        _ => &[],
    }
}

/// A letter as closed chains of points, y downwards, its ink fitted into a box of height 1 with
/// the middle at 0, 0.
#[derive(Clone)]
pub(super) struct Letter {
    /// The chains.
    pub(super) chains: Vec<Vec<Point>>,
    /// Width of the ink where its height is 1.
    pub(super) width: f32,
}

/// The letter `form` of the face number `face`.
///
/// # Errors
/// [`Error::Letter`] when the face cannot be read or lacks the letter.
pub(super) fn letter(face: usize, form: char) -> Result<Letter, Error> {
    let face = FACES.get(face % COUNT).ok_or(Error::Letter)?;
    let line = face.lines().find_map(|line| line.strip_prefix(form));
    let pen = Pen::read(line.ok_or(Error::Letter)?).ok_or(Error::Letter)?;
    let letter = Letter::fitted(&pen.chains).ok_or(Error::Letter)?;
    Ok(Letter {
        chains: letter.chains.iter().map(|chain| split(chain)).collect(),
        width: letter.width,
    })
}

impl Letter {
    /// The letter of `chains`, y downwards; nothing where they have no height or no width.
    pub(super) fn fitted(chains: &[Vec<Point>]) -> Option<Self> {
        let points = || chains.iter().flatten();
        let left = points().map(|at| at.x).fold(f32::MAX, f32::min);
        let right = points().map(|at| at.x).fold(f32::MIN, f32::max);
        let top = points().map(|at| at.y).fold(f32::MAX, f32::min);
        let bottom = points().map(|at| at.y).fold(f32::MIN, f32::max);
        let (width, height) = (right - left, bottom - top);
        if width <= 0.0 || height <= 0.0 {
            return None;
        }
        let middle = point(left + width / 2.0, top + height / 2.0);
        let fit = |at: &Point| point((at.x - middle.x) / height, (at.y - middle.y) / height);
        Some(Self {
            chains: chains
                .iter()
                .map(|chain| chain.iter().map(fit).collect())
                .collect(),
            width: width / height,
        })
    }
}

/// Splits the lines of a closed chain until none is longer than a twentieth of the letter, so
/// that bending the points bends the letter.
fn split(chain: &[Point]) -> Vec<Point> {
    const LONGEST: f32 = 0.05;
    let mut out = Vec::with_capacity(chain.len() * 2);
    for (from, to) in chain.iter().zip(chain.iter().cycle().skip(1)) {
        let length = (to.x - from.x).hypot(to.y - from.y);
        let parts = (length / LONGEST).ceil().max(1.0);
        let mut part = 0.0;
        while part < parts {
            let along = part / parts;
            out.push(point(
                from.x + (to.x - from.x) * along,
                from.y + (to.y - from.y) * along,
            ));
            part += 1.0;
        }
    }
    out
}

#[derive(Default)]
struct Pen {
    chains: Vec<Vec<Point>>,
    at: Point,
}

impl Pen {
    const STEPS: u8 = 6;

    /// Follows the outline in `line`; nothing where it is torn.
    fn read(line: &str) -> Option<Self> {
        let mut pen = Self::default();
        let mut words = line.split_ascii_whitespace();
        while let Some(word) = words.next() {
            let mut next = || {
                Some(point(
                    words.next()?.parse().ok()?,
                    words.next()?.parse().ok()?,
                ))
            };
            match word {
                "M" => {
                    pen.chains.push(Vec::new());
                    pen.go(next()?);
                }
                "L" => pen.go(next()?),
                "Q" => pen.bow(next()?, next()?),
                "C" => pen.swing(next()?, next()?, next()?),
                _ => return None,
            }
        }
        Some(pen)
    }

    fn go(&mut self, to: Point) {
        if let Some(chain) = self.chains.last_mut() {
            chain.push(to);
        }
        self.at = to;
    }

    fn bow(&mut self, over: Point, to: Point) {
        let from = self.at;
        for step in 1..=Self::STEPS {
            let t = f32::from(step) / f32::from(Self::STEPS);
            let s = 1.0 - t;
            let mean = |a: f32, b: f32, c: f32| s * s * a + 2.0 * s * t * b + t * t * c;
            self.go(point(
                mean(from.x, over.x, to.x),
                mean(from.y, over.y, to.y),
            ));
        }
    }

    fn swing(&mut self, first: Point, second: Point, to: Point) {
        let from = self.at;
        for step in 1..=Self::STEPS {
            let t = f32::from(step) / f32::from(Self::STEPS);
            let s = 1.0 - t;
            let (a, b, c, d) = (s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t);
            self.go(point(
                a * from.x + b * first.x + c * second.x + d * to.x,
                a * from.y + b * first.y + c * second.y + d * to.y,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_has_every_form_in_every_face() {
        for sign in super::super::ALPHABET.chars() {
            assert!(!forms(sign).is_empty(), "{sign}");
            for form in forms(sign) {
                assert_eq!(form.to_ascii_lowercase(), sign);
                for face in 0..COUNT {
                    let letter = letter(face, *form).unwrap();
                    assert!(!letter.chains.is_empty(), "{form} of {face}");
                    assert!((0.3..3.0).contains(&letter.width), "{form} of {face}");
                }
            }
        }
    }

    #[test]
    fn a_letter_fills_its_box() {
        let letter = letter(0, 'H').unwrap();
        let ys = || letter.chains.iter().flatten().map(|at| at.y);
        assert!((ys().fold(f32::MAX, f32::min) + 0.5).abs() < 0.01);
        assert!((ys().fold(f32::MIN, f32::max) - 0.5).abs() < 0.01);
    }

    #[test]
    fn a_torn_outline_is_none() {
        for line in ["M", "M 1", "M 1 x", "L 1 2 3", "Q 1 2", "C 1 2 3 4", "Z"] {
            assert!(Pen::read(line).is_none(), "{line}");
        }
    }
}
