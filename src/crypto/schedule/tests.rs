//! The printed vectors, and RFC 5869's.

use super::*;
use crate::crypto::tests::{hex, unhex};

/// `k_i2r | k_r2i` = 00..3f, `h` = 40..5f.
fn session() -> Session {
    let counted = |from: u8| std::array::from_fn(|index| from + index as u8);
    Session {
        initiator_to_responder: counted(0x00),
        responder_to_initiator: counted(0x20),
        hash: counted(0x40),
    }
}

#[test]
fn the_printed_vectors() {
    assert_eq!(
        hex(&*master(&session())),
        "0d73d1b7937e0aaae57642ef63f278ca00f2c53538ebd9b16546538829fe62da"
    );
    let mut exporter = [0; 32];
    expand_label(&master(&session()), b"exp", &mut exporter);
    assert_eq!(
        hex(&exporter),
        "4b31212637ae027ebaadc7cd1798ec374eaebb55a6d080d77f5e09cb60a29b47"
    );
    let mut secrets = derive(session());
    assert_eq!(
        hex(&*secrets.client_to_server.0),
        "198144cb557fac4660f619a067180b6b8e81d71237ff5487a873b2a9043a11fe"
    );
    assert_eq!(
        hex(&*secrets.server_to_client.0),
        "8112cd9bd153b6e9e0ba068cb73aa37c82014fa9dde783bd297438bb768f7ee0"
    );
    assert_eq!(
        hex(&*secrets.binding),
        "7fa32c702332bbc578dd6fce7f5cf464d5082fda60237dc3507d2af0c7d5b243"
    );
    let keys = epoch_keys(&secrets.server_to_client.0);
    assert_eq!(
        hex(&keys.encryption),
        "fafc3d6dbed879da5a2090d416a806d687cbb8e6adade7919411b7471ebffaa2"
    );
    assert_eq!(
        hex(&*mac_key(&secrets.server_to_client.0)),
        "1a1c3ef519c263a1f75e1c4ddaaad7f23cf52670f903b55f4c84d8a0a2ec8412"
    );
    assert_eq!(hex(&keys.iv), "559b490d");
    advance(&mut secrets.server_to_client.0);
    assert_eq!(
        hex(&*secrets.server_to_client.0),
        "04f0fd8f34a43b4154137e0709383933e582db4245630b510af7b74cb91cdf19"
    );
}

/// RFC 5869, A.1 to A.3.
#[test]
fn rfc_5869() {
    let counted = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    let cases = [
        (
            vec![0x0b; 22],
            counted(0x00, 0x0c),
            counted(0xf0, 0xf9),
            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            counted(0x00, 0x4f),
            counted(0x60, 0xaf),
            counted(0xb0, 0xff),
            "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            vec![0x0b; 22],
            Vec::new(),
            Vec::new(),
            "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ];
    for (input, salt, info, extracted, expanded) in cases {
        let (key, kdf) = Hkdf::<Sha256>::extract(Some(&salt), &input);
        assert_eq!(hex(&key), extracted);
        let mut out = unhex(expanded);
        out.fill(0);
        kdf.expand(&info, &mut out).unwrap();
        assert_eq!(hex(&out), expanded);
    }
}

#[test]
fn both_directions_and_every_session_have_their_own_keys() {
    let all = [session(), {
        let mut other = session();
        other.hash[0] ^= 1;
        other
    }]
    .map(derive);
    let mut traffic: Vec<_> = all
        .iter()
        .flat_map(|secrets| [&secrets.client_to_server, &secrets.server_to_client])
        .map(|secret| *secret.0)
        .collect();
    traffic.sort_unstable();
    traffic.dedup();
    assert_eq!(traffic.len(), 4);
    assert_ne!(*all[0].binding, *all[1].binding);
}

#[test]
fn secrets_wipe_themselves() {
    fn wipes_itself<T: ZeroizeOnDrop>() {}
    wipes_itself::<TrafficSecret>();
    wipes_itself::<EpochKeys>();
    let mut keys = epoch_keys(&[7; 32]);
    keys.zeroize();
    assert_eq!((keys.encryption, keys.iv), ([0; 32], [0; 4]));
}
