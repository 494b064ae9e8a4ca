import Forwarding
import Testing

/// A frame, what becomes of it, and why: golden packets as katran keeps them. The bytes were made by an independent
/// program, not by this package. They are run in order through one ``Forwarder``.
struct GoldenPacket: CustomTestStringConvertible {
    var description: String
    /// Ethernet header, IPv4 header, the rest: in hexadecimal.
    var input: [String]
    var verdict: Verdict
    /// Nil where the frame must not have been touched.
    var output: [String]?

    var testDescription: String { description }
}

extension GoldenPacket {
    /// VIP 192.0.2.10:80, rr, two servers: 10.0.0.11 at 02:…:11 through interface 0 (02:…:01), 10.0.0.12 at 02:…:12
    /// through interface 1 (02:…:02).
    static let all: [GoldenPacket] = [
        GoldenPacket(
            description: "a SYN goes to the first server",
            input: [
                "0200000000010200000000fe0800",
                "4500002c1234400040063c53c6336407c000020a",
                "9c410050000003e8000000006002faf010770000020405b4",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "4500002c123440003f063d53c6336407c000020a",
                "9c410050000003e8000000006002faf010770000020405b4",
            ]),
        GoldenPacket(
            description: "the ACK of the handshake follows it, padded to 60 bytes",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c410050000003e9000013895010faf0149b0000",
                "000000000000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "45000028123440003f063d57c6336407c000020a",
                "9c410050000003e9000013895010faf0149b0000",
                "000000000000",
            ]),
        GoldenPacket(
            description: "the next client's SYN goes to the second server, through its own interface",
            input: [
                "0200000000010200000000fe0800",
                "4500002c0000400040064e87c6336407c000020a",
                "9c420050000007d0000000006002faf00c8e0000020405b4",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000120200000000020800",
                "4500002c000040003f064f87c6336407c000020a",
                "9c420050000007d0000000006002faf00c8e0000020405b4",
            ]),
        GoldenPacket(
            description: "a request follows, with its ToS and data untouched",
            input: [
                "0200000000010200000000fe0800",
                "4510003a1234400040063c35c6336407c000020a",
                "9c410050000003e9000013895018faf035e10000474554202f20485454502f312e300d0a0d0a",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "4510003a123440003f063d35c6336407c000020a",
                "9c410050000003e9000013895018faf035e10000474554202f20485454502f312e300d0a0d0a",
            ]),
        GoldenPacket(
            description: "a segment behind IPv4 options (record route) is rewritten too",
            input: [
                "0200000000010200000000fe0800",
                "470000301234400040062f48c6336407c000020a0707040000000000",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "47000030123440003f063048c6336407c000020a0707040000000000",
                "9c410050000003fb000013895010faf014890000",
            ]),
        GoldenPacket(
            description: "a new header checksum of 0x0000 is written as such",
            input: [
                "0200000000010200000000fe0800",
                "450000284f8b40004006feffc6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "450000284f8b40003f060000c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ]),
        GoldenPacket(
            description: "an old header checksum of 0xFEFF, which becomes 0xFFFF only in faulty arithmetic",
            input: [
                "0200000000010200000000fe0800",
                "450000284f8b40004006feffc6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "450000284f8b40003f060000c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ]),
        GoldenPacket(
            description: "TTL 2 leaves as 1",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400002067a57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "450000281234400001067b57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ]),
        GoldenPacket(
            description: "TTL 1 is answered",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400001067b57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .timeExceeded),
        GoldenPacket(
            description: "TTL 0 is answered",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400000067c57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .timeExceeded),
        GoldenPacket(
            description: "a wrong IPv4 header checksum",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c56c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .drop(.malformed)),
        GoldenPacket(
            description: "the first fragment goes where its flow goes",
            input: [
                "0200000000010200000000fe0800",
                "450000281234200040065c57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "45000028123420003f065d57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ]),
        GoldenPacket(
            description: "a later fragment follows the first",
            input: [
                "0200000000010200000000fe0800",
                "45000028123400b940067b9ec6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "45000028123400b93f067c9ec6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ]),
        GoldenPacket(
            description: "a later fragment of a packet whose first was not seen",
            input: [
                "0200000000010200000000fe0800",
                "45000028123500b940067b9dc6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .drop(.fragment)),
        GoldenPacket(
            description: "a port without a service",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c41005100000001000000005002faf02c190000",
            ],
            verdict: .drop(.noService)),
        GoldenPacket(
            description: "UDP to a TCP service",
            input: [
                "0200000000010200000000fe0800",
                "4500001c1234400040113c58c6336407c000020a",
                "9c41005000080000",
            ],
            verdict: .drop(.noService)),
        GoldenPacket(
            description: "a ping is answered in the VIP's name, the way it came",
            input: [
                "0200000000010200000000fe0800",
                "4500001c1234400040013c68c6336407c000020a",
                "0800f7fd00010001",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000fe0200000000010800",
                "4500001c1234400040013c68c000020ac6336407",
                "0000fffd00010001",
            ]),
        GoldenPacket(
            description: "an ACK of no known flow",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9ca3005000000001000000015010faf02ba90000",
            ],
            verdict: .drop(.noFlow)),
        GoldenPacket(
            description: "a RST of no known flow",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9ca3005000000001000000015004faf02bb50000",
            ],
            verdict: .drop(.noFlow)),
        GoldenPacket(
            description: "a SYN-ACK of no known flow, as a reflector sends",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9ca3005000000001000000015012faf02ba70000",
            ],
            verdict: .drop(.noFlow)),
        GoldenPacket(
            description: "a SYN with RST",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9ca3005000000001000000015006faf02bb30000",
            ],
            verdict: .drop(.noFlow)),
        GoldenPacket(
            description: "a loopback source",
            input: [
                "0200000000010200000000fe0800",
                "45000028123440004006e7907f000001c000020a",
                "0050005000000001000000005002faf073450000",
            ],
            verdict: .drop(.martian)),
        GoldenPacket(
            description: "a multicast source",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040068690e0000001c000020a",
                "0050005000000001000000005002faf012450000",
            ],
            verdict: .drop(.martian)),
        GoldenPacket(
            description: "a broadcast source",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040066692ffffffffc000020a",
                "0050005000000001000000005002faf0f2460000",
            ],
            verdict: .drop(.martian)),
        GoldenPacket(
            description: "no source",
            input: [
                "0200000000010200000000fe0800",
                "45000028123440004006669200000000c000020a",
                "0050005000000001000000005002faf0f2460000",
            ],
            verdict: .drop(.martian)),
        GoldenPacket(
            description: "the VIP as its own source (land)",
            input: [
                "0200000000010200000000fe0800",
                "45000028123440004006a487c000020ac000020a",
                "0050005000000001000000005002faf0303c0000",
            ],
            verdict: .drop(.martian)),
        GoldenPacket(
            description: "a total length of 0 (BIG TCP)",
            input: [
                "0200000000010200000000fe0800",
                "450000001234400040063c7fc6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .drop(.oversized)),
        GoldenPacket(
            description: "a total length one more than was captured",
            input: [
                "0200000000010200000000fe0800",
                "450000291234400040063c56c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .drop(.malformed)),
        GoldenPacket(
            description: "a total length that cuts the TCP header",
            input: [
                "0200000000010200000000fe0800",
                "450000271234400040063c58c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .drop(.malformed)),
        GoldenPacket(
            description: "a total length below the header length",
            input: [
                "0200000000010200000000fe0800",
                "450000131234400040063c6cc6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .drop(.malformed)),
        GoldenPacket(
            description: "a data offset beyond the segment",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c410050000003fb000013896010faf014890000",
            ],
            verdict: .drop(.malformed)),
        GoldenPacket(
            description: "a data offset below 5",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c410050000003fb000013894010faf014890000",
            ],
            verdict: .drop(.malformed)),
        GoldenPacket(
            description: "a version of 6 under the EtherType of IPv4",
            input: [
                "0200000000010200000000fe0800",
                "650000281234400040061c57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .drop(.malformed)),
        GoldenPacket(
            description: "a header length of 16",
            input: [
                "0200000000010200000000fe0800",
                "44000028123440004006ff61c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .drop(.malformed)),
        GoldenPacket(
            description: "an address that is no VIP",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c56c6336407c000020b",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .notOurs),
        GoldenPacket(
            description: "an address that is no VIP, malformed besides",
            input: [
                "0200000000010200000000fe0800",
                "450000001234400040060001c6336407c000020b",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .notOurs),
        GoldenPacket(
            description: "a frame to all stations",
            input: [
                "ffffffffffff0200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .notOurs),
        GoldenPacket(
            description: "a frame to a group",
            input: [
                "01005e0000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .notOurs),
        GoldenPacket(
            description: "a VLAN tag",
            input: [
                "0200000000010200000000fe810000050800",
                "450000281234400040063c57c6336407c000020a",
                "9c410050000003fb000013895010faf014890000",
            ],
            verdict: .notOurs),
        GoldenPacket(
            description: "ARP for the VIP",
            input: [
                "ffffffffffff0200000000fe0806",
                "00010800060400010200000000fec6336407000000000000c000020a",
            ],
            verdict: .notOurs),
        GoldenPacket(
            description: "a FIN follows its flow",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c410050000003fb000013895011faf014880000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "45000028123440003f063d57c6336407c000020a",
                "9c410050000003fb000013895011faf014880000",
            ]),
        GoldenPacket(
            description: "the last ACK after it too",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c410050000003fc0000138a5010faf014870000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "45000028123440003f063d57c6336407c000020a",
                "9c410050000003fc0000138a5010faf014870000",
            ]),
        GoldenPacket(
            description:
                "a SYN on the flow in FIN_WAIT is another connection: back at the first server, for it is its turn",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c41005000015f90000000005002faf0cc890000",
            ],
            verdict: .transmit(egress: 0),
            output: [
                "0200000000110200000000010800",
                "45000028123440003f063d57c6336407c000020a",
                "9c41005000015f90000000005002faf0cc890000",
            ]),
        GoldenPacket(
            description: "a third client's SYN goes to the second server",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c43005000000001000000005002faf02c180000",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000120200000000020800",
                "45000028123440003f063d57c6336407c000020a",
                "9c43005000000001000000005002faf02c180000",
            ]),
        GoldenPacket(
            description: "a RST follows its flow",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c420050000007d1000000005004faf024470000",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000120200000000020800",
                "45000028123440003f063d57c6336407c000020a",
                "9c420050000007d1000000005004faf024470000",
            ]),
        GoldenPacket(
            description: "a SYN in SYN_RECV stays with its server, whoever's turn it is: that RST was not believed",
            input: [
                "0200000000010200000000fe0800",
                "450000281234400040063c57c6336407c000020a",
                "9c42005000001b58000000005002faf010c20000",
            ],
            verdict: .transmit(egress: 1),
            output: [
                "0200000000120200000000020800",
                "45000028123440003f063d57c6336407c000020a",
                "9c42005000001b58000000005002faf010c20000",
            ]),
    ]
}
