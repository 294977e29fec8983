//! Random histories: tokens are made, used, revoked and pruned from two machines, each of which knows the list and its
//! own records only, which it keeps by a clock that is wrong. Whatever happens, only session tokens go, and only those that
//! five others were used after in truth.

mod pruning;

use super::{at, id};
use crate::credential::session_token::*;

const MACHINES: [&str; 2] = ["laptop", "ci-7"];

/// What a token is in truth, which nothing but the assertions may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    Manual,
    /// Made by this program on one of the machines.
    Ours(usize),
    /// Made by docker's browser login or by Docker Desktop.
    Auto,
    /// The same, and Docker Hub does not tell.
    Untold,
}

/// A token at Docker Hub.
struct Token {
    nature: Nature,
    /// Its place among the ids.
    number: usize,
    label: String,
    source: Source,
    created: i64,
    last_used: Option<i64>,
    /// When it was asked which it is, after the list was read.
    asked: Option<i64>,
}

impl Token {
    fn listed<'a>(&'a self, names: &'a Names) -> Listed<'a> {
        Listed {
            id: &names.ids[self.number],
            label: &self.label,
            source: &self.source,
        }
    }
}

/// A token as a machine keeps it.
struct Record {
    /// The token, in truth.
    of: usize,
    /// The same, where the machine has learnt it.
    number: Option<usize>,
    /// Whether it is taken for a session token here.
    is_session: bool,
    place: usize,
    /// By the machine's own clock.
    created: i64,
    last_used: i64,
    /// In truth.
    used: i64,
}

struct World {
    seed: u64,
    random: u64,
    now: i64,
    made: usize,
    listed: Vec<Token>,
    records: [Vec<Record>; 2],
    /// How far the machines' clocks are ahead.
    ahead: [i64; 2],
}

/// What is the same in all histories, since most of the time would be spent on making it.
struct Names {
    ids: Vec<TokenId>,
    labels: [String; 2],
}

impl Names {
    fn new() -> Self {
        let label = |name| SessionLabel {
            machine: Machine::of_host_name(name),
            profile: SESSION_PROFILE.parse().unwrap(),
        };
        Self {
            ids: (0..64)
                .map(|number| id(&format!("id-{}", number * 37 % 64)))
                .collect(),
            labels: MACHINES.map(|name| label(name).to_string()),
        }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            random: seed,
            now: 1000,
            made: 0,
            listed: Vec::new(),
            records: [Vec::new(), Vec::new()],
            ahead: [0, 0],
        }
    }

    /// A number below a small bound (splitmix64: <https://prng.di.unimi.it/splitmix64.c>).
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap() % bound
    }

    fn run(&mut self, names: &Names) {
        for machine in 0..2 {
            self.set_clock(machine);
        }
        for _ in 0..12 + self.below(12) {
            // Now and then two things happen at one time.
            self.now += i64::try_from(self.below(3)).unwrap();
            let machine = self.below(2);
            match self.below(16) {
                0 | 1 => {
                    let label = ["mine", "docker-credential-scoped/session", ""][self.below(3)];
                    self.make(Nature::Manual, label.to_owned());
                }
                2..=6 => self.start(machine, names),
                7 | 8 => self.log_in(machine),
                9 if self.below(3) == 0 => self.log_in_by_hand(machine),
                9..=11 => self.use_one(machine),
                12 | 13 => {
                    if !self.listed.is_empty() {
                        let gone = self.below(self.listed.len());
                        self.listed.swap_remove(gone);
                    }
                }
                _ => {
                    let all_auto = self.below(2) == 0;
                    self.prune(machine, names, all_auto, None);
                    self.prune(machine, names, all_auto, None);
                }
            }
        }
    }

    /// Clocks differ by more than what lies between two uses, and some by years. Some do not.
    fn set_clock(&mut self, machine: usize) {
        let by = i64::try_from(self.below(41)).unwrap() - 20;
        self.ahead[machine] = by * [3, 60, 3600, 10_000_000][self.below(4)];
    }

    fn make(&mut self, nature: Nature, label: String) -> usize {
        let word = match nature {
            Nature::Manual | Nature::Ours(_) => Some("manual"),
            Nature::Auto => Some("auto-generated"),
            Nature::Untold => None,
        };
        let number = self.made;
        self.made += 1;
        self.listed.push(Token {
            nature,
            number,
            label,
            source: Source::read(word),
            created: self.now,
            last_used: None,
            asked: None,
        });
        number
    }

    fn keep(&mut self, machine: usize, of: usize, is_known: bool, place: usize) {
        let now = self.now + self.ahead[machine];
        self.records[machine].retain(|record| record.place != place);
        self.records[machine].push(Record {
            of,
            number: is_known.then_some(of),
            is_session: true,
            place,
            created: now,
            last_used: now,
            used: self.now,
        });
    }

    /// This program has a session made, keeps it, and prunes what this machine has.
    fn start(&mut self, machine: usize, names: &Names) {
        let number = self.make(Nature::Ours(machine), names.labels[machine].clone());
        let place = 1 + self.below(9);
        self.keep(machine, number, true, place);
        self.prune(machine, names, false, Some(number));
    }

    /// docker's browser login: nobody here learns the id.
    fn log_in(&mut self, machine: usize) {
        let nature = [Nature::Auto, Nature::Auto, Nature::Untold][self.below(3)];
        let number = self.make(nature, "Generated by Docker Desktop for CLI usage".to_owned());
        self.keep(machine, number, false, 0);
    }

    /// Somebody logs in with a token of his own a moment after that: it is taken for the browser login's.
    fn log_in_by_hand(&mut self, machine: usize) {
        let is_by_hand = |token: &&Token| token.nature == Nature::Manual;
        let by_hand: Vec<_> = self
            .listed
            .iter()
            .filter(is_by_hand)
            .map(|token| token.number)
            .collect();
        if !by_hand.is_empty() {
            let number = by_hand[self.below(by_hand.len())];
            self.keep(machine, number, false, 0);
        }
    }

    fn use_one(&mut self, machine: usize) {
        let now = self.now + self.ahead[machine];
        let is_recorded = self.below(2) == 0;
        let count = self.records[machine].len();
        if is_recorded && count > 0 {
            let used = self.below(count);
            let record = &mut self.records[machine][used];
            (record.last_used, record.used) = (now, self.now);
            let number = record.of;
            // Docker Hub does not tell each use at once.
            if self.below(4) > 0 {
                let mut listed = self.listed.iter_mut();
                if let Some(token) = listed.find(|token| token.number == number) {
                    token.last_used = Some(self.now);
                }
            }
        } else if !self.listed.is_empty() {
            let used = self.below(self.listed.len());
            self.listed[used].last_used = Some(self.now);
        }
    }
}

fn histories(count: u64) {
    let names = Names::new();
    for seed in 0..count {
        World::new(seed).run(&names);
    }
}

#[test]
fn only_session_tokens_go_and_only_those_that_five_stand_before() {
    histories(100_000);
}

#[test]
fn a_million_histories_lose_nothing_that_was_to_stay() {
    histories(1_000_000);
}
