//! A unit file as sections of directives, and its text.

use std::fmt;

/// A unit file: comment lines, then sections in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFile {
    /// Lines at the top, without the `#`.
    pub comments: Vec<String>,
    pub sections: Vec<Section>,
}

/// `[Name]` and its lines. A directive may stand several times: for lists, systemd adds the lines up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub name: String,
    directives: Vec<(String, String)>,
}

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

fn is_list(directive: &str) -> bool {
    LISTS.contains(&directive) || directive.starts_with("Condition") || directive.starts_with("Assert")
}

impl Section {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), directives: Vec::new() }
    }

    /// Adds a line. The value is written as it is: the caller has quoted it.
    pub fn add(&mut self, directive: &str, value: impl Into<String>) -> &mut Self {
        self.directives.push((directive.to_owned(), value.into()));
        self
    }

    /// Whether it has no lines.
    pub fn is_empty(&self) -> bool {
        self.directives.is_empty()
    }

    /// Adds one line with all values, if there are any.
    pub fn add_list<S: AsRef<str>>(&mut self, directive: &str, values: impl IntoIterator<Item = S>) -> &mut Self {
        let values: Vec<String> = values.into_iter().map(|v| v.as_ref().to_owned()).collect();
        if !values.is_empty() {
            self.add(directive, values.join(" "));
        }
        self
    }

    /// Applies lines as a drop-in would: a list grows (an empty line empties it), anything else is replaced.
    pub fn override_with(&mut self, directive: &str, values: &[String]) {
        if !is_list(directive) {
            let position = self.directives.iter().position(|(name, _)| name == directive);
            self.directives.retain(|(name, _)| name != directive);
            let at = position.unwrap_or(self.directives.len()).min(self.directives.len());
            let lines = values.iter().map(|value| (directive.to_owned(), value.clone()));
            self.directives.splice(at..at, lines);
            return;
        }
        for value in values {
            if value.is_empty() {
                self.directives.retain(|(name, _)| name != directive);
            }
            self.add(directive, value.clone());
        }
    }
}

impl UnitFile {
    /// The section of this name, made if it is not there.
    pub fn section(&mut self, name: &str) -> &mut Section {
        let index = match self.sections.iter().position(|section| section.name == name) {
            Some(index) => index,
            None => {
                self.sections.push(Section::new(name));
                self.sections.len() - 1
            }
        };
        &mut self.sections[index]
    }
}

impl UnitFile {
    /// The lines of a section without its heading.
    pub fn text_of(&self, name: &str) -> String {
        let directives =
            self.sections.iter().filter(|section| section.name == name).flat_map(|section| &section.directives);
        directives.map(|(directive, value)| format!("{directive}={value}\n")).collect()
    }
}

impl fmt::Display for UnitFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for comment in &self.comments {
            writeln!(f, "# {comment}")?;
        }
        for section in self.sections.iter().filter(|section| !section.directives.is_empty()) {
            writeln!(f, "\n[{}]", section.name)?;
            for (directive, value) in &section.directives {
                writeln!(f, "{directive}={value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_act_as_a_drop_in_would() {
        let mut section = Section::new("Unit");
        section.add("After", "a").add("Description", "x").add("Wants", "b");
        section.override_with("Description", &["y".to_owned()]);
        section.override_with("After", &["c".to_owned()]);
        section.override_with("Wants", &[String::new(), "d".to_owned()]);
        let unit = UnitFile { comments: vec!["head".to_owned()], sections: vec![section] };
        assert_eq!(unit.to_string(), "# head\n\n[Unit]\nAfter=a\nDescription=y\nAfter=c\nWants=\nWants=d\n");
    }
}
