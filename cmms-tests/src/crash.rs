//! Kills a syncing process at random moments.
