//! The status row: where one is, as whom, and whether there is a connection. Pure.

use std::fmt::Write;
use std::time::Duration;

use super::painter::Row;
use super::style::Style;
use crate::chat::{Name, RoomName};
use crate::client::link::Standing;
use crate::client::settings::Bell;

/// What there is to show at any time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Status<'a> {
    pub(super) standing: Standing,
    pub(super) is_leaving: bool,
    /// Whether the user must answer something before there can be a connection.
    pub(super) is_asked: bool,
    pub(super) room: Option<RoomName>,
    pub(super) name: Option<Name>,
    /// The server's address.
    pub(super) place: &'a str,
    /// What was said and is not acknowledged.
    pub(super) waiting: usize,
    /// Lines of the text being typed.
    pub(super) lines: usize,
    pub(super) is_away: bool,
    pub(super) is_quiet: bool,
    pub(super) bell: Bell,
}

impl Status<'_> {
    /// The row.
    pub(super) fn row(&self) -> Row {
        let mut text = format!("-- {}", self.connection());
        if self.standing != Standing::Connected && self.waiting > 0 {
            let _ = write!(text, " | {} to be sent", self.waiting);
        }
        match self.room {
            Some(room) => {
                let _ = write!(text, " | {room}");
            }
            None if self.standing == Standing::Connected => text.push_str(" | in no room"),
            None => {}
        }
        match self.name {
            Some(name) => {
                let _ = write!(text, " | {name} at {}", self.place);
            }
            None => {
                let _ = write!(text, " | {}", self.place);
            }
        }
        let bell = match self.bell {
            Bell::All => "",
            Bell::Pm => " | bell pm",
            Bell::Off => " | bell off",
        };
        text.push_str(if self.is_away { " | away" } else { "" });
        text.push_str(if self.is_quiet { " | quiet" } else { "" });
        text.push_str(bell);
        if self.lines > 1 {
            let _ = write!(text, " | {} lines typed", self.lines);
        }
        let style = match self.standing {
            Standing::Connected => Style::Faint,
            Standing::Connecting | Standing::Apart { .. } => Style::Trouble,
        };
        Row { style, text }
    }

    /// The connection in a few words.
    pub(super) fn connection(&self) -> String {
        match self.standing {
            _ if self.is_leaving => "leaving".to_owned(),
            Standing::Connected => "connected".to_owned(),
            Standing::Connecting => "connecting".to_owned(),
            Standing::Apart { again_in: None } => "no connection".to_owned(),
            Standing::Apart { .. } if self.is_asked => "not connected yet".to_owned(),
            Standing::Apart {
                again_in: Some(wait),
            } => {
                let seconds = seconds(wait);
                format!("no connection, again in {seconds} s, Enter tries now")
            }
        }
    }
}

/// Whole seconds that are not over yet.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// When the row has to be painted anew though nothing happens: with each second of a wait.
pub(super) fn next_change(standing: Standing) -> Option<Duration> {
    match standing {
        Standing::Apart {
            again_in: Some(wait),
        } => {
            let rest = Duration::from_nanos(u64::from(wait.subsec_nanos()));
            // A tick behind the whole second, and not at once again.
            Some(rest + Duration::from_millis(1))
        }
        Standing::Apart { again_in: None } | Standing::Connecting | Standing::Connected => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(standing: Standing) -> Status<'static> {
        Status {
            standing,
            is_leaving: false,
            is_asked: false,
            room: RoomName::parse("den").ok(),
            name: Name::parse("alice").ok(),
            place: "localhost:4747",
            waiting: 2,
            lines: 1,
            is_away: false,
            is_quiet: false,
            bell: Bell::All,
        }
    }

    #[test]
    fn the_row_says_where_one_is_and_how_it_goes() {
        let row = status(Standing::Connected).row();
        assert_eq!(row.text, "-- connected | #den | alice at localhost:4747");
        let again_in = Some(Duration::from_millis(11_200));
        let row = status(Standing::Apart { again_in }).row();
        assert_eq!(
            row.text,
            "-- no connection, again in 12 s, Enter tries now | 2 to be sent | #den | alice at \
             localhost:4747"
        );
        assert_eq!(row.style, Style::Trouble);
        let all = Status {
            is_away: true,
            is_quiet: true,
            bell: Bell::Off,
            lines: 3,
            room: None,
            ..status(Standing::Connected)
        };
        let expected = "-- connected | in no room | alice at localhost:4747 | away | quiet | bell \
                        off | 3 lines typed";
        assert_eq!(all.row().text, expected);
    }

    #[test]
    fn a_countdown_is_painted_each_second() {
        let apart = |millis| Standing::Apart {
            again_in: Some(Duration::from_millis(millis)),
        };
        assert_eq!(next_change(apart(2_300)), Some(Duration::from_millis(301)));
        assert_eq!(next_change(apart(2_000)), Some(Duration::from_millis(1)));
        assert_eq!(next_change(Standing::Connected), None);
    }
}
