//! Dependencies that go round in a circle.
//!
//! Invariant: no recursion, so that a chain of any length is walked; each dependency is followed once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::stack::model::Service;
use crate::stack::problem::{Report, ServiceFault};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// On the path from the start to here.
    OnPath,
    /// Everything behind it is known.
    Done,
}

/// So many circles are enough to mend; where all depend on all, there are more than can be written down.
const MOST: usize = 100;

/// Reports each circle once, at the dependency of its first service.
pub fn check(services: &BTreeMap<String, Box<Service>>, report: &Report) {
    for circle in circles(services) {
        let [first, second, ..] = circle.as_slice() else {
            continue;
        };
        if let Some(dependency) = services.get(*first).and_then(|service| service.depends_on.get(*second)) {
            let services = circle.iter().map(|name| (*name).to_owned()).collect();
            report.add(&dependency.place, ServiceFault::Cycle { services });
        }
    }
}

/// The circles that a walk along all dependencies closes, each beginning with its first name in alphabetical order.
fn circles(services: &BTreeMap<String, Box<Service>>) -> BTreeSet<Vec<&str>> {
    let mut marks: HashMap<&str, Mark> = HashMap::new();
    let mut circles = BTreeSet::new();
    for (start, service) in services {
        if circles.len() >= MOST {
            break;
        }
        if marks.contains_key(start.as_str()) {
            continue;
        }
        marks.insert(start, Mark::OnPath);
        let mut path = vec![(start.as_str(), service.depends_on.keys())];
        while let Some((name, dependencies)) = path.last_mut().filter(|_| circles.len() < MOST) {
            let Some(next) = dependencies.next() else {
                marks.insert(*name, Mark::Done);
                path.pop();
                continue;
            };
            match (marks.get(next.as_str()), services.get(next)) {
                (None, Some(service)) => {
                    marks.insert(next, Mark::OnPath);
                    path.push((next, service.depends_on.keys()));
                }
                (Some(Mark::OnPath), _) => {
                    let names: Vec<&str> = path.iter().map(|(name, _)| *name).collect();
                    circles.extend(closed(&names, next));
                }
                _ => {}
            }
        }
    }
    circles
}

/// The part of the path from `back_to` on, turned so that its first name in order begins it.
fn closed<'a>(path: &[&'a str], back_to: &str) -> Option<Vec<&'a str>> {
    let start = path.iter().position(|name| *name == back_to)?;
    let mut circle = path[start..].to_vec();
    let first = circle.iter().enumerate().min_by_key(|(_, name)| **name).map(|(index, _)| index)?;
    circle.rotate_left(first);
    // A service that depends on itself is reported as that.
    (circle.len() > 1).then_some(circle)
}
