//! The picture: bent, touching letters with curves through them, all in one flow of colour on a
//! light ground, so that neither colour nor thickness parts a letter from its neighbour.

use ab_glyph_rasterizer::{Point, Rasterizer, point};

use super::Error;
use super::draw::Draw;
use super::letter::{self, Letter};

/// CSS pixels.
const WIDTH: f32 = 400.0;
/// CSS pixels.
const HEIGHT: f32 = 120.0;
/// Pixels of the file in one CSS pixel: sharp on dense screens, below 40 KB.
const DENSITY: f32 = 2.0;
const COLUMNS: usize = (WIDTH * DENSITY) as usize;
const ROWS: usize = (HEIGHT * DENSITY) as usize;
/// The widest word, so that letters keep clear of the frame.
const WIDEST: f32 = 368.0;

/// Tones of the ground, inks, and steps between the two: 6 * 5 * 8 = 240 colours of 256.
const GROUNDS: usize = 6;
const INKS: usize = 5;
const STEPS: usize = 8;

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
        let face = if hollow {
            *draw.pick(&letter::PLAIN).ok_or(Error::Letter)?
        } else {
            draw.below(letter::COUNT)
        };
        // The script face has capitals that only its own readers know.
        let face = if form.is_ascii_uppercase() && face == letter::SCRIPT {
            0
        } else {
            face
        };
        let mut chains = pose(&letter::letter(face, form)?, form, draw);
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

/// A wave of random height, length and start.
struct Wave {
    height: f32,
    turn: f32,
    start: f32,
}

impl Wave {
    fn new(draw: &mut Draw, height: (f32, f32), length: (f32, f32)) -> Self {
        Self {
            height: draw.within(height.0, height.1) * draw.sign(),
            turn: std::f32::consts::TAU / draw.within(length.0, length.1),
            start: draw.within(0.0, std::f32::consts::TAU),
        }
    }

    fn at(&self, along: f32) -> f32 {
        self.height * (along * self.turn + self.start).sin()
    }
}

/// Bends the whole sheet.
struct Bend {
    long: Wave,
    short: Wave,
    side: Wave,
}

impl Bend {
    fn new(draw: &mut Draw) -> Self {
        Self {
            long: Wave::new(draw, (3.0, 6.0), (130.0, 240.0)),
            short: Wave::new(draw, (0.8, 1.7), (34.0, 60.0)),
            side: Wave::new(draw, (2.0, 4.5), (50.0, 110.0)),
        }
    }

    fn apply(&self, at: Point) -> Point {
        point(
            at.x + self.side.at(at.y),
            (at.y + self.long.at(at.x) + self.short.at(at.x)).clamp(4.0, HEIGHT - 4.0),
        )
    }
}

/// A curve across the sheet as a chain of four-sided pieces.
fn curve(draw: &mut Draw, thin: f32, thick: f32) -> Vec<Vec<Point>> {
    const STEP: f32 = 6.0;
    let middle = HEIGHT / 2.0 + draw.within(-24.0, 24.0);
    let tilt = draw.within(-0.14, 0.14);
    let (long, short) = (
        Wave::new(draw, (10.0, 20.0), (140.0, 320.0)),
        Wave::new(draw, (2.0, 5.0), (50.0, 100.0)),
    );
    let weight = Wave::new(draw, (0.0, (thick - thin) / 2.0), (60.0, 160.0));
    let (from, to) = (draw.within(4.0, 46.0), WIDTH - draw.within(4.0, 46.0));
    let height = |x: f32| middle + tilt * (x - WIDTH / 2.0) + long.at(x) + short.at(x);
    let mut pieces = Vec::new();
    let mut x = from;
    let mut before: Option<(Point, Point)> = None;
    while x < to {
        let slope = (height(x + 1.0) - height(x - 1.0)) / 2.0;
        let half = ((thin + thick) / 2.0 + weight.at(x)) / 2.0;
        let length = slope.hypot(1.0);
        let (dx, dy) = (-slope / length * half, half / length);
        let y = height(x);
        let sides = (point(x + dx, y + dy), point(x - dx, y - dy));
        if let Some((below, above)) = before {
            pieces.push(vec![below, sides.0, sides.1, above]);
        }
        before = Some(sides);
        x += STEP;
    }
    pieces
}

