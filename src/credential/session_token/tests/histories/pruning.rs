//! What a machine of the histories does when it prunes, and what has to hold of that in truth.

use super::{Names, Nature, Record, World, at};
use crate::credential::session_token::*;

impl World {
    /// Asks which of Docker Hub's tokens is held here under no id, as signing in with it tells; sometimes nobody answers.
    /// That is a use of it, which the list has not that was read before.
    fn learn(&mut self, machine: usize, names: &Names) {
        let is_answered = self.below(3) > 0;
        for record in &mut self.records[machine] {
            let found = self.listed.iter_mut().find(|token| token.number == record.of);
            let Some(token) = found.filter(|_| is_answered && record.is_session && record.number.is_none())
            else {
                continue;
            };
            let listed = token.listed(names);
            if let Some(kind) = kind_of_stored(&listed) {
                record.number = Some(token.number);
                record.is_session = kind == Kind::SessionToken;
            }
            token.asked = Some(self.now);
        }
    }

    /// Prunes as the commands do: what is to go leaves the machine and Docker Hub's list. With a token that was just
    /// made, only what the machine itself has recorded.
    pub(super) fn prune(&mut self, machine: usize, names: &Names, all_auto: bool, just_made: Option<usize>) {
        if just_made.is_none() {
            self.learn(machine, names);
        }
        let is_listed = |record: &Record| self.listed.iter().any(|token| token.number == record.of);
        self.records[machine].retain(|record| record.number.is_none() || is_listed(record));
        let own = &self.records[machine];
        let is_recorded = |id: &TokenId| {
            own.iter()
                .filter(|record| record.is_session)
                .any(|record| record.number.is_some_and(|number| names.ids[number] == *id))
        };
        let is_one_nameless = own.iter().any(|record| record.number.is_none());
        let mut tokens = Vec::new();
        // For each token when it was last used in truth, as far as this machine or Docker Hub knows of it.
        let mut recent: Vec<(usize, i64)> = Vec::new();
        for token in &self.listed {
            let listed = token.listed(names);
            let is_meant = if just_made.is_some() {
                is_recorded(listed.id)
            } else {
                is_session(&listed, is_recorded, all_auto)
                    && !(is_one_nameless && may_be_nameless(&listed, is_recorded))
            };
            if is_meant {
                tokens.push(SessionToken {
                    id: Some(listed.id.clone()),
                    places: Vec::new(),
                    created: at(token.created),
                    last_used: token.last_used.map(at),
                });
                let used = own
                    .iter()
                    .filter(|record| record.of == token.number)
                    .map(|record| record.used);
                let last = used.chain(token.last_used).fold(token.created, i64::max);
                recent.push((token.number, last));
            }
        }
        let clocks = Clocks::new(at(self.now + self.ahead[machine]), at(self.now));
        for record in own.iter().filter(|record| record.is_session) {
            if let Some(number) = record.number {
                tokens.push(SessionToken {
                    id: Some(names.ids[number].clone()),
                    places: vec![record.place],
                    created: clocks.theirs(at(record.created)),
                    last_used: Some(clocks.theirs(at(record.last_used))),
                });
            }
        }
        let just_made_id = just_made.map(|number| &names.ids[number]);
        let plan = PrunePlan::new(tokens, KEPT, just_made_id, clocks.now());
        self.check(names, &recent, just_made, &plan, (machine, all_auto));
        for token in &mut self.listed {
            token.last_used = token.asked.take().or(token.last_used);
        }
        for token in &plan.pruned {
            self.records[machine].retain(|record| !token.places.contains(&record.place));
            self.listed
                .retain(|listed| token.id.as_ref() != Some(&names.ids[listed.number]));
        }
    }

    fn check(
        &self,
        names: &Names,
        recent: &[(usize, i64)],
        just_made: Option<usize>,
        PrunePlan { kept, pruned }: &PrunePlan<usize>,
        (machine, all_auto): (usize, bool),
    ) {
        let seed = self.seed;
        let known = |token: &SessionToken<usize>| {
            let is_it = |(number, _): &&(usize, i64)| token.id.as_ref() == Some(&names.ids[*number]);
            *recent.iter().find(is_it).unwrap()
        };
        assert_eq!(
            kept.len() + pruned.len(),
            recent.len(),
            "none is lost or doubled, seed {seed}"
        );
        assert!(kept.len() <= KEPT, "nothing is kept beyond five, seed {seed}");
        assert!(
            pruned.is_empty() || kept.len() == KEPT,
            "none goes without need, seed {seed}"
        );
        if let Some(number) = just_made {
            let is_kept = kept
                .iter()
                .any(|token| token.id.as_ref() == Some(&names.ids[number]));
            assert!(is_kept, "the one just made stays, seed {seed}");
        }
        for token in pruned {
            let (number, last) = known(token);
            let nature = self
                .listed
                .iter()
                .find(|listed| listed.number == number)
                .unwrap()
                .nature;
            let of_it = |record: &&Record| record.of == number;
            let own = self.records[machine].iter().filter(of_it);
            let is_told = match nature {
                Nature::Ours(_) => true,
                Nature::Auto => all_auto || own.clone().count() > 0,
                Nature::Manual | Nature::Untold => false,
            };
            assert!(is_told, "{nature:?} does not go, seed {seed}");
            assert!(
                own.clone().all(|record| token.places.contains(&record.place)),
                "what is held here does not go behind our back, seed {seed}"
            );
            assert!(
                just_made.is_none() || own.count() > 0,
                "a session that starts takes nobody else's place, seed {seed}"
            );
            let before = recent
                .iter()
                .filter(|(other, others)| *other != number && (*others >= last || Some(*other) == just_made))
                .count();
            assert!(
                before >= KEPT,
                "one of the five most recently used does not go, seed {seed}"
            );
        }
    }
}
