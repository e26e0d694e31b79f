//! The nearest of a set of names to a misspelt one.

/// A name that is longer is not misspelt, and who has more names knows where to look them up.
const LONGEST: usize = 100;
const MOST: usize = 1_000;

/// The candidate that the user most likely wanted to write, if one is similar enough.
pub fn nearest<S: AsRef<str>>(written: &str, candidates: impl IntoIterator<Item = S>) -> Option<String> {
    if written.len() > LONGEST {
        return None;
    }
    let written_lower = written.to_lowercase();
    let length = written.chars().count();
    let allowed = (length / 3).clamp(1, 4);
    candidates
        .into_iter()
        .take(MOST)
        .filter(|candidate| candidate.as_ref().chars().count().abs_diff(length) <= allowed)
        .map(|candidate| (strsim::damerau_levenshtein(&written_lower, &candidate.as_ref().to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && candidate.as_ref() != written)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let keys = ["command", "container_name", "ports"];
        assert_eq!(nearest("comand", keys).as_deref(), Some("command"));
        assert_eq!(nearest("Ports", keys).as_deref(), Some("ports"));
        assert_eq!(nearest("containername", keys).as_deref(), Some("container_name"));
        assert_eq!(nearest("frobnicate", keys), None);
    }
}