/// The line of a pen along a closed chain, as four-sided pieces that all turn the same way.
fn trace(chain: &[Point], pen: f32) -> Vec<Vec<Point>> {
    let next = |ahead: usize| chain.iter().cycle().skip(ahead);
    let pieces = chain.iter().zip(next(1)).filter_map(|(from, to)| {
        let (x, y) = (to.x - from.x, to.y - from.y);
        let length = x.hypot(y);
        if length < 0.01 {
            return None;
        }
        // A little longer at both ends, so that corners close.
        let (x, y) = (x / length * pen / 2.0, y / length * pen / 2.0);
        let (ex, ey) = (x * 0.6, y * 0.6);
        Some(vec![
            point(from.x - ex - y, from.y - ey + x),
            point(to.x + ex - y, to.y + ey + x),
            point(to.x + ex + y, to.y + ey - x),
            point(from.x - ex + y, from.y - ey - x),
        ])
    });
    pieces.collect()
}

/// How much ink is on each pixel, from 0 to 1.
struct Sheet(Vec<f32>);

impl Sheet {
    fn new() -> Self {
        Self(vec![0.0; COLUMNS * ROWS])
    }

    /// Fills the chains with ink, or takes the ink away where they are.
    fn fill(&mut self, chains: &[Vec<Point>], ink: bool) {
        let points = || chains.iter().flatten();
        let edge = |value: f32, most: usize| ((value * DENSITY).max(0.0) as usize).min(most);
        let left = edge(
            points().map(|at| at.x).fold(f32::MAX, f32::min) - 2.0,
            COLUMNS,
        );
        let top = edge(points().map(|at| at.y).fold(f32::MAX, f32::min) - 2.0, ROWS);
        let right = edge(points().map(|at| at.x).fold(0.0, f32::max) + 2.0, COLUMNS);
        let bottom = edge(points().map(|at| at.y).fold(0.0, f32::max) + 2.0, ROWS);
        if left >= right || top >= bottom {
            return;
        }
        let mut raster = Rasterizer::new(right - left, bottom - top);
        let most = point((right - left) as f32 - 1.0, (bottom - top) as f32 - 1.0);
        let onto = |at: &Point| {
            point(
                (at.x * DENSITY - left as f32).clamp(0.0, most.x),
                (at.y * DENSITY - top as f32).clamp(0.0, most.y),
            )
        };
        for chain in chains {
            for (from, to) in chain.iter().zip(chain.iter().cycle().skip(1)) {
                raster.draw_line(onto(from), onto(to));
            }
        }
        raster.for_each_pixel_2d(|x, y, cover| {
            if cover < 0.004 {
                return;
            }
            let at = (top + y as usize) * COLUMNS + left + x as usize;
            if let Some(pixel) = self.0.get_mut(at) {
                let cover = cover.min(1.0);
                *pixel = if ink {
                    1.0 - (1.0 - *pixel) * (1.0 - cover)
                } else {
                    *pixel * (1.0 - cover)
                };
            }
        });
    }

    /// Colours the sheet and writes it as an indexed PNG.
    fn png(&self, draw: &mut Draw) -> Result<Vec<u8>, Error> {
        let palette = palette(draw);
        let (ground, ink) = (Flow::new(draw), Flow::new(draw));
        let mut pixels = Vec::with_capacity(COLUMNS * ROWS);
        for (y, row) in self.0.chunks(COLUMNS).enumerate() {
            for (x, cover) in row.iter().enumerate() {
                let step = (cover * (STEPS - 1) as f32 + 0.5) as usize;
                let tone = ground.at(x, y, GROUNDS) * INKS;
                // Where there is no ink its colour is written as the first: it packs better.
                let tone = if step == 0 {
                    tone
                } else {
                    tone + ink.at(x, y, INKS)
                };
                pixels.push(u8::try_from(tone * STEPS + step).unwrap_or(0));
            }
        }
        let mut file = Vec::with_capacity(32 * 1024);
        let mut encoder = png::Encoder::new(&mut file, COLUMNS as u32, ROWS as u32);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette);
        encoder.set_filter(png::Filter::NoFilter);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(file)
    }
}

