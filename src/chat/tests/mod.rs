//! The chat, driven input by input by a scripted store and clients that write down what they hear.

mod accounts;
mod administration;
mod archive;
mod audiences;
mod connections;
mod doors;
mod hall;
mod mail;
mod order;
mod pace;
mod parsing;
mod people;
mod presence;
mod records;
mod restarts;
mod roles;
mod rooms;
mod sanctions;
mod searches;
mod sessions;
mod size;
mod speech;
mod stopping;
