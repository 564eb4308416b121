//! Every target with 20,000 inputs that got past the door, the same ones each time.

use crate::corpus;
use crate::mutate::{Dice, mutate};
use crate::target::TARGETS;
use crate::{Depth, Target, find};

/// Where chance begins; `FUZZ_SEED` sets another.
const SEED: u64 = 21;

/// Inputs that count, for each target.
const INPUTS: usize = 20_000;

/// What a target made of its inputs.
#[derive(Default)]
struct Tally {
    door: usize,
    judged: usize,
    accepted: usize,
}

/// Asks until `INPUTS` got past the door. Inputs that are accepted are changed further.
fn ask(target: &Target) -> Tally {
    let seed = std::env::var("FUZZ_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or(SEED);
    let mut dice = Dice::new(seed);
    let seeds = corpus::read(target.name);
    let mut pool = seeds.clone();
    // Inputs that only grow cost time and find nothing.
    let longest = seeds.iter().map(Vec::len).max().unwrap_or_default() * 3 / 2;
    let mut tally = Tally::default();
    for number in 0.. {
        if tally.judged + tally.accepted >= INPUTS {
            break;
        }
        assert!(
            number < INPUTS * 4,
            "{}: too few inputs get past the door: {} of {number}",
            target.name,
            tally.judged + tally.accepted
        );
        let input = match seeds.get(number) {
            Some(seed) => seed.clone(),
            None => mutate(dice.one(&pool).as_slice(), target.words, &pool, &mut dice),
        };
        let depth = std::panic::catch_unwind(|| (target.run)(&input)).unwrap_or_else(|_| {
            panic!(
                "{} broke at input {number} of seed {seed}: {}",
                target.name,
                corpus::escape(&input)
            )
        });
        match depth {
            Depth::Door => tally.door += 1,
            Depth::Judged => tally.judged += 1,
            Depth::Accepted => {
                tally.accepted += 1;
                if dice.below(8) == 0 && input.len() <= longest {
                    if pool.len() < 512 {
                        pool.push(input);
                    } else {
                        let at = seeds.len() + dice.below(pool.len() - seeds.len());
                        pool[at] = input;
                    }
                }
            }
        }
    }
    tally
}

fn hold(name: &str) {
    let target = find(name).expect("a target");
    let tally = ask(target);
    let all = tally.door + tally.judged + tally.accepted;
    println!(
        "{name}: {all} inputs, {:.0} % past the door, {:.0} % accepted",
        100.0 * (tally.judged + tally.accepted) as f64 / all as f64,
        100.0 * tally.accepted as f64 / all as f64
    );
    // What accepts nothing, or everything, tests nothing.
    assert!(
        tally.accepted * 100 >= all,
        "{name}: nearly nothing is accepted: {} of {all}",
        tally.accepted
    );
    assert!(
        tally.judged * 100 >= all,
        "{name}: nearly nothing is refused: {} of {all}",
        tally.judged
    );
}

macro_rules! targets {
    ($($name:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                hold(stringify!($name));
            }
        )*
    };
}

targets! {
    authorize token ciba client_auth assertion request_object dpop status_list registration
    document details grant_management redirect scope pkce logout form
    email username name password login terms markdown
    cookie language config mail opaque verify jwks pem inspect phc
}

#[test]
fn every_target_is_asked() {
    let all: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(all, TESTED);
}
