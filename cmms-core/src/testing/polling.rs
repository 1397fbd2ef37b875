//! Calls whose caller leaves in the middle of them.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

/// Polls a future at most so many times, each when it can go on, and drops it then: none where it had not ended.
///
/// A call that is tried with 1, 2, 3 … until it ends has been dropped at each of its awaits.
pub async fn polled<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => {
            left = left.saturating_sub(1);
            if left == 0 {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        }
    })
    .await
}
