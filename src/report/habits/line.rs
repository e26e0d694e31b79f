//! A command line as `docker compose` takes it: options, the command, and what follows.

use super::Habit;
use super::shell::quoted;

/// Options before the command that a word follows.
const WITH_VALUE: [&str; 10] = [
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--profile",
    "--env-file",
    "--project-directory",
    "--ansi",
    "--parallel",
    "--progress",
];

/// Commands that take `-f` themselves. The others take a stack's name or file.
const WITH_FILES: [&str; 5] = ["generate", "check", "config", "pull", "lock"];

/// A command that Wharf does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    pub habit: Habit,
    /// `--file`
    pub files: Vec<String>,
    /// `--profile`
    pub profiles: Vec<String>,
    /// `--project-name`
    pub project: Option<String>,
    /// What follows the command.
    pub words: Vec<String>,
}

/// A command of Wharf's, after options that do not belong before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misplaced {
    /// The command to use instead.
    pub instead: String,
}

impl CommandLine {
    /// Reads the words after the program's name. `None`: they are Wharf's own. `is_own`: whether Wharf has a command of this name.
    ///
    /// # Errors
    /// A command of Wharf's follows options of `docker compose`.
    pub fn parse(words: &[String], is_own: &dyn Fn(&str) -> bool) -> Result<Option<Self>, Misplaced> {
        let (mut files, mut profiles, mut project) = (Vec::new(), Vec::new(), None);
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if !word.starts_with('-') {
                let words = rest.cloned().collect();
                let Some(habit) = Habit::named(word) else {
                    let line = Self { habit: Habit::Up, files, profiles, project, words };
                    let is_misplaced = line.has_options() && is_own(word);
                    return if is_misplaced { Err(line.misplaced(word)) } else { Ok(None) };
                };
                return Ok(Some(Self { habit, files, profiles, project, words }));
            }
            let (option, value) = match word.split_once('=') {
                Some((option, value)) => (option, Some(value.to_owned())),
                None => (word.as_str(), WITH_VALUE.contains(&word.as_str()).then(|| rest.next().cloned()).flatten()),
            };
            match option {
                "-f" | "--file" => files.extend(value),
                "--profile" => profiles.extend(value),
                "-p" | "--project-name" => project = value,
                _ => {}
            }
        }
        Ok(None)
    }

    fn has_options(&self) -> bool {
        !self.files.is_empty() || !self.profiles.is_empty() || self.project.is_some()
    }

    fn misplaced(&self, command: &str) -> Misplaced {
        let options =
            if WITH_FILES.contains(&command) { self.options() } else { self.first().cloned().into_iter().collect() };
        let words = [command.to_owned()].into_iter().chain(options).chain(self.words.iter().cloned());
        let words: Vec<String> = words.map(|word| quoted(&word)).collect();
        Misplaced { instead: format!("wharf {}", words.join(" ")) }
    }

    /// Files and profiles, as `wharf generate` takes them.
    fn options(&self) -> Vec<String> {
        let profiles = self.profiles.iter().flat_map(|profile| ["--profile".to_owned(), profile.clone()]);
        profiles.chain(self.stack()).collect()
    }

    fn stack(&self) -> Vec<String> {
        match (self.files.as_slice(), &self.project) {
            ([], project) => project.iter().cloned().collect(),
            ([one], _) => vec![one.clone()],
            (several, _) => several.iter().flat_map(|file| ["-f".to_owned(), file.clone()]).collect(),
        }
    }

    /// What follows the command, after the stack that an option names.
    pub(super) fn with_stack(&self) -> Vec<String> {
        self.first().into_iter().chain(&self.words).cloned().collect()
    }

    fn first(&self) -> Option<&String> {
        self.files.first().or(self.project.as_ref())
    }

    /// `--profile x `, with a blank at the end; several files as options, and the stack that is named otherwise.
    pub(super) fn for_generate(&self, stack: &str) -> String {
        let profiles = self.profiles.iter().map(|profile| format!("--profile {} ", quoted(profile)));
        let files = match self.files.as_slice() {
            [] | [_] => stack.to_owned(),
            several => several.iter().map(|file| format!("-f {}", quoted(file))).collect::<Vec<_>>().join(" "),
        };
        format!("{}{files}", profiles.collect::<String>())
    }
}
