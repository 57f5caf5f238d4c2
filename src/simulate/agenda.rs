//! Which client is due next.

use crate::time::Tick;

/// What stands for never.
pub(super) const NEVER: Tick = Tick(u64::MAX);

/// The next instant of each client, and whose is the earliest: a tournament, in which a change of one instant costs as many
/// comparisons as there are rounds. At one instant the first client wins.
#[derive(Debug)]
pub(super) struct Agenda {
    due: Vec<Tick>,
    /// Winners: the root at 1, the clients from `due.len()` on.
    winners: Vec<u32>,
}

impl Agenda {
    /// Nothing is due for so many clients.
    pub(super) fn new(clients: usize) -> Agenda {
        let places = clients.max(1).next_power_of_two();
        let mut winners: Vec<u32> = (0..2 * places).map(|place| (place % places) as u32).collect();
        for place in (1..places).rev() {
            winners[place] = winners[2 * place];
        }
        Agenda { due: vec![NEVER; places], winners }
    }

    /// A client is due at `at` and not before.
    pub(super) fn set(&mut self, client: usize, at: Tick) {
        self.due[client] = at;
        let mut place = (self.due.len() + client) / 2;
        while place > 0 {
            let (left, right) = (self.winners[2 * place], self.winners[2 * place + 1]);
            let right_wins = self.due[right as usize] < self.due[left as usize];
            self.winners[place] = if right_wins { right } else { left };
            place /= 2;
        }
    }

    /// The earliest, and whose.
    pub(super) fn next(&self) -> (Tick, usize) {
        let client = self.winners[1] as usize;
        (self.due[client], client)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_earliest_wins(clients in 1usize..9, changes in prop::collection::vec((0usize..9, 0u64..20), 0..60)) {
            let mut agenda = Agenda::new(clients);
            let mut due = vec![NEVER; clients];
            for (client, at) in changes {
                let client = client % clients;
                due[client] = Tick(at);
                agenda.set(client, Tick(at));
                let first = (0..clients).min_by_key(|c| due[*c]).unwrap();
                prop_assert_eq!(agenda.next(), (due[first], first));
            }
        }
    }
}