/// A slow wave over the sheet that says which of some tones stands where.
struct Flow {
    columns: Vec<f32>,
    rows: Vec<f32>,
}

impl Flow {
    fn new(draw: &mut Draw) -> Self {
        let (x, y) = (
            Wave::new(draw, (0.5, 0.8), (160.0, 420.0)),
            Wave::new(draw, (0.3, 0.6), (90.0, 200.0)),
        );
        Self {
            columns: (0..COLUMNS).map(|at| x.at(at as f32 / DENSITY)).collect(),
            rows: (0..ROWS).map(|at| y.at(at as f32 / DENSITY)).collect(),
        }
    }

    fn at(&self, x: usize, y: usize, tones: usize) -> usize {
        let value = self.columns.get(x).unwrap_or(&0.0) + self.rows.get(y).unwrap_or(&0.0);
        (((value + 1.4) / 2.8 * tones as f32) as usize).min(tones - 1)
    }
}

/// Grounds between white and pale, inks dark enough to stand 4.5 to 1 before each of them
/// (WCAG 2.2, 1.4.3), and the steps from one to the other.
fn palette(draw: &mut Draw) -> Vec<u8> {
    let (pale, dark) = (draw.within(0.0, 360.0), draw.within(0.0, 360.0));
    let (pale_far, dark_far) = (draw.within(30.0, 110.0), draw.within(60.0, 160.0));
    let part = |number: usize, of: usize| number as f32 / (of - 1) as f32;
    let mut bytes = Vec::with_capacity(GROUNDS * INKS * STEPS * 3);
    for ground in 0..GROUNDS {
        let below = colour(pale + pale_far * part(ground, GROUNDS), 0.045, 0.84);
        for ink in 0..INKS {
            let above = colour(dark + dark_far * part(ink, INKS), 0.32, 0.10);
            for step in 0..STEPS {
                let cover = part(step, STEPS);
                for (below, above) in below.iter().zip(&above) {
                    bytes.push((below + (above - below) * cover + 0.5) as u8);
                }
            }
        }
    }
    bytes
}

/// A colour of `hue` (degrees) whose linear light is `light`, with some `spread` around it, so
/// that every hue stands equally clear.
fn colour(hue: f32, spread: f32, light: f32) -> [f32; 3] {
    let wave = |turn: f32| ((hue + turn).to_radians()).cos() * spread;
    let raw = [wave(0.0), wave(-120.0), wave(120.0)];
    let mean = 0.2126 * raw[0] + 0.7152 * raw[1] + 0.0722 * raw[2];
    raw.map(|value| {
        let value = (light + (value - mean) * light.sqrt()).clamp(0.0, 1.0);
        value.powf(1.0 / 2.2) * 255.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn light(colour: &[u8]) -> f32 {
        let linear = |value: u8| {
            let value = f32::from(value) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2])
    }

    #[test]
    fn every_ink_stands_clear_of_every_ground() {
        for seed in 0..60 {
            let palette = palette(&mut Draw::new(&[seed; 32], "palette"));
            assert_eq!(palette.len(), GROUNDS * INKS * STEPS * 3);
            for run in palette.chunks(STEPS * 3) {
                let (ground, ink) = (light(&run[..3]), light(&run[(STEPS - 1) * 3..]));
                // WCAG 2.2, 1.4.3: contrast is (L1 + 0.05) / (L2 + 0.05).
                let contrast = (ground + 0.05) / (ink + 0.05);
                assert!(contrast >= 4.5, "{seed}: {contrast}");
                assert!(ground > 0.7, "{seed}: {ground}");
            }
        }
    }

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
