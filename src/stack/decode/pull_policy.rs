//! `pull_policy` and `pull_refresh_after`: when an image is fetched.
//!
//! Source: Compose Specification, services, pull_policy; its schema for `pull_refresh_after`.

use crate::stack::fields::Fields;
use crate::stack::grammar::pull_policy::{pull_policy, refresh_age};
use crate::stack::model::{Build, PullPolicy};
use crate::stack::problem::{BuildFault, Expected, Invalid, Shape};
use crate::stack::text::node::Value;

/// Reads both keys. What is built is not fetched.
pub fn read(build: Option<&Build>, service: &mut Fields<'_>) -> Option<PullPolicy> {
    let item = service.get("pull_policy");
    let policy = written(service);
    let fault = match (policy, build) {
        (Some(PullPolicy::Always | PullPolicy::Refresh(_)), Some(_)) => Some(BuildFault::PullPolicy),
        (Some(PullPolicy::Build), None) if !service.has("build") => Some(BuildFault::PolicyWithoutBuild),
        _ => None,
    };
    if let (Some(fault), Some(item)) = (fault, item) {
        item.add(Invalid::Build(fault));
    }
    policy
}

/// What the two keys say together.
fn written(service: &mut Fields<'_>) -> Option<PullPolicy> {
    let refresh_after = service.get("pull_refresh_after");
    let age = refresh_after.and_then(|item| item.parse(Expected::String, refresh_age));
    let item = service.get("pull_policy");
    let refresh = item.is_some_and(|item| item.node.value == Value::String("refresh".to_owned()));
    match (refresh_after, item) {
        (Some(after), _) if !refresh => {
            service.excludes("pull_refresh_after", after.place(), "it requires `pull_policy = \"refresh\"`");
        }
        (None, Some(item)) if refresh => {
            let (owner, example) = (service.owner.clone(), "pull_refresh_after = \"24h\"");
            item.add(Shape::Missing { key: "pull_refresh_after", owner, example });
        }
        _ => (),
    }
    if refresh { age.map(PullPolicy::Refresh) } else { item?.parse(Expected::String, pull_policy) }
}
