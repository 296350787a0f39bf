//! What a silent person costs.

use crate::chat::people::Person;
use crate::chat::seats::Seat;

/// Goal: a million idle people fit in memory. Method: the parts that each of them has are summed;
/// what the maps add is estimated in the comment, since their nodes are not ours to measure.
#[test]
fn an_idle_person_stays_small() {
    // Beside it: id, name, token and membership in maps at about 60 %, the list of rooms, and the
    // allocations' own headers: some 250 bytes for a sealed client, 200 for a plain one.
    assert!(size_of::<Person>() <= 232, "{}", size_of::<Person>());
    assert!(size_of::<Seat>() <= 16, "{}", size_of::<Seat>());
}
