//! The name of a revision of a project, as `shop@7`.

use super::ProjectName;

/// A project, and the number of one of its revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionName {
    pub project: ProjectName,
    pub number: u32,
}

impl RevisionName {
    /// `None`: it is not one. `shop-web@2` may also be a replica of a service.
    pub fn parse(text: &str) -> Option<Self> {
        let (project, number) = text.split_once('@')?;
        Some(Self { project: ProjectName::parse(project).ok()?, number: number.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_project_and_a_number() {
        let revision = RevisionName::parse("shop@7").unwrap();
        assert_eq!((revision.project.as_str(), revision.number), ("shop", 7));
        for other in ["shop", "shop@", "@7", "shop@x", "shop@-1", "shop@1@2", "a b@1"] {
            assert_eq!(RevisionName::parse(other), None, "{other}");
        }
    }
}
