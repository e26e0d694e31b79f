//! `schedule`: a service that a timer runs.
//!
//! Wharf's own key: one or more calendar expressions of systemd.time(7), as a timer's `OnCalendar=`.

use crate::stack::fields::Fields;
use crate::stack::grammar::calendar;
use crate::stack::model::Schedule;
use crate::stack::problem::Shape;

/// Reads `schedule`, a string or a list of them.
pub fn read(service: &mut Fields<'_>) -> Option<Schedule> {
    let item = service.get("schedule")?;
    let texts = item.strings()?;
    if texts.is_empty() {
        let instead = "write `schedule = \"daily\"`, or remove it";
        item.add(Shape::EmptyList { key: "schedule".to_owned(), instead });
    }
    // Even a wrong one says that there is to be a timer.
    let on_calendar = item.parse_strings(calendar::expression);
    Some(Schedule { on_calendar, place: item.place().clone() })
}
