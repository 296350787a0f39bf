//! The chat, driven input by input by a scripted store and clients that write down what they hear.

mod audiences;
mod doors;
mod hall;
mod order;
mod pace;
mod parsing;
mod people;
mod presence;
mod rooms;
mod sessions;
mod size;
mod speech;
mod stopping;
