//! The picture: bent, touching letters with curves through them, all in one flow of colour on a
//! light ground, so that neither colour nor thickness parts a letter from its neighbour.

use ab_glyph_rasterizer::{Point, point};

use super::Error;
use super::curve::{Bend, Wave, curve, trace};
use super::draw::Draw;
use super::letter::{self, Letter};
use super::sheet::{HEIGHT, Sheet, WIDTH};
use super::stamp;

/// The widest word, so that letters keep clear of the frame.
const WIDEST: f32 = 368.0;

/// Draws `letters` as PNG.
///
/// # Errors
/// [`Error::Letter`] for a sign outside the alphabet, [`Error::Picture`].
pub(super) fn draw(letters: &str, mut draw: Draw) -> Result<Vec<u8>, Error> {
    let mut sheet = Sheet::new();
    let bend = Bend::new(&mut draw);
    let (hollow, solid): (Vec<_>, Vec<_>) = compose(letters, &mut draw)?
        .into_iter()
        .map(|form| form.bent(&bend))
        .partition(|form| form.hollow);
    for form in solid {
        sheet.fill(&form.chains, true);
    }
    for _ in 0..2 {
        let cut = curve(&mut draw, 1.2, 2.0);
        sheet.fill(&cut, false);
    }
    // Hollow letters are as thin as the curves, so that what wipes out the curves wipes them out
    // too. They come after the cuts, which would leave too little of them.
    for form in hollow {
        let pen = draw.within(2.8, 3.5);
        sheet.fill(&form.chains, false);
        let outline: Vec<_> = form
            .chains
            .iter()
            .flat_map(|chain| trace(chain, pen))
            .collect();
        sheet.fill(&outline, true);
    }
    for _ in 0..2 {
        let line = curve(&mut draw, 2.4, 3.8);
        sheet.fill(&line, true);
    }
    sheet.png(&mut draw)
}

/// A letter in its place.
struct Form {
    chains: Vec<Vec<Point>>,
    hollow: bool,
}

impl Form {
    fn bent(mut self, bend: &Bend) -> Self {
        for at in self.chains.iter_mut().flatten() {
            *at = bend.apply(*at);
        }
        self
    }
}

/// The letters in their places, still unbent. A third of them are hollow.
fn compose(letters: &str, draw: &mut Draw) -> Result<Vec<Form>, Error> {
    let mut word: Vec<Form> = Vec::new();
    let drift = Wave::new(draw, (5.0, 9.0), (180.0, 360.0));
    let mut before: Option<Edges> = None;
    let (mut left, mut hollows) = (letters.chars().count(), letters.chars().count() / 3);
    for sign in letters.chars() {
        let hollow = draw.below(left) < hollows;
        hollows -= usize::from(hollow);
        left -= 1;
        let form = *draw.pick(letter::forms(sign)).ok_or(Error::Letter)?;
        let shape = if hollow {
            let face = *draw.pick(&letter::PLAIN).ok_or(Error::Letter)?;
            letter::letter(face, form)?
        } else if stamp::suits(form) && draw.once_in(2) {
            stamp::letter(form, draw)?
        } else {
            let face = draw.below(letter::COUNT);
            // The script face has capitals that only its own readers know.
            let face = if form.is_ascii_uppercase() && face == letter::SCRIPT {
                0
            } else {
                face
            };
            letter::letter(face, form)?
        };
        let mut chains = pose(&shape, form, draw);
        let middle = HEIGHT / 2.0 + draw.within(-4.0, 4.0);
        shift(&mut chains, 0.0, middle);
        let edges = Edges::of(&chains);
        let along = match &before {
            None => -edges.left(),
            Some(before) => before.push(&edges) - draw.within(0.4, 1.8),
        };
        shift(&mut chains, along, drift.at(along));
        before = Some(Edges::of(&chains));
        word.push(Form { chains, hollow });
    }
    let xs = || {
        word.iter()
            .flat_map(|form| form.chains.iter().flatten())
            .map(|at| at.x)
    };
    let (low, high) = (xs().fold(f32::MAX, f32::min), xs().fold(f32::MIN, f32::max));
    let narrow = (WIDEST / (high - low).max(1.0)).min(1.2);
    let free = (WIDTH - (high - low) * narrow) / 2.0;
    let start = free + draw.within(-0.5, 0.5) * (free - 16.0).max(0.0);
    for at in word
        .iter_mut()
        .flat_map(|form| form.chains.iter_mut().flatten())
    {
        at.x = (at.x - low) * narrow + start;
    }
    Ok(word)
}

