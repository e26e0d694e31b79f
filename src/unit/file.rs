//! A unit file as sections of directives, and its text.

use std::borrow::Cow;

use memchr::{memchr_iter, memchr2};

use super::quote::Unwritable;

/// A unit file: comment lines, then sections in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFile<'a> {
    /// Lines at the top, without the `#`.
    pub comments: Vec<Cow<'a, str>>,
    pub sections: Vec<Section<'a>>,
}

/// `[Name]` and its lines. A directive may stand several times: for lists, systemd adds the lines up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'a> {
    pub name: Cow<'a, str>,
    directives: Vec<Directive<'a>>,
}

/// Name and value.
type Directive<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Directives that systemd collects instead of replacing (systemd.unit(5), systemd.service(5), systemd.exec(5),
/// systemd.resource-control(5)). `ExecStart=` is not among them: but for a job, a unit has one.
const LISTS: &[&str] = &[
    "After",
    "Alias",
    "Also",
    "AmbientCapabilities",
    "BPFProgram",
    "Before",
    "BindPaths",
    "BindReadOnlyPaths",
    "BindsTo",
    "CPUAffinity",
    "CacheDirectory",
    "CapabilityBoundingSet",
    "ConfigurationDirectory",
    "Conflicts",
    "Delegate",
    "DeviceAllow",
    "DisableControllers",
    "Documentation",
    "Environment",
    "EnvironmentFile",
    "ExecCondition",
    "ExecPaths",
    "ExecReload",
    "ExecStartPost",
    "ExecStartPre",
    "ExecStop",
    "ExecStopPost",
    "ExtensionDirectories",
    "ExtensionImages",
    "IODeviceLatencyTargetSec",
    "IODeviceWeight",
    "IOReadBandwidthMax",
    "IOReadIOPSMax",
    "IOWriteBandwidthMax",
    "IOWriteIOPSMax",
    "IPAddressAllow",
    "IPAddressDeny",
    "IPEgressFilterPath",
    "IPIngressFilterPath",
    "ImportCredential",
    "InaccessiblePaths",
    "JoinsNamespaceOf",
    "LoadCredential",
    "LoadCredentialEncrypted",
    "LogExtraFields",
    "LogFilterPatterns",
    "LogsDirectory",
    "MountImages",
    "NFTSet",
    "NoExecPaths",
    "OnActiveSec",
    "OnBootSec",
    "OnCalendar",
    "OnFailure",
    "OnStartupSec",
    "OnSuccess",
    "OnUnitActiveSec",
    "OnUnitInactiveSec",
    "OpenFile",
    "PartOf",
    "PassEnvironment",
    "PropagatesReloadTo",
    "PropagatesStopTo",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "ReloadPropagatedFrom",
    "RequiredBy",
    "Requires",
    "RequiresMountsFor",
    "Requisite",
    "RestartForceExitStatus",
    "RestartPreventExitStatus",
    "RestrictAddressFamilies",
    "RestrictFileSystems",
    "RestrictNamespaces",
    "RestrictNetworkInterfaces",
    "RuntimeDirectory",
    "SecureBits",
    "SetCredential",
    "SetCredentialEncrypted",
    "SocketBindAllow",
    "SocketBindDeny",
    "Sockets",
    "StandardInputData",
    "StandardInputText",
    "StateDirectory",
    "StopPropagatedFrom",
    "SuccessExitStatus",
    "SupplementaryGroups",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "SystemCallLog",
    "TemporaryFileSystem",
    "UnsetEnvironment",
    "UpheldBy",
    "Upholds",
    "WantedBy",
    "Wants",
    "WantsMountsFor",
];

/// How many lines most sections have room for without being moved.
const USUAL: usize = 16;
/// Bytes for which the text of most units has room without being moved.
const USUAL_TEXT: usize = 4096;

fn is_list(directive: &str) -> bool {
    LISTS.contains(&directive) || directive.starts_with("Condition") || directive.starts_with("Assert")
}

impl<'a> Section<'a> {
    pub fn new(name: impl Into<Cow<'a, str>>) -> Self {
        Self { name: name.into(), directives: Vec::with_capacity(USUAL) }
    }

    /// Adds a line. The value is written as it is: the caller has quoted it.
    pub fn add(&mut self, directive: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> &mut Self {
        self.directives.push((directive.into(), value.into()));
        self
    }

    /// Whether it has no lines.
    pub fn is_empty(&self) -> bool {
        self.directives.is_empty()
    }

    /// Adds one line with all values, if there are any.
    pub fn add_list<S: AsRef<str>>(
        &mut self,
        directive: impl Into<Cow<'a, str>>,
        values: impl IntoIterator<Item = S>,
    ) -> &mut Self {
        let mut values = values.into_iter();
        if let Some(first) = values.next() {
            let mut line = first.as_ref().to_owned();
            for value in values {
                line.push(' ');
                line.push_str(value.as_ref());
            }
            self.add(directive, line);
        }
        self
    }

    /// Applies lines as a drop-in would: a list grows (an empty line empties it), anything else is replaced.
    pub fn override_with(&mut self, directive: &'a str, values: impl IntoIterator<Item = impl Into<Cow<'a, str>>>) {
        let values = values.into_iter().map(Into::into);
        if !is_list(directive) {
            let position = self.directives.iter().position(|(name, _)| name == directive);
            self.directives.retain(|(name, _)| name != directive);
            let at = position.unwrap_or(self.directives.len()).min(self.directives.len());
            self.directives.splice(at..at, values.map(|value| (directive.into(), value)));
            return;
        }
        for value in values {
            if value.is_empty() {
                self.directives.retain(|(name, _)| name != directive);
            }
            self.add(directive, value);
        }
    }
}

impl<'a> UnitFile<'a> {
    /// The section of this name, made if it is not there.
    pub fn section(&mut self, name: &'a str) -> &mut Section<'a> {
        let index = match self.sections.iter().position(|section| section.name == name) {
            Some(index) => index,
            None => {
                self.sections.push(Section::new(name));
                self.sections.len() - 1
            }
        };
        &mut self.sections[index]
    }

    /// The file's contents.
    ///
    /// # Errors
    /// A comment or a value that is more than the one line that it stands on, whoever was to quote it.
    pub fn text(&self) -> Result<String, Unwritable> {
        let mut text = String::with_capacity(USUAL_TEXT);
        let mut lines = self.comments.len();
        for comment in &self.comments {
            text.extend(["# ", comment, "\n"]);
        }
        for section in self.sections.iter().filter(|section| !section.is_empty()) {
            text.extend(["\n[", &section.name, "]\n"]);
            text.extend(section.directives.iter().flat_map(line));
            lines += 2 + section.directives.len();
        }
        let directives = self.sections.iter().flat_map(|section| &section.directives);
        if memchr_iter(b'\n', text.as_bytes()).count() == lines
            && memchr2(b'\r', b'\0', text.as_bytes()).is_none()
            && directives.clone().all(|(_, value)| ends(value))
        {
            return Ok(text);
        }
        let mut values = self.comments.iter().chain(directives.map(|(_, value)| value));
        let first = values.find(|value| value.contains(['\n', '\r', '\0']) || !ends(value));
        let value = first.map_or_else(String::new, |value| value.clone().into_owned());
        Err(Unwritable { value, reason: "a line break, a NUL character, or a backslash at its end" })
    }

    /// The lines of a section without its heading and without some directives that have these very values.
    pub fn text_of(&self, name: &str, without: impl Fn((&str, &str)) -> bool) -> String {
        let sections = self.sections.iter().filter(|section| section.name == name);
        let directives = sections.flat_map(|section| &section.directives);
        let kept = directives.filter(|(directive, value)| !without((directive, value)));
        let mut text = String::with_capacity(USUAL_TEXT);
        text.extend(kept.flat_map(line));
        text
    }
}

/// Whether the next line is another one (systemd.syntax(7)).
fn ends(value: &str) -> bool {
    !value.ends_with('\\')
}

fn line<'a>((directive, value): &'a Directive<'_>) -> [&'a str; 4] {
    [directive, "=", value, "\n"]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directive_is_left_out_with_its_very_value_alone() {
        let mut section = Section::new("Service");
        section.add("UMask", "0077").add("UMask", "0022").add("Type", "notify");
        let unit = UnitFile { comments: Vec::new(), sections: vec![section, Section::new("Unit")] };
        assert_eq!(
            unit.text_of("Service", |line| [("UMask", "0077"), ("Type", "exec")].contains(&line)),
            "UMask=0022\nType=notify\n"
        );
    }

    /// Whoever writes a value quotes it; that none breaks out of its line, whoever forgot to, is seen here.
    #[test]
    fn no_value_is_more_than_its_line() {
        for value in ["a\nExecStart=/bin/false", "a\r", "a\0", "a\\"] {
            let mut section = Section::new("Slice");
            section.add("IODeviceWeight", value);
            let unit = UnitFile { comments: Vec::new(), sections: vec![section] };
            assert_eq!(unit.text().unwrap_err().value, value);
        }
        let unit = UnitFile { comments: vec!["from /etc/a\n[Service]".into()], sections: Vec::new() };
        assert!(unit.text().is_err());
    }

    #[test]
    fn overrides_act_as_a_drop_in_would() {
        let mut section = Section::new("Unit");
        section.add("After", "a").add("Description", "x").add("Wants", "b");
        section.override_with("Description", ["y"]);
        section.override_with("After", ["c"]);
        section.override_with("Wants", ["", "d"]);
        let unit = UnitFile { comments: vec!["head".into()], sections: vec![section] };
        assert_eq!(unit.text().unwrap(), "# head\n\n[Unit]\nAfter=a\nDescription=y\nAfter=c\nWants=\nWants=d\n");
    }
}
