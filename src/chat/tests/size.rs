//! What a silent person costs.

use crate::chat::people::Person;
use crate::chat::seats::Seat;

/// Goal: a million idle people fit in memory. Method: the parts that each of them has are summed;
/// what the maps add is estimated in the comment, since their nodes are not ours to measure.
#[test]
fn an_idle_person_stays_small() {
    // Beside it: its id in the table, its places in the orders of names and tokens, and membership
    // in a map at about 60 %: some 45 bytes.
    assert!(size_of::<Person>() <= 168, "{}", size_of::<Person>());
    assert!(size_of::<Seat>() <= 16, "{}", size_of::<Seat>());
}
