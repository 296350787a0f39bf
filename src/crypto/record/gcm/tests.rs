//! NIST's vectors, and another implementation for every length of a record.

use aes::cipher::KeyInit;
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;

use super::*;
use crate::crypto::tests::{hex, unhex, unhex_array};
use crate::limits::RECORD_INNER_BYTES_MAX;

/// Key, nonce, additional data, plaintext, and ciphertext with its tag.
type Vector = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

fn check<const HEADER_BYTES: usize>(vectors: &[Vector]) {
    for (key, nonce, header, plaintext, expected) in vectors {
        let schedule = Aes256Enc::new(&unhex_array::<32>(key).into());
        let (header, mut text) = (unhex_array::<HEADER_BYTES>(header), unhex(plaintext));
        let (iv, sequence) = nonce.split_at(8);
        let sequence = u64::from_be_bytes(unhex_array(sequence));
        let pass = Pass::begin(&schedule, unhex_array(iv), sequence, text.len());
        pass.apply_keystream(&mut text);
        let tag = pass.tag(&header, &text);
        assert_eq!(hex(&text) + &hex(&tag), *expected);
        pass.apply_keystream(&mut text);
        assert_eq!(hex(&text), *plaintext);
    }
}

/// "The Galois/Counter Mode of Operation (GCM)", appendix B, test cases 13 to 16: those of
/// AES-256 with nonces of 96 bits.
#[test]
fn the_specifications_vectors() {
    check::<0>(&[
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "",
            "530f8afbc74536b9a963b4f1c4cb738b",
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "000000000000000000000000",
            "",
            "00000000000000000000000000000000",
            "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
        ),
        (
            "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            "cafebabefacedbaddecaf888",
            "",
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c",
        ),
    ]);
    check::<20>(&[(
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
    )]);
}

/// NIST CAVP, `gcmEncryptExtIV256.rsp`: the first of each length, as far as nonce and tag are as
/// long as ours.
#[test]
fn nists_vectors() {
    check::<0>(&[
        (
            "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
            "516c33929df5a3284ff463d7",
            "",
            "",
            "bdc1ac884d332457a1d2664f168c76f0",
        ),
        (
            "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22",
            "0d18e06c7c725ac9e362e1ce",
            "",
            "2db5168e932556f8089a0622981d017d",
            "fa4362189661d163fcd6a56d8bf0405ad636ac1bbedd5cc3ee727dc2ab4a9489",
        ),
        (
            "82c4f12eeec3b2d3d157b0f992d292b237478d2cecc1d5f161389b97f999057a",
            "7b40b20f5f397177990ef2d1",
            "",
            "982a296ee1cd7086afad976945",
            "ec8e05a0471d6b43a59ca5335f113ddeafc62373cac2f5951bb9165249",
        ),
        (
            "268ed1b5d7c9c7304f9cae5fc437b4cd3aebe2ec65f0d85c3918d3d3b5bba89b",
            "9ed9d8180564e0e945f5e5d4",
            "",
            "fe29a40d8ebf57262bdb87191d01843f4ca4b2de97d88273154a0b7d9e2fdb80",
            "791a4a026f16f3a5ea06274bf02baab469860abde5e645f3dd473a5acddeecfc05b2b74db0662550435ef1900e136b15",
        ),
        (
            "1fded32d5999de4a76e0f8082108823aef60417e1896cf4218a2fa90f632ec8a",
            "1f3afa4711e9474f32e70462",
            "",
            "06b2c75853df9aeb17befd33cea81c630b0fc53667ff45199c629c8e15dce41e530aa792f796b8138eeab2e86c7b7bee1d40b0",
            "91fbd061ddc5a7fcc9513fcdfdc9c3a7c5d4d64cedf6a9c24ab8a77c36eefbf1c5dc00bc50121b96456c8cd8b6ff1f8b3e480f30096d340f3d5c42d82a6f475def23eb",
        ),
    ]);
    check::<16>(&[
        (
            "78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223",
            "d79cf22d504cc793c3fb6c8a",
            "b96baa8c1c75a671bfb2d08d06be5f36",
            "",
            "3e5d486aa2e30b22e040b85723a06e76",
        ),
        (
            "dad89d9be9bba138cdcf8752c45b579d7e27c3dbb40f53e771dd8cfd500aa2d5",
            "cfb2aec82cfa6c7d89ee72ff",
            "6e43784a91851a77667a02198e28dc32",
            "b526ba1050177d05b0f72f8d67",
            "8b29e66e924ecae84f6d8f7d681e365805c8f28b2ed8a5cadfd9079158",
        ),
    ]);
    check::<20>(&[
        (
            "83688deb4af8007f9b713b47cfa6c73e35ea7a3aa4ecdb414dded03bf7a0fd3a",
            "0b459724904e010a46901cf3",
            "794a14ccd178c8ebfd1379dc704c5e208f9d8424",
            "33d893a2114ce06fc15d55e454cf90c3",
            "cc66bee423e3fcd4c0865715e95866960fb291bd3dba94a1dfd8b286cfb97ac5",
        ),
        (
            "24501ad384e473963d476edcfe08205237acfd49b5b8f33857f8114e863fec7f",
            "9ff18563b978ec281b3f2794",
            "adb5ec720ccf9898500028bf34afccbcaca126ef",
            "27f348f9cdc0c5bd5e66b1ccb63ad920ff2219d14e8d631b3872265cf117ee86757accb158bd9abb3868fdc0d0b074b5f01b2c",
            "eb7cb754c824e8d96f7c6d9b76c7d26fb874ffbf1d65c6f64a698d839b0b06145dae82057ad55994cf59ad7f67c0fa5e85fab8bc95c532fecc594c36d1550286a7a3f0",
        ),
    ]);
    check::<48>(&[
        (
            "dc776f0156c15d032623854b625c61868e5db84b7b6f9fbd3672f12f0025e0f6",
            "67130951c4a57f6ae7f13241",
            "fd0920faeb7b212932280a009bac969145e5c316cf3922622c3705c3457c4e9f124b2076994323fbcfb523f8ed16d241",
            "9378a727a5119595ad631b12a5a6bc8a91756ef09c8d6eaa2b718fe86876da20",
            "6d958c20870d401a3c1f7a0ac092c97774d451c09f7aae992a8841ff0ab9d60db876831b4ecd7242963b040aa45c4114",
        ),
        (
            "463b412911767d57a0b33969e674ffe7845d313b88c6fe312f3d724be68e1fca",
            "611ce6f9a6880750de7da6cb",
            "0a682fbc6192e1b47a5e0868787ffdafe5a50cead3575849990cdd2ea9b3597749403efb4a56684f0c6bde352d4aeec5",
            "e7d1dcf668e2876861940e012fe52a98dacbd78ab63c08842cc9801ea581682ad54af0c34d0d7f6f59e8ee0bf4900e0fd85042",
            "8886e196010cb3849d9c1a182abe1eeab0a5f3ca423c3669a4a8703c0f146e8e956fb122e0d721b869d2b6fcd4216d7d4d37582469cecd70fd98fec9264f71df1aee9a",
        ),
    ]);
}

