//! `update_hook`: a service that updates and rollbacks run.
//!
//! Wharf's own key: one or more of their steps.

use crate::stack::fields::Fields;
use crate::stack::grammar::choice;
use crate::stack::model::UpdateHooks;
use crate::stack::problem::Shape;

/// Reads `update_hook`, a string or a list of them.
pub fn read(service: &mut Fields<'_>) -> Option<UpdateHooks> {
    let item = service.get("update_hook")?;
    if item.strings()?.is_empty() {
        let instead = "write `update_hook = \"pre_update\"`, or remove it";
        item.add(Shape::EmptyList { key: "update_hook".to_owned(), instead });
    }
    // Even a wrong one says that it is a job.
    Some(UpdateHooks { moments: item.parse_strings(choice::update_hook), place: item.place().clone() })
}
