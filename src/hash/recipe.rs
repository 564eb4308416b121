//! One Argon2 computation, and how it is written down and read (RFC 9106; PHC string format).

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Version};
use zeroize::Zeroizing;

use super::{Error, Params};

/// Bytes of a hash made here (RFC 9106 4: tag length 256 bits).
const OUTPUT_BYTES: usize = 32;

/// The most memory that a hash on file may ask for, in KiB: 1 GiB.
const MOST_MEMORY: u32 = 1 << 20;

/// The most work that a hash on file may ask for, in KiB times passes: some seconds.
const MOST_WORK: u64 = 1 << 23;

/// The parameters, in Argon2's own form.
pub(super) fn costs(params: &Params) -> Result<argon2::Params, Error> {
    let costs = argon2::Params::new(
        params.memory_kib,
        params.passes,
        params.lanes,
        Some(OUTPUT_BYTES),
    )
    .map_err(|e| Error::Params(e.to_string()))?;
    if !bearable(&costs) {
        return Err(Error::Params("more than a server can bear".into()));
    }
    Ok(costs)
}

fn bearable(params: &argon2::Params) -> bool {
    let work = u64::from(params.m_cost()).saturating_mul(u64::from(params.t_cost()));
    params.m_cost() <= MOST_MEMORY && work <= MOST_WORK
}

/// Everything but the password.
#[derive(Clone)]
pub(super) struct Recipe {
    algorithm: Algorithm,
    version: Version,
    params: argon2::Params,
    salt: Vec<u8>,
    length: usize,
}

impl Recipe {
    /// For a new hash.
    pub(super) fn fresh(params: argon2::Params, salt: &[u8]) -> Self {
        Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params,
            salt: salt.to_vec(),
            length: OUTPUT_BYTES,
        }
    }

    /// Whether a hash made so costs what one made with `params` costs.
    pub(super) fn costs_as(&self, params: &argon2::Params) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.length == OUTPUT_BYTES
            && self.params.m_cost() == params.m_cost()
            && self.params.t_cost() == params.t_cost()
            && self.params.p_cost() == params.p_cost()
    }

    /// What it costs.
    pub(super) fn cost(&self) -> Params {
        Params {
            memory_kib: self.params.m_cost(),
            passes: self.params.t_cost(),
            lanes: self.params.p_cost(),
            at_once: 1,
        }
    }

    /// Computes. `memory` grows to what is needed and is used again by the next one.
    pub(super) fn compute(
        &self,
        password: &[u8],
        memory: &mut Vec<Block>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let stopped = |text: String| Error::Stopped(text);
        let blocks = self.params.block_count();
        if memory.len() < blocks {
            memory
                .try_reserve_exact(blocks - memory.len())
                .map_err(|e| stopped(e.to_string()))?;
            memory.resize(blocks, Block::default());
        }
        let mut output = Zeroizing::new(vec![0; self.length]);
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into_with_memory(
                password,
                &self.salt,
                &mut output,
                memory.as_mut_slice(),
            )
            .map_err(|e| stopped(e.to_string()))?;
        Ok(output)
    }

    /// As a PHC string.
    pub(super) fn write(&self, output: &[u8]) -> Result<String, Error> {
        let phc = || -> Option<PasswordHash> {
            Some(PasswordHash {
                algorithm: ARGON2ID_IDENT,
                version: Some(self.version.into()),
                params: ParamsString::try_from(&self.params).ok()?,
                salt: Some(Salt::new(&self.salt).ok()?),
                hash: Some(Output::new(output).ok()?),
            })
        };
        phc()
            .map(|hash| hash.to_string())
            .ok_or_else(|| Error::Params("the hash cannot be written down".into()))
    }
}

/// Reads a PHC string: how to compute, and what must come out.
pub(super) fn read(phc: &str) -> Result<(Recipe, Vec<u8>), Error> {
    let parts = || -> Option<(Recipe, Vec<u8>)> {
        let hash = PasswordHash::new(phc).ok()?;
        let params = argon2::Params::try_from(&hash).ok()?;
        let expected = hash.hash.as_ref()?.as_bytes().to_vec();
        // A string without `v=` is from before version 1.3, and means 1.0.
        let version = Version::try_from(hash.version.unwrap_or(0x10)).ok()?;
        let recipe = Recipe {
            algorithm: Algorithm::try_from(hash.algorithm.as_str()).ok()?,
            version,
            salt: hash.salt.as_ref()?.as_ref().to_vec(),
            length: expected.len(),
            params,
        };
        bearable(&recipe.params).then_some((recipe, expected))
    };
    parts().ok_or(Error::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn small() -> argon2::Params {
        costs(&Params {
            memory_kib: 64,
            passes: 1,
            lanes: 1,
            at_once: 1,
        })
        .unwrap()
    }

    #[test]
    fn a_hash_made_by_the_c_library_is_read() {
        let phc = "$argon2id$v=19$m=19456,t=2,p=1$h6RkdxZsS81rji58BZq2Mg\
                   $/Pmc0W7/HqpT/GRQLnVadRm83b1g0bzvHjRGdZZV+t4";
        let (recipe, expected) = read(phc).unwrap();
        let output = recipe.compute("сайн байна уу".as_bytes(), &mut Vec::new());
        assert_eq!(*output.unwrap(), expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let recipe = Recipe::fresh(small(), &[7; 16]);
        let mut memory = Vec::new();
        let output = recipe.compute(b"steppe", &mut memory).unwrap();
        let phc = recipe.write(&output).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
        let (again, expected) = read(&phc).unwrap();
        assert_eq!(expected, *output);
        assert!(again.costs_as(&small()));
        // Memory that was used before changes nothing.
        assert_eq!(again.compute(b"steppe", &mut memory).unwrap(), output);
        assert_ne!(again.compute(b"Steppe", &mut memory).unwrap(), output);
    }

    #[test]
    fn absurd_or_foreign_hashes_are_refused_before_any_work() {
        for phc in [
            "",
            "plain",
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
            "$argon2id$v=19$m=2097152,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
            "$argon2id$v=19$m=1048576,t=4000000,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
            "$argon2id$v=20$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8",
            "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ",
        ] {
            assert_eq!(read(phc).err(), Some(Error::Unreadable), "{phc}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = read(&text);
        }

        #[test]
        fn reading_something_like_a_hash_never_panics(
            text in "\\$argon2(id|i|d|x)\\$(v=[0-9]{1,4}\\$)?m=[0-9]{1,10},t=[0-9]{1,10},p=[0-9]{1,8}\\$[A-Za-z0-9+/]{0,70}\\$[A-Za-z0-9+/]{0,90}",
        ) {
            let _ = read(&text);
        }
    }
}