#[test]
fn agrees_with_the_aes_gcm_crate_for_every_length_of_a_record() {
    let key: [u8; 32] = std::array::from_fn(|index| index as u8);
    let schedule = Aes256Enc::new(&key.into());
    let reference = AesGcm::<Aes256Enc, U12>::new(&key.into());
    let text: Vec<u8> = (0..=RECORD_INNER_BYTES_MAX)
        .map(|index| ((index * 7) >> 3) as u8)
        .collect();
    // Every length up to several wide passes, then a step that meets every residue of a block.
    let lengths = (0..2_200).chain((2_200..RECORD_INNER_BYTES_MAX).step_by(61));
    for length in lengths.chain([RECORD_INNER_BYTES_MAX]) {
        let sequence = length as u64 * 0x0101_0101_0101;
        let header = [1, length as u8, (length >> 8) as u8, length as u8];
        let mut nonce = [9; 12];
        nonce[4..].copy_from_slice(&sequence.to_be_bytes());
        let mut expected = text[..length].to_vec();
        let expected_tag: [u8; RECORD_TAG_BYTES] = reference
            .encrypt_inout_detached(&nonce.into(), &header, expected.as_mut_slice().into())
            .unwrap()
            .into();
        let mut record = [&header[..], &text[..length]].concat();
        let tag = seal(&schedule, [9; 4], sequence, &mut record);
        assert_eq!((&record[4..], tag), (&expected[..], expected_tag));
        assert!(open(&schedule, [9; 4], sequence, &mut record, &tag));
        assert_eq!(record, [&header[..], &text[..length]].concat());
    }
}

#[test]
fn a_wrong_tag_leaves_the_record_as_it_came() {
    let schedule = Aes256Enc::new(&[7; 32].into());
    for length in [2, 43, 128, 129, 16_384] {
        let mut record = vec![5; RECORD_HEADER_BYTES + length];
        let tag = seal(&schedule, [1; 4], 3, &mut record);
        let sealed = record.clone();
        for bit in 0..8 * tag.len() {
            let mut wrong = tag;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!open(&schedule, [1; 4], 3, &mut record, &wrong));
            assert_eq!(record, sealed, "bit {bit}");
        }
        assert!(!open(&schedule, [1; 4], 4, &mut record, &tag));
        assert!(!open(&schedule, [2; 4], 3, &mut record, &tag));
        assert!(!open(&schedule, [1; 4], 3, &mut record, &tag[..15]));
        assert!(open(&schedule, [1; 4], 3, &mut record, &tag));
    }
}

/// Section 7.5 for what lives as long as a record: the hash key and the mask of the tag, with
/// which one could forge, are wiped. The hash itself does so by its own `Drop`.
#[test]
fn what_a_record_needed_is_wiped() {
    let schedule = Aes256Enc::new(&[7; 32].into());
    let mut pass = Pass::begin(&schedule, [1; 4], 3, 43);
    assert_ne!(pass.blocks[HASH_KEY].0, [0; BLOCK_BYTES]);
    pass.wipe();
    assert_eq!(pass.blocks[HASH_KEY].0, [0; BLOCK_BYTES]);
    assert_eq!(pass.blocks[MASK].0, [0; BLOCK_BYTES]);
    assert!(std::mem::needs_drop::<Pass<'_>>() && std::mem::needs_drop::<GHash>());
}
