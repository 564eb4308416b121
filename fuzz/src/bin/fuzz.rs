//! One target under libFuzzer, named by `FUZZ_TARGET`; says how deep its inputs came. `FUZZ_DO` set
//! to `unpack DIR`, `pack DIR` or `show FILE` does that with its corpus instead.
#![no_main]
#![allow(clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // it speaks to a person

use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use gerege_fuzz::mutate::{Dice, mutate};
use gerege_fuzz::{Target, corpus, find};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET is set");
    find(&name).expect("FUZZ_TARGET names a target")
});
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| corpus::read(TARGET.name));

static DEPTHS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

fn instead() {
    let Ok(order) = std::env::var("FUZZ_DO") else {
        return;
    };
    let (what, place) = order.split_once(' ').expect("FUZZ_DO is two words");
    let place = Path::new(place);
    match what {
        "unpack" => corpus::unpack(TARGET.name, place),
        "pack" => corpus::pack(TARGET.name, place),
        "show" => std::fs::read(place).map(|input| println!("{}", corpus::escape(&input))),
        _ => Err(std::io::Error::other("FUZZ_DO is unpack, pack or show")),
    }
    .expect("the corpus is read and written");
    #[allow(clippy::disallowed_methods)] // main is libFuzzer's
    std::process::exit(0);
}

fuzz_target!(init: instead(), |input: &[u8]| {
    let depth = (TARGET.run)(input);
    DEPTHS[depth as usize].fetch_add(1, Ordering::Relaxed);
    let [door, judged, accepted] = [0, 1, 2].map(|at| DEPTHS[at].load(Ordering::Relaxed));
    let all = door + judged + accepted;
    if all.is_multiple_of(1000) {
        eprintln!("DEPTH {all} {} {accepted}", judged + accepted);
    }
});

fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
    // Half as libFuzzer knows best, half by the pieces that inputs are made of; of those half from
    // the inputs to start from, since what libFuzzer finds new is mostly new ways to be refused.
    if seed & 1 == 0 {
        return libfuzzer_sys::fuzzer_mutate(bytes, size, most);
    }
    let mut dice = Dice::new(seed.into());
    let from = if seed & 2 == 0 {
        &bytes[..size]
    } else {
        dice.one(&SEEDS)
    };
    let changed = mutate(from, TARGET.words, &SEEDS, &mut dice);
    let length = changed.len().min(most);
    bytes[..length].copy_from_slice(&changed[..length]);
    length
});
