//! The chat, driven input by input.