/// Turns, slants, stretches and bows one letter; its middle stays at 0, 0.
fn pose(shape: &Letter, form: char, draw: &mut Draw) -> Vec<Vec<Point>> {
    let height = match form {
        'a' | 'e' | 'm' | 'w' | 'x' => draw.within(46.0, 54.0),
        'g' | 'p' | 'y' => draw.within(60.0, 70.0),
        _ => draw.within(56.0, 70.0),
    };
    let widest = if matches!(form, 'M' | 'W' | 'm' | 'w') {
        62.0
    } else {
        48.0
    };
    let width = (height * shape.width * draw.within(0.88, 1.15)).clamp(28.0, widest);
    let (turn, slant, bow) = (
        draw.within(-0.24, 0.24),
        draw.within(-0.2, 0.2),
        draw.within(-0.25, 0.25),
    );
    let (sine, cosine) = turn.sin_cos();
    let across = width / shape.width.max(0.01);
    let place = |at: &Point| {
        let x = at.x * across + slant * at.y * height + bow * width * (at.y * at.y - 0.08);
        let y = at.y * height;
        point(x * cosine - y * sine, x * sine + y * cosine)
    };
    shape
        .chains
        .iter()
        .map(|chain| chain.iter().map(place).collect())
        .collect()
}

fn shift(chains: &mut [Vec<Point>], x: f32, y: f32) {
    for at in chains.iter_mut().flatten() {
        at.x += x;
        at.y += y;
    }
}

/// How far the ink of a letter reaches to either side, row by row.
struct Edges(Vec<Option<(f32, f32)>>);

impl Edges {
    /// CSS pixels in one row.
    const ROW: f32 = 3.0;

    fn of(chains: &[Vec<Point>]) -> Self {
        let mut rows = vec![None; (HEIGHT / Self::ROW) as usize + 1];
        for at in chains.iter().flatten() {
            // A negative number becomes row 0.
            let row = (at.y / Self::ROW) as usize;
            if let Some(row) = rows.get_mut(row) {
                let (low, high): (f32, f32) = row.unwrap_or((at.x, at.x));
                *row = Some((low.min(at.x), high.max(at.x)));
            }
        }
        Self(rows)
    }

    fn left(&self) -> f32 {
        self.0.iter().flatten().map(|row| row.0).fold(0.0, f32::min)
    }

    /// How far `next` must be moved so that its ink just meets this. It may reach under this
    /// letter's box by a little only: a small letter under the arm of a T is hard to read.
    fn push(&self, next: &Self) -> f32 {
        let high = |edges: &Self| {
            edges
                .0
                .iter()
                .flatten()
                .map(|row| row.1)
                .fold(f32::MIN, f32::max)
        };
        let low = next
            .0
            .iter()
            .flatten()
            .map(|row| row.0)
            .fold(f32::MAX, f32::min);
        let meet = self
            .0
            .iter()
            .zip(&next.0)
            .filter_map(|(left, right)| Some(left.as_ref()?.1 - right.as_ref()?.0))
            .fold(f32::MIN, f32::max);
        let boxes = high(self) - low;
        meet.max(boxes - 6.0)
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_touch_and_keep_within_the_frame() {
        for seed in 0..60 {
            let mut draw = Draw::new(&[seed; 32], "compose");
            let word = compose("mwkwmg", &mut draw).unwrap();
            let points = || word.iter().flat_map(|form| form.chains.iter().flatten());
            assert!(points().all(|at| at.x > 10.0 && at.x < WIDTH - 10.0));
            for pair in word.windows(2) {
                let right = pair[0]
                    .chains
                    .iter()
                    .flatten()
                    .map(|at| at.x)
                    .fold(f32::MIN, f32::max);
                let left = pair[1]
                    .chains
                    .iter()
                    .flatten()
                    .map(|at| at.x)
                    .fold(f32::MAX, f32::min);
                assert!(left < right + 1.0, "{seed}");
            }
        }
    }

    #[test]
    fn a_sign_outside_the_alphabet_is_an_error() {
        let drawn = draw("é", Draw::new(&[1; 32], "picture"));
        assert!(matches!(drawn, Err(Error::Letter)));
    }
}
