//! Growing pauses between attempts: doubled from the first to the longest.

use std::time::Duration;

/// Pauses for who waits for something to be back, the engine above all: 100 ms at first, 5 s at last.
pub struct Backoff(Duration);

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

impl Default for Backoff {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Backoff {
    /// Sleeps; the next pause is twice as long.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(LONGEST);
    }
}
