//! What is wrong with a mount.

use super::wording::{Said, did_you_mean, quote, refused};

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
    RelativeSource(String),
    Type { value: String, nearest: Option<String> },
    TypeRefused { value: String, reason: &'static str },
    OctalMode { value: String },
}

pub fn say_mount(value: &str, fault: &MountFault) -> Said {
    let (why, help) = match fault {
        MountFault::Empty => {
            ("it is empty".to_owned(), "write `\"SOURCE:TARGET\"`, as in `\"./data:/data\"`".to_owned())
        }
        MountFault::EmptyPart => (
            "a part between its colons is empty".to_owned(),
            "write `\"SOURCE:TARGET\"` or `\"SOURCE:TARGET:ro\"`".to_owned(),
        ),
        MountFault::TooManyParts => (
            "it has more than three parts".to_owned(),
            "write `\"SOURCE:TARGET:MODE\"`; a path with a colon needs the long form `{ type = \"bind\", … }`"
                .to_owned(),
        ),
        MountFault::RelativeTarget(target) => (
            format!("the target `{target}` is not an absolute path"),
            "write where it appears in the container as a path that starts with `/`".to_owned(),
        ),
        MountFault::RootTarget => {
            ("the target is the container's root".to_owned(), "mount it on a directory below `/`".to_owned())
        }
        MountFault::Mode { mode, nearest } => (
            format!("`{mode}` is not a mode"),
            did_you_mean(nearest.as_ref(), || {
                "use `ro`, `rw`, `z`, `Z`, `nocopy` or a propagation as `rslave`, joined by commas".to_owned()
            }),
        ),
        MountFault::BindModeOnVolume(mode) => (
            format!("`{mode}` works for a path of the host, not for a volume"),
            format!("remove `{mode}`, or mount a path that begins with `/`, `./` or `../`"),
        ),
        MountFault::NoHome => {
            ("`~` stands for $HOME, which is not set".to_owned(), "write the absolute path, or set HOME".to_owned())
        }
        MountFault::OtherHome => {
            ("the home of another user is not looked up".to_owned(), "write the absolute path".to_owned())
        }
        MountFault::NotAName(source) if source.contains('/') => (
            format!("`{source}` is neither a path nor the name of a volume"),
            format!("write `./{source}` for a path beside the stack file"),
        ),
        MountFault::NotAName(source) => (
            format!("`{source}` is not the name of a volume"),
            "use the name of a declared volume, or a path that begins with `/`, `./` or `../`".to_owned(),
        ),
        MountFault::RelativeSource(source) => {
            (format!("the source `{source}` is not a path"), "begin the path with `/`, `./`, `../` or `~/`".to_owned())
        }
        MountFault::Type { value, nearest } => (
            format!("{} is not a type of mount", quote(value)),
            did_you_mean(nearest.as_ref(), || "use `bind`, `volume` or `tmpfs`".to_owned()),
        ),
        MountFault::TypeRefused { value, reason } => {
            (format!("mounts of type `{value}` {reason}"), "use `bind`, `volume` or `tmpfs`".to_owned())
        }
        MountFault::OctalMode { value } => {
            (format!("{value} is not octal"), format!("write the permission bits as `0o{value}` or `\"{value}\"`"))
        }
    };
    refused(value, "cannot be mounted", &why, help)
}
