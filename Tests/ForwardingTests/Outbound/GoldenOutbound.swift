import Forwarding

/// Frames of source NAT and what becomes of them, made by an independent program, as in `GoldenPacket.swift`. They are run in
/// order through the forwarder of ``OutboundTests``, which has two ports to give: 40001 and 40002.
enum GoldenOutbound {
    static let ipv4: [GoldenPacket] = [
        GoldenPacket(
            description: "a server's SYN leaves as the outbound address, by its own port",
            input: [
                "0200000000010200000000110800",
                "4500002c123440004006f4520a00000bc6336407",
                "9c410050000003e8000000006002faf0c8760000020405b4",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "4500002c123440003f06c357cb007105c6336407",
                "9c410050000003e8000000006002faf0967b0000020405b4",
            ]),
        GoldenPacket(
            description: "another server's SYN from the same port to the same end gets another port",
            input: [
                "0200000000010200000000120800",
                "4500002c123440004006f4510a00000cc6336407",
                "9c41005000000007000000006002faf0cc560000020405b4",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "4500002c123440003f06c357cb007105c6336407",
                "9c42005000000007000000006002faf09a5b0000020405b4",
            ]),
        GoldenPacket(
            description: "the answer to the one goes to the one",
            input: [
                "0200000000020200000000fe0800",
                "4500002c123440003906c957c6336407cb007105",
                "00509c4100001388000003e96012faf082e20000020405b4",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "4500002c123440003806fc52c63364070a00000b",
                "00509c4100001388000003e96012faf0b4dd0000020405b4",
            ]),
        GoldenPacket(
            description: "and that to the other to the other, with its port again",
            input: [
                "0200000000020200000000fe0800",
                "4500002c123440003906c957c6336407cb007105",
                "00509c4200002328000000086012faf077220000020405b4",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000120200000000010800",
                "4500002c123440003806fc51c63364070a00000c",
                "00509c4100002328000000086012faf0a91d0000020405b4",
            ]),
        GoldenPacket(
            description: "data with an odd length, ToS and all",
            input: [
                "0200000000010200000000120800",
                "45100039123440004006f4340a00000cc6336407",
                "9c41005000000008000023295018faf0e22b0000474554202f20485454502f312e300d0a0d",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "45100039123440003f06c33acb007105c6336407",
                "9c42005000000008000023295018faf0b0300000474554202f20485454502f312e300d0a0d",
            ]),
        GoldenPacket(
            description: "a datagram",
            input: [
                "0200000000010200000000110800",
                "45000024123440004011f44f0a00000bc6336407",
                "9c410035001074517175657374696f6e",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "45000024123440003f11c354cb007105c6336407",
                "9c410035001042567175657374696f6e",
            ]),
        GoldenPacket(
            description: "another server's from the same port",
            input: [
                "0200000000010200000000120800",
                "45000024123440004011f44e0a00000cc6336407",
                "9c410035001074507175657374696f6e",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "45000024123440003f11c354cb007105c6336407",
                "9c420035001042557175657374696f6e",
            ]),
        GoldenPacket(
            description: "its answer",
            input: [
                "0200000000020200000000fe0800",
                "45000025123440004011c253c6336407cb007105",
                "00359c420011236b616e20616e73776572",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000120200000000010800",
                "45000025123440003f11f54dc63364070a00000c",
                "00359c4100115566616e20616e73776572",
            ]),
        GoldenPacket(
            description: "one without a checksum keeps none",
            input: [
                "0200000000010200000000120800",
                "45000025123440004011f44d0a00000cc6336407",
                "9c41003500110000756e636865636b6564",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "45000025123440003f11c353cb007105c6336407",
                "9c42003500110000756e636865636b6564",
            ]),
        GoldenPacket(
            description: "the first fragment of a datagram",
            input: [
                "0200000000010200000000120800",
                "4500002c00772000401126040a00000cc6336407",
                "9c41003500283de0000102030405060708090a0b0c0d0e0f",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "4500002c007720003f11f509cb007105c6336407",
                "9c42003500280be5000102030405060708090a0b0c0d0e0f",
            ]),
        GoldenPacket(
            description: "its last fragment follows, its bytes left alone",
            input: [
                "0200000000010200000000120800",
                "4500002400770003401146090a00000cc6336407",
                "101112131415161718191a1b1c1d1e1f",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "45000024007700033f11150fcb007105c6336407",
                "101112131415161718191a1b1c1d1e1f",
            ]),
        GoldenPacket(
            description: "the first fragment of an answer",
            input: [
                "0200000000020200000000fe0800",
                "4500002c007820004011f408c6336407cb007105",
                "00359c4200280be5000102030405060708090a0b0c0d0e0f",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000120200000000010800",
                "4500002c007820003f112703c63364070a00000c",
                "00359c4100283de0000102030405060708090a0b0c0d0e0f",
            ]),
        GoldenPacket(
            description: "and its last",
            input: [
                "0200000000020200000000fe0800",
                "45000024007800034011140ec6336407cb007105",
                "101112131415161718191a1b1c1d1e1f",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000120200000000010800",
                "45000024007800033f114708c63364070a00000c",
                "101112131415161718191a1b1c1d1e1f",
            ]),
        GoldenPacket(
            description: "an echo request leaves with its identifier",
            input: [
                "0200000000010200000000110800",
                "45000020123440004001f4630a00000bc6336407",
                "08006d60abcd000170696e67",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "45000020123440003f01c368cb007105c6336407",
                "08006d60abcd000170696e67",
            ]),
        GoldenPacket(
            description: "its reply comes back",
            input: [
                "0200000000020200000000fe0800",
                "45000020123440004001c268c6336407cb007105",
                "00007560abcd000170696e67",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "45000020123440003f01f563c63364070a00000b",
                "00007560abcd000170696e67",
            ]),
        GoldenPacket(
            description: "time exceeded, from a router in the world: with the server's end in what it quotes",
            input: [
                "0200000000020200000000fe0800",
                "450000381234400040012a3ec000024dcb007105",
                "0b0058650000000045000028123440000106015ccb007105c63364079c42005000000008",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000120200000000010800",
                "45000038123440003f015d38c000024d0a00000c",
                "0b005866000000004500002812344000010633560a00000cc63364079c41005000000008",
            ]),
        GoldenPacket(
            description: "port unreachable, from the remote end",
            input: [
                "0200000000020200000000fe0800",
                "45000040123440004001c248c6336407cb007105",
                "0303635f0000000045000024123440003c11c654cb007105c63364079c420035001042557175657374696f6e",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000120200000000010800",
                "45000040123440003f01f542c63364070a00000c",
                "030363600000000045000024123440003c11f84e0a00000cc63364079c410035001042557175657374696f6e",
            ]),
        GoldenPacket(
            description: "fragmentation needed, about an echo: its identifier again",
            input: [
                "0200000000020200000000fe0800",
                "4500003c123440004001b085cb007101cb007105",
                "0304f7830000057845000020123440003f01c368cb007105c633640708006d60abcd000170696e67",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "4500003c123440003f01e380cb0071010a00000b",
                "0304f7830000057845000020123440003f01f5630a00000bc633640708006d60abcd000170696e67",
            ]),
        GoldenPacket(
            description:
                "port unreachable, from a server: in the outbound address's name, about what the world sent to it",
            input: [
                "0200000000010200000000120800",
                "45000041123440004001f4410a00000cc6336407",
                "030331660000000045000025123440003e11f64dc63364070a00000c00359c4100115566616e20616e73776572",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "45000041123440003f01c347cb007105c6336407",
                "030331650000000045000025123440003e11c453c6336407cb00710500359c4200115566616e20616e73776572",
            ]),
        GoldenPacket(
            description: "host unreachable, from a router behind the director, whose address stays inside",
            input: [
                "0200000000010200000000120800",
                "45000041123440004001523cac100001c6336407",
                "030131680000000045000025123440003e11f64dc63364070a00000c00359c4100115566616e20616e73776572",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000fe0200000000020800",
                "45000041123440003f01c347cb007105c6336407",
                "030131670000000045000025123440003e11c453c6336407cb00710500359c4200115566616e20616e73776572",
            ]),
        GoldenPacket(
            description: "a stranger's SYN to the outbound address",
            input: [
                "0200000000020200000000fe0800",
                "45000028123440004006c25bc6336407cb007105",
                "00509c49000003e8000000005002faf0ae2f0000",
            ],
            verdict: .drop(.noService),
            output: nil),
        GoldenPacket(
            description: "a server's segment that belongs to nothing",
            input: [
                "0200000000010200000000110800",
                "45000028123440004006f4560a00000bc6336407",
                "00169c49000003e8000000005012faf0e0540000",
            ],
            verdict: .drop(.noFlow),
            output: nil),
        GoldenPacket(
            description: "what servers say to each other",
            input: [
                "0200000000010200000000110800",
                "45000028123440004006142f0a00000b0a000063",
                "9c410050000003e8000000005002faf0000b0000",
            ],
            verdict: .notOurs,
            output: nil),
        GoldenPacket(
            description: "and to the director",
            input: [
                "0200000000010200000000110800",
                "45000028123440004006e28e0a00000bcb007102",
                "9c410050000003e8000000005002faf0ce6a0000",
            ],
            verdict: .notOurs,
            output: nil),
        GoldenPacket(
            description: "GRE has no ports",
            input: [
                "0200000000010200000000110800",
                "4500002412344000402ff4310a00000bc6336407",
                "00000000000000000000000000000000",
            ],
            verdict: .drop(.untranslatable),
            output: nil),
        GoldenPacket(
            description: "nor has an ICMP timestamp",
            input: [
                "0200000000010200000000110800",
                "45000028123440004001f45b0a00000bc6336407",
                "0d00f2fd00010001000000000000000000000000",
            ],
            verdict: .drop(.untranslatable),
            output: nil),
        GoldenPacket(
            description: "a later fragment whose first one was not seen",
            input: [
                "0200000000010200000000110800",
                "4500002400790003401146080a00000bc6336407",
                "101112131415161718191a1b1c1d1e1f",
            ],
            verdict: .drop(.fragment),
            output: nil),
    ]
}
