//! Who waits for a hash: four classes, the better ones first and none for ever, networks in turns
//! within each; one that takes the most places loses its oldest (PROTOCOL.md 7). No threads, no time.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use ipnet::IpNet;

/// Why a password is hashed, the better ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Sign-in from a device that this account has used before.
    Known,
    /// Sign-in from anywhere else.
    SignIn,
    /// A new password after a reset or a change.
    Reset,
    /// A new account.
    SignUp,
}

impl Class {
    /// How many classes there are.
    pub const COUNT: usize = 4;
    /// All classes, first served first.
    pub const ALL: [Class; Self::COUNT] = [Self::Known, Self::SignIn, Self::Reset, Self::SignUp];

    /// The name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::SignIn => "signin",
            Self::Reset => "reset",
            Self::SignUp => "signup",
        }
    }

    /// A place in this class for a caller at `address`, so that one network cannot take them
    /// all.
    pub fn from(self, address: IpAddr) -> Seat {
        let address = address.to_canonical();
        let prefix = if address.is_ipv4() { 24 } else { 56 };
        Seat {
            class: self,
            network: IpNet::new(address, prefix).ok().map(|net| net.trunc()),
        }
    }
}

/// A place in the queue: the class, and the network the caller comes from (/24 or /56).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Why.
    pub class: Class,
    network: Option<IpNet>,
}

impl From<Class> for Seat {
    fn from(class: Class) -> Self {
        Self {
            class,
            network: None,
        }
    }
}

/// Something that may have been given up while it waited.
pub(super) trait Waiting {
    /// Whether nobody wants the answer any more.
    fn is_gone(&self) -> bool;
}

/// A class that waits is passed over so many times, and is served then: whoever keeps a better one
/// full slows the others down, and shuts out nobody.
const PASSES: usize = 4;

pub(super) struct Queue<J> {
    lines: [Line<J>; Class::COUNT],
}

struct Line<J> {
    bound: usize,
    length: usize,
    /// How often another class was served while somebody waited here.
    passed: usize,
    /// Those who wait, by network, oldest first. None of them is empty.
    jobs: BTreeMap<Option<IpNet>, VecDeque<J>>,
    /// The networks in the order in which they are served.
    turns: VecDeque<Option<IpNet>>,
}

impl<J: Waiting> Queue<J> {
    pub(super) fn new(bounds: [usize; Class::COUNT]) -> Self {
        Self {
            lines: bounds.map(|bound| Line {
                bound,
                length: 0,
                passed: 0,
                jobs: BTreeMap::new(),
                turns: VecDeque::new(),
            }),
        }
    }

    /// Puts a job into its line. When the line is full a place is made: that of a caller who
    /// went away, else the oldest of the network that holds the most; the job that lost its
    /// place comes back.
    pub(super) fn push(&mut self, seat: Seat, job: J) -> Option<J> {
        let line = &mut self.lines[seat.class as usize];
        line.add(seat.network, job);
        if line.length <= line.bound {
            return None;
        }
        line.shed()
    }

    /// The next job that somebody still waits for.
    pub(super) fn pop(&mut self) -> Option<J> {
        loop {
            let index = self.next()?;
            let job = self.lines[index].take()?;
            if job.is_gone() {
                continue; // it was nobody's turn
            }
            self.lines[index].passed = 0;
            for (other, line) in self.lines.iter_mut().enumerate() {
                if other != index && line.length > 0 {
                    line.passed += 1;
                }
            }
            return Some(job);
        }
    }

    /// Which class is served next: the best of those that were passed over too often, else the
    /// best in which somebody waits.
    fn next(&self) -> Option<usize> {
        let waits = |line: &Line<J>| line.length > 0;
        let is_due = |line: &Line<J>| waits(line) && line.passed >= PASSES;
        let due = self.lines.iter().position(is_due);
        due.or_else(|| self.lines.iter().position(waits))
    }

    pub(super) fn lengths(&self) -> [usize; Class::COUNT] {
        Class::ALL.map(|class| self.lines[class as usize].length)
    }
}

impl<J: Waiting> Line<J> {
    fn add(&mut self, network: Option<IpNet>, job: J) {
        let own = self.jobs.entry(network).or_default();
        if own.is_empty() {
            self.turns.push_back(network);
        }
        own.push_back(job);
        self.length += 1;
    }

    /// The oldest of the network whose turn it is.
    fn take(&mut self) -> Option<J> {
        let network = self.turns.pop_front()?;
        let job = self.remove(network, 0);
        if self.jobs.contains_key(&network) {
            self.turns.push_back(network);
        }
        job
    }

    /// A caller who went away, else the oldest of the network that holds the most.
    fn shed(&mut self) -> Option<J> {
        let gone = self.jobs.iter().find_map(|(network, own)| {
            let index = own.iter().position(Waiting::is_gone)?;
            Some((*network, index))
        });
        let (network, index) = match gone {
            Some(found) => found,
            None => {
                let most = self.jobs.iter().max_by_key(|(_, own)| own.len())?;
                (*most.0, 0)
            }
        };
        let job = self.remove(network, index);
        if !self.jobs.contains_key(&network) {
            self.turns.retain(|other| *other != network);
        }
        job
    }

