//! The kinds of entries in the journal that Wharf writes or reads: MESSAGE_ID of systemd.journal-fields(7).
//!
//! systemd's are those of sd-messages.h, which /usr/lib/systemd/catalog explains; Wharf's are explained by packaging/catalog.

/// `wharf generate` changed the unit files of a project.
pub const GENERATED: &str = "61d5fdb5bae14ff186bfaf809cf48ad1";
/// `wharf generate --now` started, restarted or stopped units of a project.
pub const APPLIED: &str = "b61f226da390450a8bdbf3d176066f97";
/// `wharf remove` removed a project.
pub const REMOVED: &str = "b1aee21d9f4b458b9aaed4b6cf25a610";
/// `wharf update --check` found images that were not known before.
pub const UPDATE_AVAILABLE: &str = "fd57ece934fd46168657e1f704d3be1d";
/// `wharf update` or `wharf rollback` made what runs another revision.
pub const UPDATED: &str = "5bc535bdaed743ae955361fbe591f718";
/// One of them put back what ran before.
pub const ROLLED_BACK: &str = "aa5f18b8f4154125972569249c416f5a";

/// wharfd restarts a unit because its container is unhealthy.
pub const UNHEALTHY_RESTARTED: &str = "44ca5e3cc79445d584a44252403a79ad";
/// wharfd stops a unit because its container is unhealthy.
pub const UNHEALTHY_STOPPED: &str = "569b18ed4c3842138fb41726c9b3b874";
/// wharfd restarts a unit because one was restarted that it depends on, with `restart = true`.
pub const DEPENDENCY_RESTARTED: &str = "b47fb9594104412eb7e3e2501662b081";
/// What the healthcheck of an unhealthy container printed last, after [`PROBE_OUTPUT`].
pub const PROBED: &str = "ff3977e1c7964ed2ab2f72ccadacd8dd";
/// wharfd could not do what it should.
pub const NOT_HELPED: &str = "1969dbd8bfe14d21ab9ff1830ee023b8";
/// A container is not as its definition says.
pub const DRIFTED: &str = "a168aa91ce6d46f280616d2ac8cf5e9d";
/// Somebody asked wharfd over D-Bus to start, stop or restart a unit.
pub const REQUESTED: &str = "2f1d7b1b0d6b4a2cb6f0d4b1a3c5e7f9";
/// systemd restarts a unit again and again.
pub const CRASH_LOOP: &str = "5b1b5e2b9c4f4a7e8f0a6d2c3e917b64";
/// The engine does not answer any more; an entry for each container.
pub const ENGINE_HANGS: &str = "aaf22b92d8f546d7ae4edb537b1bee14";
/// It does again.
pub const ENGINE_ANSWERS: &str = "01dbb6cc038f442f9a2f4c439a7edcf3";

/// What stands between the unit's name and the healthcheck's output in the message of [`PROBED`].
pub const PROBE_OUTPUT: &str = ": the healthcheck said: ";

/// SD_MESSAGE_UNIT_STARTING
pub const UNIT_STARTING: &str = "7d4958e842da4a758f6c1cdc7b36dcc5";
/// SD_MESSAGE_UNIT_STARTED
pub const UNIT_STARTED: &str = "39f53479d3a045ac8e11786248231fbf";
/// SD_MESSAGE_UNIT_STOPPING
pub const UNIT_STOPPING: &str = "de5b426a63be47a7b6ac3eaac82e2f6f";
/// SD_MESSAGE_UNIT_STOPPED
pub const UNIT_STOPPED: &str = "9d1aaa27d60140bd96365438aad20286";
/// SD_MESSAGE_UNIT_FAILED: a job to start a unit failed.
pub const UNIT_FAILED: &str = "be02cf6855d2428ba40df7e9d022f03d";
/// SD_MESSAGE_UNIT_RELOADED
pub const UNIT_RELOADED: &str = "7b05ebc668384222baa8881179cfda54";
/// SD_MESSAGE_UNIT_PROCESS_EXIT
pub const UNIT_PROCESS_EXIT: &str = "98e322203f7a4ed290d09fe03c09fe15";
/// SD_MESSAGE_UNIT_FAILURE_RESULT
pub const UNIT_FAILURE_RESULT: &str = "d9b373ed55a64feb8242e02dbe79a49c";
/// SD_MESSAGE_UNIT_SUCCESS
pub const UNIT_SUCCESS: &str = "7ad2d189f7e94e70a38c781354912448";
/// SD_MESSAGE_UNIT_RESTART_SCHEDULED
pub const UNIT_RESTART_SCHEDULED: &str = "5eb03494b6584870a536b337290809b3";

/// What the commands of Wharf write about what they did.
pub const OF_WHARF: [&str; 5] = [GENERATED, APPLIED, REMOVED, UPDATED, ROLLED_BACK];
/// What wharfd writes.
pub const OF_WHARFD: [&str; 6] =
    [UNHEALTHY_RESTARTED, UNHEALTHY_STOPPED, DEPENDENCY_RESTARTED, PROBED, NOT_HELPED, REQUESTED];
/// What systemd writes about a unit.
pub const OF_SYSTEMD: [&str; 10] = [
    UNIT_STARTING,
    UNIT_STARTED,
    UNIT_STOPPING,
    UNIT_STOPPED,
    UNIT_FAILED,
    UNIT_RELOADED,
    UNIT_PROCESS_EXIT,
    UNIT_FAILURE_RESULT,
    UNIT_SUCCESS,
    UNIT_RESTART_SCHEDULED,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_explains_what_is_written() {
        let catalog = include_str!("../packaging/catalog/wharf.catalog");
        let others = [&UPDATE_AVAILABLE, &DRIFTED, &CRASH_LOOP, &ENGINE_HANGS, &ENGINE_ANSWERS];
        for id in OF_WHARF.iter().chain(&OF_WHARFD).chain(others) {
            assert_eq!(catalog.matches(&format!("-- {id}\n")).count(), 1, "{id}");
        }
    }
}
