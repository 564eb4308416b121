//! Numbers drawn from a seed: HMAC-SHA256 in counter mode, one stream for each label. It must give
//! the same on every machine and in every version, so no generator of a package is used.

use aws_lc_rs::hmac;

/// A stream of numbers.
pub(super) struct Draw {
    key: hmac::Key,
    label: String,
    block: [u8; 32],
    counter: u32,
    used: usize,
}

impl Draw {
    /// The stream `label` of `seed`. One stream tells nothing about another.
    pub(super) fn new(seed: &[u8; 32], label: &str) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, seed),
            label: label.to_owned(),
            block: [0; 32],
            counter: 0,
            used: 32,
        }
    }

    fn number(&mut self) -> u32 {
        if self.used == self.block.len() {
            let tag = hmac::sign(
                &self.key,
                format!("gerege check {} {}", self.label, self.counter).as_bytes(),
            );
            self.block.copy_from_slice(tag.as_ref());
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        let bytes = self.block.iter().skip(self.used).take(4);
        self.used += 4;
        bytes.fold(0, |number, byte| (number << 8) | u32::from(*byte))
    }

    /// From 0 to below `bound`; 0 when `bound` is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        // 32 bits over a handful of choices: the bias is below one in a hundred million.
        usize::try_from((u64::from(self.number()) * bound as u64) >> 32).unwrap_or(0)
    }

    /// One of `choices`, or nothing where there are none.
    pub(super) fn pick<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        choices.get(self.below(choices.len()))
    }

    /// From `low` to `high`.
    pub(super) fn within(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * ((self.number() >> 8) as f32 / 16_777_216.0)
    }

    /// `true` once in `times`.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// 1 or -1.
    pub(super) fn sign(&mut self) -> f32 {
        if self.once_in(2) { 1.0 } else { -1.0 }
    }

    /// A quick generator for noise, where a keyed hash for each number would cost too much.
    pub(super) fn noise(&mut self) -> Noise {
        Noise((u64::from(self.number()) << 32) | u64::from(self.number()) | 1)
    }
}

/// Noise: xorshift64*. Nothing secret may hang on it.
pub(super) struct Noise(u64);

impl Noise {
    /// From -1 to 1.
    pub(super) fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        high as f32 / 8_388_608.0 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_in_every_version() {
        let mut draw = Draw::new(&[7; 32], "letters");
        let drawn: Vec<usize> = (0..6).map(|_| draw.below(100)).collect();
        // Worked out with another implementation of HMAC.
        assert_eq!(drawn, [84, 93, 64, 2, 60, 53]);
    }

    #[test]
    fn labels_and_seeds_part_the_streams() {
        let first = |seed, label| Draw::new(&[seed; 32], label).number();
        assert_ne!(first(1, "a"), first(1, "b"));
        assert_ne!(first(1, "a"), first(2, "a"));
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        let mut draw = Draw::new(&[3; 32], "bounds");
        for _ in 0..1000 {
            assert!(draw.below(7) < 7);
            assert!((-2.0..=3.0).contains(&draw.within(-2.0, 3.0)));
        }
        assert_eq!(draw.below(0), 0);
        assert_eq!(draw.pick::<u8>(&[]), None);
        let mut noise = draw.noise();
        assert!((0..1000).all(|_| (-1.0..=1.0).contains(&noise.next())));
    }
}