    /// Takes one out; a network without any is forgotten here, but not in the turns.
    fn remove(&mut self, network: Option<IpNet>, index: usize) -> Option<J> {
        let own = self.jobs.get_mut(&network)?;
        let job = own.remove(index)?;
        if own.is_empty() {
            self.jobs.remove(&network);
        }
        self.length -= 1;
        if self.length == 0 {
            self.passed = 0;
        }
        Some(job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Waiting for (u32, bool) {
        fn is_gone(&self) -> bool {
            self.1
        }
    }

    fn here(n: u32) -> (u32, bool) {
        (n, false)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn classes_are_served_in_order_and_each_in_turn() {
        let mut queue = Queue::new([9; 4]);
        for (n, class) in [
            (1, Class::SignUp),
            (2, Class::Reset),
            (3, Class::SignIn),
            (4, Class::Known),
            (5, Class::SignIn),
        ] {
            assert!(queue.push(class.into(), here(n)).is_none());
        }
        assert_eq!(queue.lengths(), [1, 2, 1, 1]);
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop()).map(|j| j.0).collect();
        assert_eq!(order, [4, 3, 5, 2, 1]);
    }

    #[test]
    fn a_full_better_class_shuts_out_no_other() {
        let mut queue = Queue::new([99; 4]);
        let flood = |queue: &mut Queue<_>| {
            for n in 0..20 {
                assert!(queue.push(Class::Known.into(), here(n)).is_none());
            }
        };
        flood(&mut queue);
        for (n, class) in [
            (100, Class::SignIn),
            (101, Class::SignIn),
            (200, Class::Reset),
        ] {
            assert!(queue.push(class.into(), here(n)).is_none());
        }
        let mut served = |n: usize| -> Vec<u32> {
            let taken: Vec<u32> = (0..n)
                .filter_map(|_| queue.pop())
                .map(|job| job.0)
                .collect();
            taken.into_iter().filter(|n| *n >= 100).collect()
        };
        // Those that are due together are served one after the other, the better one first.
        assert_eq!(served(4), [0; 0]);
        assert_eq!(served(2), [100, 200]);
        assert_eq!(served(3), [0; 0]);
        assert_eq!(served(1), [101]);
        // Nobody saves up turns while nobody waits.
        assert_eq!(served(3), [0; 0]);
        assert!(queue.push(Class::SignUp.into(), here(300)).is_none());
        flood(&mut queue);
        let order: Vec<u32> = (0..5)
            .filter_map(|_| queue.pop())
            .map(|job| job.0)
            .collect();
        assert_eq!(order.iter().position(|n| *n == 300), Some(4));
    }

    #[test]
    fn networks_are_served_in_turns_within_a_class() {
        let mut queue = Queue::new([99; 4]);
        for n in 0..20 {
            let flood = Class::Known.from(ip("192.0.2.1"));
            assert!(queue.push(flood, here(n)).is_none());
        }
        for (n, from) in [
            (100, "198.51.100.7"),
            (101, "198.51.100.8"),
            (200, "203.0.113.9"),
        ] {
            assert!(queue.push(Class::Known.from(ip(from)), here(n)).is_none());
        }
        let order: Vec<u32> = (0..7)
            .filter_map(|_| queue.pop())
            .map(|job| job.0)
            .collect();
        assert_eq!(order, [0, 100, 200, 1, 101, 2, 3]);
    }

    #[test]
    fn a_full_line_sheds_its_oldest_and_leaves_the_others_alone() {
        let mut queue = Queue::new([1, 2, 1, 1]);
        assert!(queue.push(Class::Known.into(), here(1)).is_none());
        assert!(queue.push(Class::SignIn.into(), here(2)).is_none());
        assert!(queue.push(Class::SignIn.into(), here(3)).is_none());
        assert_eq!(queue.push(Class::SignIn.into(), here(4)), Some(here(2)));
        assert_eq!(queue.lengths(), [1, 2, 0, 0]);
    }

    #[test]
    fn a_flood_from_one_network_sheds_itself() {
        let mut queue = Queue::new([4; 4]);
        let person = Class::SignIn.from(ip("198.51.100.7"));
        assert!(queue.push(person, here(0)).is_none());
        for n in 1..=3 {
            let flood = Class::SignIn.from(ip(&format!("192.0.2.{n}")));
            assert!(queue.push(flood, here(n)).is_none());
        }
        for n in 4..=50 {
            let flood = Class::SignIn.from(ip("192.0.2.200"));
            assert_eq!(queue.push(flood, here(n)), Some(here(n - 3)));
        }
        assert_eq!(queue.pop(), Some(here(0)));
    }

    #[test]
    fn networks_are_24_and_56_bits_wide() {
        let seat = |text| Class::SignIn.from(ip(text));
        assert_eq!(seat("192.0.2.1"), seat("192.0.2.254"));
        assert_eq!(seat("192.0.2.1"), seat("::ffff:192.0.2.9"));
        assert_ne!(seat("192.0.2.1"), seat("192.0.3.1"));
        assert_eq!(seat("2001:db8:0:1::1"), seat("2001:db8:0:ff::1"));
        assert_ne!(seat("2001:db8:0:1::1"), seat("2001:db8:0:100::1"));
    }

    #[test]
    fn a_caller_that_went_away_frees_its_place() {
        let mut queue = Queue::new([2; 4]);
        assert!(queue.push(Class::SignIn.into(), here(1)).is_none());
        assert!(queue.push(Class::SignIn.into(), (2, true)).is_none());
        assert_eq!(queue.push(Class::SignIn.into(), here(3)), Some((2, true)));
        assert_eq!(queue.push(Class::Known.into(), (4, true)), None);
        assert_eq!(queue.pop(), Some(here(1)));
        assert_eq!(queue.pop(), Some(here(3)));
        assert_eq!(queue.pop(), None);
    }
}
