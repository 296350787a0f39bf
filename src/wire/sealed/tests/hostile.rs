//! Against a path that changes bytes, a peer that cheats, and whoever else might knock.

use proptest::prelude::*;

use super::*;

#[test]
fn a_client_that_does_not_wait_its_turn_is_out() {
    let (_, first) = hello();
    let stream = [&first[..], b"x"].concat();
    for cut in [0, 1, first.len()] {
        let mut server = ServerHandshake::new(server_key(), 9);
        let early = server.push(&mut &stream[..cut]);
        assert_eq!(early, Ok(()));
        let late = server.push(&mut &stream[cut..]);
        assert_eq!(late, Err(HandshakeError::OutOfTurn));
        assert!(!server.wants_step());
        assert_eq!(server.push(&mut b"x".as_slice()), Err(HandshakeError::Over));
        let step = server.step(SERVER_RANDOM, NOW, &mut Vec::new());
        assert_eq!(step.err(), Some(HandshakeError::Over));
    }
}

/// Flips each bit of the hello with its length and preamble: the server declines, or the client
/// finds the reply not to be for what it said.
#[test]
fn every_flipped_bit_of_the_clients_first_bytes_is_noticed() {
    let (_, first) = hello();
    for bit in 0..8 * first.len() {
        let (mut client, mut sent) = hello();
        sent[bit / 8] ^= 1 << (bit % 8);
        let mut server = ServerHandshake::new(server_key(), 9);
        let pushed = server.push(&mut sent.as_slice());
        if bit / 8 < 10 {
            assert!(pushed.is_err(), "bit {bit}");
            continue;
        }
        let mut reply = Vec::new();
        server.step(SERVER_RANDOM, NOW, &mut reply).unwrap();
        let outcome = client.read_reply(&mut reply.as_slice()).err();
        assert_eq!(outcome, Some(HandshakeError::Noise(NoiseError::Forged)));
    }
}

/// Somebody on the path puts another suite in the client's preamble, one that the server speaks:
/// the server answers for that one, and the client has no way to go on with it.
#[test]
fn a_changed_suite_is_noticed_and_never_taken() {
    for (asked, put) in [(Suite::Gcm, Suite::CtrHmac), (Suite::CtrHmac, Suite::Gcm)] {
        let (mut client, mut sent) = hello_for(asked);
        sent[5] = put.to_wire();
        let mut server = ServerHandshake::new(server_key(), 9);
        server.push(&mut sent.as_slice()).unwrap();
        let mut reply = Vec::new();
        server.step(SERVER_RANDOM, NOW, &mut reply).unwrap();
        let outcome = client.read_reply(&mut reply.as_slice()).err();
        assert_eq!(outcome, Some(HandshakeError::Noise(NoiseError::Forged)));
        let again = client.read_reply(&mut reply.as_slice()).err();
        assert_eq!(again, Some(HandshakeError::Over));
    }
}

