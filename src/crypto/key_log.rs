//! The key log: the secrets of each connection, for who studies a capture.
//!
//! Exists with the feature `keylog` alone, which nothing that is given to people is built with. It
//! knows no file: a program that wants the log says where its lines go, once. One line for each
//! connection, in hexadecimal digits:
//!
//! ```text
//! PARLOUR1 <handshake hash> <T_c2s_0> <T_s2c_0>
//! ```
//!
//! The hash is what tells connections apart: it can be computed from what was seen on the wire.

use std::fmt::Write as _;
use std::sync::OnceLock;

use zeroize::Zeroizing;

/// Where lines go, each without its end.
pub type Place = Box<dyn Fn(&str) + Send + Sync>;

static PLACE: OnceLock<Place> = OnceLock::new();

/// What every line begins with.
const LABEL: &str = "PARLOUR1";

/// Says where the lines of all further connections go. Only the first call counts.
pub fn install(place: Place) {
    // A second place would only get what the first has already.
    let _ = PLACE.set(place);
}

/// Hands a connection's line on, if anybody wants it.
pub(super) fn tell(hash: &[u8; 32], client_to_server: &[u8; 32], server_to_client: &[u8; 32]) {
    if let Some(place) = PLACE.get() {
        place(&line([hash, client_to_server, server_to_client]));
    }
}

fn line(values: [&[u8; 32]; 3]) -> Zeroizing<String> {
    let mut line = Zeroizing::new(String::from(LABEL));
    for value in values {
        line.push(' ');
        for byte in value {
            write!(line, "{byte:02x}").expect("a string takes whatever is written");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_label_and_three_values() {
        let text = line([&[0x0f; 32], &[0xa0; 32], &[1; 32]]);
        let words: Vec<&str> = text.split(' ').collect();
        let values = ["0f".repeat(32), "a0".repeat(32), "01".repeat(32)];
        assert_eq!(words, [LABEL, &values[0], &values[1], &values[2]]);
    }
}
