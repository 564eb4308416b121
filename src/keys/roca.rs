//! RSA keys that a maker of chips drew from too few primes (CVE-2017-15361): the public half alone
//! shows it, and the private half can be found.

/// Primes for which the powers of 65537 are not all remainders: such a modulus leaves one of them
/// at each (Nemec and others, "The Return of Coppersmith's Attack", 2017).
const PRIMES: [u32; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

/// Whether a modulus, big-endian, has that mark.
pub(super) fn is_marked(modulus: &[u8]) -> bool {
    PRIMES.into_iter().all(|prime| {
        let rest = modulus
            .iter()
            .fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let mut power = 1;
        for _ in 0..prime {
            if power == rest {
                return true;
            }
            power = power * 65537 % prime;
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_the_generator_is_marked_and_its_neighbour_is_not() {
        // 65537^8, written out.
        let mut number = vec![1_u8];
        for _ in 0..8 {
            // times 65537 is itself and itself two bytes up
            let mut sum = vec![0_u16; number.len() + 2];
            for (at, byte) in number.iter().enumerate() {
                sum[at] += u16::from(*byte);
                sum[at + 2] += u16::from(*byte);
            }
            let mut carry = 0;
            number = sum
                .iter()
                .rev()
                .map(|digit| {
                    let all = digit + carry;
                    carry = all >> 8;
                    all.to_be_bytes()[1]
                })
                .collect();
            number.reverse();
        }
        assert!(is_marked(&number));
        *number.last_mut().unwrap() ^= 2;
        assert!(!is_marked(&number));
        assert!(!is_marked(&[]));
    }
}
