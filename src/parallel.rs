//! The same work on many things, on all processors.
//!
//! In: a list and what is to be done with each of its items. Out: the results, in the order of the list.
//! Invariant: the results are the same on one processor as on many.

use std::panic::resume_unwind;
use std::thread;

/// Of fewer items, one thread has made an end before another one runs.
const WORTH_A_THREAD: usize = 64;
/// More would wait for each other in the memory allocator and at the directory that they write to.
const MOST_THREADS: usize = 4;

pub fn map<T: Sync, R: Send>(items: &[T], each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let parts = parts(items, |part| part.iter().map(&each).collect::<Vec<R>>());
    parts.into_iter().flatten().collect()
}

/// The list in as many parts as are worth it, each part as a whole.
pub fn parts<T: Sync, R: Send>(items: &[T], each: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    if items.len() < 2 * WORTH_A_THREAD {
        return vec![each(items)];
    }
    let processors = thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let parts: Vec<&[T]> = items.chunks(items.len().div_ceil(processors)).collect();
    let Some((first, others)) = parts.split_first() else { return Vec::new() };
    let each = &each;
    thread::scope(|scope| {
        let threads: Vec<_> = others.iter().map(|part| scope.spawn(|| each(part))).collect();
        let mut results = vec![each(first)];
        for thread in threads {
            results.push(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        results
    })
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
