//! Waves, and what is made of them: the bending of the sheet and the curves across it.

use ab_glyph_rasterizer::{Point, point};

use super::draw::Draw;
use super::sheet::{HEIGHT, WIDTH};

/// A wave of random height, length and start.
pub(super) struct Wave {
    height: f32,
    turn: f32,
    start: f32,
}

impl Wave {
    /// With a height and a length from within the given bounds.
    pub(super) fn new(draw: &mut Draw, height: (f32, f32), length: (f32, f32)) -> Self {
        Self {
            height: draw.within(height.0, height.1) * draw.sign(),
            turn: std::f32::consts::TAU / draw.within(length.0, length.1),
            start: draw.within(0.0, std::f32::consts::TAU),
        }
    }

    /// The height at `along`.
    pub(super) fn at(&self, along: f32) -> f32 {
        self.height * (along * self.turn + self.start).sin()
    }
}

/// Bends the whole sheet.
pub(super) struct Bend {
    long: Wave,
    short: Wave,
    side: Wave,
}

impl Bend {
    /// A bending of a long and a short wave downwards and one sidewards.
    pub(super) fn new(draw: &mut Draw) -> Self {
        Self {
            long: Wave::new(draw, (3.0, 6.0), (130.0, 240.0)),
            short: Wave::new(draw, (0.8, 1.7), (34.0, 60.0)),
            side: Wave::new(draw, (2.0, 4.5), (50.0, 110.0)),
        }
    }

    /// Where the point `at` comes to lie.
    pub(super) fn apply(&self, at: Point) -> Point {
        point(
            at.x + self.side.at(at.y),
            (at.y + self.long.at(at.x) + self.short.at(at.x)).clamp(4.0, HEIGHT - 4.0),
        )
    }
}

/// A curve across the sheet as a chain of four-sided pieces.
pub(super) fn curve(draw: &mut Draw, thin: f32, thick: f32) -> Vec<Vec<Point>> {
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
pub(super) fn trace(chain: &[Point], pen: f32) -> Vec<Vec<Point>> {
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
