//! What is wrong with a mount.

use super::wording::{Wording, did_you_mean, quote, refused, why};

pub enum MountFault {
    Empty,
    EmptyPart,
    TooManyParts,
    RelativeTarget(String),
    RootTarget,
    Mode { mode: String, nearest: Option<String> },
    BindModeOnVolume(String),
    NoHome,
    OtherHome,
    NotAName(String),
    Type { value: String, nearest: Option<String> },
    TypeRefused { value: String, reason: &'static str },
}

impl MountFault {
    /// Of this value.
    pub fn wording(&self, value: &str) -> Wording {
        let (reason, help) = match self {
            Self::Empty => why("it is empty", "write `\"SOURCE:TARGET\"`, as in `\"./data:/data\"`"),
            Self::EmptyPart => {
                why("a part between its colons is empty", "write `\"SOURCE:TARGET\"` or `\"SOURCE:TARGET:ro\"`")
            }
            Self::TooManyParts => why(
                "it has more than three parts",
                "write `\"SOURCE:TARGET:MODE\"`; a path with a colon needs the long form `{ type = \"bind\", … }`",
            ),
            Self::RelativeTarget(target) => why(
                format!("the target `{target}` is not an absolute path"),
                "write a path in the container that starts with `/`",
            ),
            Self::RootTarget => why("the target is the container's root", "mount it on a directory below `/`"),
            Self::Mode { mode, nearest } => why(
                format!("`{mode}` is not a mode"),
                did_you_mean(
                    nearest.as_ref(),
                    || "use `ro`, `rw`, `z`, `Z`, `nocopy` or a propagation as `rslave`, joined by commas",
                ),
            ),
            Self::BindModeOnVolume(mode) => why(
                format!("`{mode}` works for a path of the host, not for a volume"),
                format!("remove `{mode}`, or mount a path that begins with `/`, `./` or `../`"),
            ),
            Self::NoHome => why("`~` means $HOME, which is not set", "write the absolute path, or set HOME"),
            Self::OtherHome => why("the home directory of another user is not supported", "write the absolute path"),
            Self::NotAName(source) if source.contains('/') => why(
                format!("`{source}` is neither a path nor the name of a volume"),
                format!("write `./{source}` for a path beside the stack file"),
            ),
            Self::NotAName(source) => why(
                format!("`{source}` is not the name of a volume"),
                "use the name of a declared volume, or a path that begins with `/`, `./` or `../`",
            ),
            Self::Type { value, nearest } => why(
                format!("{} is not a mount type", quote(value)),
                did_you_mean(nearest.as_ref(), || "use `bind`, `volume` or `tmpfs`"),
            ),
            Self::TypeRefused { value, reason } => {
                why(format!("mounts of type `{value}` {reason}"), "use `bind`, `volume` or `tmpfs`")
            }
        };
        refused(value, "cannot be mounted", &reason, help)
    }
}
