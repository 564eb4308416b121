//! Who waits for a hash: four classes in order, each bounded; a network that takes the most
//! places loses its oldest one first (PROTOCOL.md 7). No threads, no time.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use ipnet::IpNet;

/// Why a password is hashed, in the order in which callers are served.
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

pub(super) struct Queue<J> {
    lines: [Line<J>; Class::COUNT],
}

struct Line<J> {
    bound: usize,
    jobs: VecDeque<(Option<IpNet>, J)>,
    places: BTreeMap<Option<IpNet>, usize>,
}

impl<J: Waiting> Queue<J> {
    pub(super) fn new(bounds: [usize; Class::COUNT]) -> Self {
        Self {
            lines: bounds.map(|bound| Line {
                bound,
                jobs: VecDeque::new(),
                places: BTreeMap::new(),
            }),
        }
    }

    /// Puts a job into its line. When the line is full a place is made: that of a caller who
    /// went away, else the oldest of the network that holds the most; the job that lost its
    /// place comes back.
    pub(super) fn push(&mut self, seat: Seat, job: J) -> Option<J> {
        let line = &mut self.lines[seat.class as usize];
        line.jobs.push_back((seat.network, job));
        *line.places.entry(seat.network).or_default() += 1;
        if line.jobs.len() <= line.bound {
            return None;
        }
        let index = match line.jobs.iter().position(|(_, job)| job.is_gone()) {
            Some(index) => index,
            None => {
                let most = line.places.values().max().copied().unwrap_or(0);
                line.jobs
                    .iter()
                    .position(|(network, _)| line.places.get(network) == Some(&most))?
            }
        };
        line.take(index)
    }

    /// The next job that somebody still waits for.
    pub(super) fn pop(&mut self) -> Option<J> {
        self.lines.iter_mut().find_map(|line| {
            while !line.jobs.is_empty() {
                match line.take(0) {
                    Some(job) if !job.is_gone() => return Some(job),
                    _ => {}
                }
            }
            None
        })
    }

    pub(super) fn lengths(&self) -> [usize; Class::COUNT] {
        Class::ALL.map(|class| self.lines[class as usize].jobs.len())
    }
}

impl<J> Line<J> {
    fn take(&mut self, index: usize) -> Option<J> {
        let (network, job) = self.jobs.remove(index)?;
        if let Some(places) = self.places.get_mut(&network) {
            *places -= 1;
            if *places == 0 {
                self.places.remove(&network);
            }
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
