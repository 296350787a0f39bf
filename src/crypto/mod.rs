//! The sealed transport's cryptography: handshake, key schedule, records, fingerprints.