#[test]
fn every_flipped_bit_of_the_reply_is_noticed() {
    let (_, reply) = replied();
    for bit in 0..8 * reply.len() {
        let (mut client, _) = hello();
        let mut bytes = reply.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match client.read_reply(&mut bytes.as_slice()) {
            // Only a length that has grown within its bounds leaves the client waiting.
            Ok(None) => assert!(bit < 16, "bit {bit}"),
            Ok(Some(_)) => panic!("bit {bit} was not noticed"),
            Err(_) => {
                let over = client.read_reply(&mut reply.as_slice());
                assert_eq!(over.err(), Some(HandshakeError::Over));
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_the_third_message_is_noticed() {
    let (_, _, message) = accepted(Identity::Throwaway([6; 32]));
    for bit in 0..8 * message.len() {
        let (mut server, _) = replied();
        let mut bytes = message.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        if server.push(&mut bytes.as_slice()).is_err() || !server.wants_step() {
            assert!(bit < 16, "bit {bit}");
            continue;
        }
        let step = server.step(SERVER_RANDOM, NOW, &mut Vec::new());
        let expected = HandshakeError::Noise(NoiseError::Forged);
        assert_eq!(step.err(), Some(expected), "bit {bit}");
    }
}

#[test]
fn every_truncation_leaves_both_waiting() {
    let (_, reply) = replied();
    for length in 0..reply.len() {
        let (mut client, _) = hello();
        let read = client.read_reply(&mut &reply[..length]);
        assert!(matches!(read, Ok(None)), "{length}");
    }
    let (_, _, message) = accepted(Identity::Throwaway([6; 32]));
    for length in 0..message.len() {
        let (mut server, _) = replied();
        server.push(&mut &message[..length]).unwrap();
        assert!(!server.wants_step(), "{length}");
    }
}

#[test]
fn impossible_lengths_are_refused_before_their_bytes_arrive() {
    for (claimed, is_possible) in [
        (0, false),
        (63, false),
        (64, true),
        (320, true),
        (321, false),
    ] {
        let (mut server, _) = replied();
        let pushed = server.push(&mut u16::to_be_bytes(claimed).as_slice());
        let expected = if is_possible {
            Ok(())
        } else {
            Err(HandshakeError::MessageLength { claimed })
        };
        assert_eq!(pushed, expected, "{claimed}");
    }
    for (claimed, is_possible) in [
        (0, false),
        (95, false),
        (96, true),
        (352, true),
        (353, false),
    ] {
        let (mut client, _) = hello();
        let read = client.read_reply(&mut u16::to_be_bytes(claimed).as_slice());
        assert_eq!(read.is_ok(), is_possible, "{claimed}");
    }
    for claimed in [0, 31, 33, u16::MAX] {
        let mut bytes = Preamble::asking_for(Suite::CtrHmac).encode().to_vec();
        bytes.extend_from_slice(&claimed.to_be_bytes());
        let mut server = ServerHandshake::new(server_key(), 9);
        let pushed = server.push(&mut bytes.as_slice());
        assert_eq!(pushed, Err(HandshakeError::MessageLength { claimed }));
    }
}

#[test]
fn low_order_points_end_the_handshake_silently() {
    for point in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let mut server = ServerHandshake::new(server_key(), 9);
        let sent = [
            &Preamble::asking_for(Suite::CtrHmac).encode()[..],
            &[0, 32],
            &point,
        ]
        .concat();
        server.push(&mut sent.as_slice()).unwrap();
        let mut out = Vec::new();
        let error = server.step(SERVER_RANDOM, NOW, &mut out).err().unwrap();
        assert_eq!(error, HandshakeError::Noise(NoiseError::NotContributory));
        assert_eq!((error.refusal(), out.is_empty()), (None, true));

        let (_, mut reply) = replied();
        reply[LENGTH_BYTES..LENGTH_BYTES + 32].copy_from_slice(&point);
        let (mut client, _) = hello();
        let error = client.read_reply(&mut reply.as_slice()).err();
        let expected = HandshakeError::Noise(NoiseError::NotContributory);
        assert_eq!(error, Some(expected));
    }
}

#[test]
fn refusals_reach_the_client() {
    let all = [
        RefusalCode::UnknownVersion,
        RefusalCode::UnknownSuite,
        RefusalCode::Full,
        RefusalCode::TooManyFromSource,
        RefusalCode::Banned,
        RefusalCode::Other(77),
    ];
    for code in all {
        let bytes = code.encode();
        for cut in 0..bytes.len() {
            let (mut client, _) = hello();
            let early = client.read_reply(&mut &bytes[..cut]);
            assert!(matches!(early, Ok(None)));
            let error = client.read_reply(&mut &bytes[cut..]).err().unwrap();
            let expected = HandshakeError::Refused {
                code,
                version_max: VERSION_MAX,
            };
            assert_eq!(error, expected);
            assert!(error.to_string().starts_with("the server "));
        }
    }
}

#[test]
fn a_client_of_another_version_is_refused_with_the_one_we_speak() {
    let mut server = ServerHandshake::new(server_key(), 9);
    let error = server
        .push(&mut b"PRLR\x02\x01\0\0".as_slice())
        .unwrap_err();
    assert_eq!(error, HandshakeError::UnknownVersion { version: 2 });
    assert_eq!(error.refusal().unwrap().encode(), [0xff, 0xff, 1, 1]);
    let mut server = ServerHandshake::new(server_key(), 9);
    let error = server
        .push(&mut b"PRLR\x01\x03\0\0".as_slice())
        .unwrap_err();
    assert_eq!(error, HandshakeError::UnknownSuite { suite: 3 });
    assert_eq!(error.refusal().unwrap().encode(), [0xff, 0xff, 2, 1]);
}

#[test]
fn strangers_at_the_door_are_told_apart() {
    let cases: [(&[u8], Foreign); 4] = [
        (b"\x16\x03\x01\x02\x00\x01\x00", Foreign::Tls),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", Foreign::Http),
        (b"hi\n", Foreign::Text),
        (b"\x00\x00\x00\x01", Foreign::Binary),
    ];
    for (bytes, looks_like) in cases {
        let mut server = ServerHandshake::new(server_key(), 9);
        let error = server.push(&mut &*bytes).unwrap_err();
        assert_eq!(error, HandshakeError::NotParlour { looks_like });
        assert_eq!(error.refusal(), None);
    }
}

#[test]
fn a_server_of_another_kind_is_told_to_the_user() {
    let cases: [(&[u8], HandshakeError); 4] = [
        (
            b"HTTP/1.1 400 Bad Request\r\n",
            HandshakeError::NotParlour {
                looks_like: Foreign::Http,
            },
        ),
        (
            b"Welcome! Type /help\n",
            HandshakeError::NotParlour {
                looks_like: Foreign::Text,
            },
        ),
        (
            b"\x15\x03\x01\x00\x02\x02\x46",
            HandshakeError::NotParlour {
                looks_like: Foreign::Tls,
            },
        ),
        (
            b"\x00\x05hello",
            HandshakeError::MessageLength { claimed: 5 },
        ),
    ];
    for (bytes, expected) in cases {
        let (mut client, _) = hello();
        let error = client.read_reply(&mut &*bytes).err();
        assert_eq!(error, Some(expected));
    }
}

/// A genuine third message whose payload we cannot accept ends the handshake.
#[test]
fn a_genuine_but_unacceptable_payload_ends_it() {
    let too_long = vec![0; 257];
    let cases: [(&[u8], HandshakeError); 3] = [
        (&[0x81, 1, 7], HandshakeError::Payload),
        (&[0xf0, 0], HandshakeError::UnknownCritical { field: 0xf0 }),
        (&too_long, HandshakeError::MessageLength { claimed: 321 }),
    ];
    for (payload, expected) in cases {
        let (mut snow, mut buffer) = (snow_builder(&[4; 32]).build_initiator().unwrap(), [0; 1024]);
        let length = snow.write_message(&[], &mut buffer).unwrap();
        let mut sent = b"PRLR\x01\x01\0\0".to_vec();
        sent.extend(framed(&buffer[..length]));
        let mut server = ServerHandshake::new(server_key(), 9);
        server.push(&mut sent.as_slice()).unwrap();
        let mut reply = Vec::new();
        server.step(SERVER_RANDOM, NOW, &mut reply).unwrap();
        snow.read_message(&reply[2..], &mut buffer).unwrap();
        let length = snow.write_message(payload, &mut buffer).unwrap();
        let error = finish(server, &framed(&buffer[..length])).err();
        assert_eq!(error, Some(expected));
    }
}

#[test]
fn causes_are_told_apart() {
    let all = [
        HandshakeError::NotParlour {
            looks_like: Foreign::Tls,
        },
        HandshakeError::NotParlour {
            looks_like: Foreign::Http,
        },
        HandshakeError::NotParlour {
            looks_like: Foreign::Text,
        },
        HandshakeError::NotParlour {
            looks_like: Foreign::Binary,
        },
        HandshakeError::UnknownVersion { version: 2 },
        HandshakeError::UnknownSuite { suite: 2 },
        HandshakeError::ReservedBits,
        HandshakeError::MessageLength { claimed: 1 },
        HandshakeError::Noise(NoiseError::Truncated),
        HandshakeError::Noise(NoiseError::NotContributory),
        HandshakeError::Noise(NoiseError::Forged),
        HandshakeError::Payload,
        HandshakeError::UnknownCritical { field: 0x90 },
        HandshakeError::OutOfTurn,
        HandshakeError::Refused {
            code: RefusalCode::Full,
            version_max: 1,
        },
        HandshakeError::Over,
    ];
    let mut causes: Vec<_> = all.iter().map(|error| error.cause()).collect();
    causes.sort_unstable();
    causes.dedup();
    assert_eq!(causes.len(), all.len());
}

proptest! {
    #[test]
    fn no_bytes_make_a_fresh_server_panic(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6),
        magic_bytes in 0..10usize,
    ) {
        let mut server = ServerHandshake::new(server_key(), 9);
        let preamble = [&Preamble::asking_for(Suite::CtrHmac).encode()[..], &[0, 32]].concat();
        let _ = server.push(&mut &preamble[..magic_bytes]);
        for part in parts {
            let _ = server.push(&mut part.as_slice());
            let _ = server.step(SERVER_RANDOM, NOW, &mut Vec::new());
        }
    }

    #[test]
    fn no_bytes_finish_a_handshake_or_panic(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4),
        claimed in 60..330u16,
    ) {
        let (mut server, _) = replied();
        let _ = server.push(&mut claimed.to_be_bytes().as_slice());
        for part in parts {
            let _ = server.push(&mut part.as_slice());
            prop_assert!(server.buffered_bytes() <= HANDSHAKE_BYTES_MAX);
            let step = server.step(SERVER_RANDOM, NOW, &mut Vec::new());
            prop_assert!(!matches!(step, Ok(Step::Done(_))));
        }
    }

    #[test]
    fn no_bytes_make_an_offer_or_panic(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..4),
        claimed in any::<u16>(),
    ) {
        let (mut client, _) = hello();
        let _ = client.read_reply(&mut claimed.to_be_bytes().as_slice());
        for part in parts {
            let read = client.read_reply(&mut part.as_slice());
            prop_assert!(!matches!(read, Ok(Some(_))));
        }
    }

    #[test]
    fn no_payload_panics(payload in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = ServerPayload::decode(&payload);
        let _ = payload::ClientPayload::decode(&payload);
    }
}
