//! The sheet that a picture is drawn on: ink, the flow of colour over it, and the PNG.

use ab_glyph_rasterizer::{Point, Rasterizer, point};

use super::Error;
use super::curve::Wave;
use super::draw::Draw;

/// CSS pixels.
pub(super) const WIDTH: f32 = 400.0;
/// CSS pixels.
pub(super) const HEIGHT: f32 = 120.0;
/// Pixels of the file in one CSS pixel: sharp on dense screens, below 40 KB.
const DENSITY: f32 = 2.0;
const COLUMNS: usize = (WIDTH * DENSITY) as usize;
const ROWS: usize = (HEIGHT * DENSITY) as usize;

/// Tones of the ground, inks, and steps between the two: 6 * 5 * 8 = 240 colours of 256.
const GROUNDS: usize = 6;
const INKS: usize = 5;
const STEPS: usize = 8;

/// How much ink is on each pixel, from 0 to 1.
pub(super) struct Sheet(Vec<f32>);

impl Sheet {
    /// Without ink.
    pub(super) fn new() -> Self {
        Self(vec![0.0; COLUMNS * ROWS])
    }

    /// Fills the chains with ink, or takes the ink away where they are.
    pub(super) fn fill(&mut self, chains: &[Vec<Point>], ink: bool) {
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
    ///
    /// # Errors
    /// [`Error::Picture`].
    pub(super) fn png(&self, draw: &mut Draw) -> Result<Vec<u8>, Error> {
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
}
