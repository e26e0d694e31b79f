//! The same work on many things, on all processors.
//!
//! In: a list and what is to be done with each of its items. Out: the results, in the order of the list.
//! Invariant: the results are the same on one processor as on many.

use std::sync::LazyLock;
use std::thread;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Of fewer items, one thread has made an end before another one runs.
const WORTH_A_THREAD: usize = 64;
/// More would wait for each other at the directory that they write to.
const MOST_THREADS: usize = 4;

/// Nothing if the host gives no further thread: then one does it all.
static THREADS: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let processors = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    ThreadPoolBuilder::new().num_threads(processors).build().ok()
});

pub fn map<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let parts = parts(items, |part| part.iter().map(&each).collect::<Vec<R>>());
    parts.into_iter().flatten().collect()
}

/// The list in as many parts as are worth it, each part as a whole.
pub fn parts<T: Sync, R: Send>(items: &[T], each: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    if items.len() < 2 * WORTH_A_THREAD {
        return vec![each(items)];
    }
    let Some(threads) = &*THREADS else { return vec![each(items)] };
    let size = items.len().div_ceil(threads.current_num_threads());
    threads.install(|| items.par_chunks(size).map(&each).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 127, 128, 1001] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(super::map(&items, |item| item * 2), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        }
    }
}
