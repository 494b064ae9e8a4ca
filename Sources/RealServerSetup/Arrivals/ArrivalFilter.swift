/// The classic BPF program that lets through nothing but the first packets of TCP connections (SYN without ACK) to some
/// addresses, as a director hands them over: as they are, or wrapped in IP, GRE or GUE (Documentation/networking/filter.rst).
///
/// ```
///   not for this host, tagged, not Ethernet ─► drop
///   IPv4, IPv6 ── TCP ───────────────────────────► is the destination one of ours, is it a SYN? ─► take
///       └── IP in IP · GRE · GUE ── IPv4, IPv6 ── TCP ──┘
/// ```
/// X holds where the IP header in question begins, counted from the end of the Ethernet header.
struct ArrivalFilter: Sendable {
    /// The program.
    let instructions: [TapFilter.Instruction]

    /// The most addresses of one family that are compared in the kernel, so that every jump reaches its end; with more, SYNs to
    /// other addresses come through too, and are sorted out later.
    static let maximumAddresses = 60

    private static let ethernet: UInt32 = 14
    /// `SKF_AD_OFF + SKF_AD_PKTTYPE`, `SKF_AD_HATYPE` and `SKF_AD_VLAN_TAG_PRESENT`.
    private static let packetType = UInt32(bitPattern: -0x1000 + 4)
    private static let hardwareType = UInt32(bitPattern: -0x1000 + 28)
    private static let tagPresent = UInt32(bitPattern: -0x1000 + 48)

    /// Lets through SYNs to these addresses, given as IPv4 words and the last words of IPv6 addresses (the rest is compared
    /// later), also in GUE on these ports.
    init(ipv4: [UInt32], ipv6: [UInt32], guePorts: [UInt16]) {
        var program = Assembly()
        // 1. For this host (`PACKET_HOST`), without a tag (it is seen once more at the VLAN's own interface), by Ethernet.
        program.load(.word, Self.packetType)
        program.jump(.equal, 0, else: "drop")
        program.load(.word, Self.tagPresent)
        program.jump(.equal, 0, else: "drop")
        program.load(.word, Self.hardwareType)
        program.jump(.equal, 1, else: "drop")
        // 2. What the outer header holds.
        program.load(.half, 12)
        program.jump(.equal, 0x0800, then: "outer IPv4")
        program.jump(.equal, 0x86DD, then: "outer IPv6", else: "drop")
        program.mark("outer IPv4")
        program.load(.half, Self.ethernet + 6)
        program.jump(.anyBit, 0x1FFF, then: "drop")
        program.loadHeaderLength(Self.ethernet)
        program.load(.byte, Self.ethernet + 9)
        program.jump(.equal, 6, then: "plain")
        program.jump(.equal, 4, then: "judge")
        program.jump(.equal, 41, then: "judge")
        program.jump(.equal, 47, then: "GRE")
        program.jump(.equal, 17, then: "UDP", else: "drop")
        program.mark("outer IPv6")
        program.setX(40)
        program.load(.byte, Self.ethernet + 6)
        program.jump(.equal, 6, then: "plain")
        program.jump(.equal, 4, then: "judge")
        program.jump(.equal, 41, then: "judge")
        program.jump(.equal, 47, then: "GRE")
        program.jump(.equal, 17, then: "UDP")
        // The tunnel encapsulation limit, an option of eight bytes (RFC 2473 §4.1.1).
        program.jump(.equal, 60, else: "drop")
        program.load(.byte, Self.ethernet + 41)
        program.jump(.equal, 0, else: "drop")
        program.setX(48)
        program.load(.byte, Self.ethernet + 40)
        program.jump(.equal, 4, then: "judge")
        program.jump(.equal, 41, then: "judge", else: "drop")
        // 3. GRE: without options, or with a checksum (RFC 2784).
        program.mark("GRE")
        program.load(.half, behindX: Self.ethernet)
        program.jump(.equal, 0, then: "GRE 4")
        program.jump(.equal, 0x8000, else: "drop")
        program.advanceX(8)
        program.go("judge")
        program.mark("GRE 4")
        program.advanceX(4)
        program.go("judge")
        // 4. GUE: its variant 1 is the inner packet itself, variant 0 has a header of 4 bytes and up (draft-ietf-intarea-gue).
        program.mark("UDP")
        program.load(.half, behindX: Self.ethernet + 2)
        for port in guePorts.prefix(8) { program.jump(.equal, UInt32(port), then: "GUE") }
        program.go("drop")
        program.mark("GUE")
        program.load(.byte, behindX: Self.ethernet + 8)
        program.jump(.anyBit, 0x80, then: "drop")
        program.jump(.anyBit, 0x40, then: "GUE 1")
        program.maskAndShiftLeft(0x1F, by: 2)
        program.addXAndMove(12)
        program.go("judge")
        program.mark("GUE 1")
        program.advanceX(8)
        program.go("judge")
        // 5. The packet itself.
        program.mark("plain")
        program.setX(0)
        program.mark("judge")
        program.load(.byte, behindX: Self.ethernet)
        program.shiftRight(4)
        program.jump(.equal, 4, then: "IPv4")
        program.jump(.equal, 6, then: "IPv6", else: "drop")
        program.mark("IPv4")
        program.load(.byte, behindX: Self.ethernet + 9)
        program.jump(.equal, 6, else: "drop")
        program.load(.half, behindX: Self.ethernet + 6)
        program.jump(.anyBit, 0x1FFF, then: "drop")
        program.compare(ipv4, at: Self.ethernet + 16, then: "IPv4 flags")
        program.mark("IPv4 flags")
        program.load(.byte, behindX: Self.ethernet)
        program.maskAndShiftLeft(0x0F, by: 2)
        program.addXAndMove(0)
        program.load(.byte, behindX: Self.ethernet + 13)
        program.go("flags")
        program.mark("IPv6")
        program.load(.byte, behindX: Self.ethernet + 6)
        program.jump(.equal, 6, else: "drop")
        program.compare(ipv6, at: Self.ethernet + 36, then: "IPv6 flags")
        program.mark("IPv6 flags")
        program.load(.byte, behindX: Self.ethernet + 40 + 13)
        // 6. SYN without ACK.
        program.mark("flags")
        program.mask(0x12)
        program.jump(.equal, 0x02, then: "take", else: "drop")
        program.mark("take")
        program.end(taking: 256)
        program.mark("drop")
        program.end(taking: 0)
        instructions = program.assembled()
    }
}

/// A BPF program in the making, whose jumps go to names. Opcodes: linux/bpf_common.h.
private struct Assembly {
    enum Size: UInt16 {
        case word = 0x00
        case half = 0x08
        case byte = 0x10
    }

    enum Condition: UInt16 {
        case equal = 0x15
        case anyBit = 0x45
    }

    private struct Step {
        var code: UInt16
        var operand: UInt32
        /// nil: to the next one.
        var then: String?
        var otherwise: String?
    }

    private var steps: [Step] = []
    private var places: [String: Int] = [:]

    mutating func mark(_ name: String) { places[name] = steps.count }

    /// `ld`, `ldh`, `ldb [offset]`.
    mutating func load(_ size: Size, _ offset: UInt32) { append(0x20 | size.rawValue, offset) }

    /// `ld`, `ldh`, `ldb [x + offset]`.
    mutating func load(_ size: Size, behindX offset: UInt32) { append(0x40 | size.rawValue, offset) }

    /// `ldx 4*([offset]&0xf)`.
    mutating func loadHeaderLength(_ offset: UInt32) { append(0xB1, offset) }

    /// `ldx #value`.
    mutating func setX(_ value: UInt32) { append(0x01, value) }

    /// `txa; add #value; tax`.
    mutating func advanceX(_ value: UInt32) {
        append(0x87, 0)
        append(0x04, value)
        append(0x07, 0)
    }

    /// `add #value; add x; tax`.
    mutating func addXAndMove(_ value: UInt32) {
        append(0x04, value)
        append(0x0C, 0)
        append(0x07, 0)
    }

    /// `and #mask`.
    mutating func mask(_ mask: UInt32) { append(0x54, mask) }

    /// `and #mask; lsh #count`.
    mutating func maskAndShiftLeft(_ mask: UInt32, by count: UInt32) {
        append(0x54, mask)
        append(0x64, count)
    }

    /// `rsh #count`.
    mutating func shiftRight(_ count: UInt32) { append(0x74, count) }

    /// `jeq`, `jset`; where nothing is named, to the next instruction.
    mutating func jump(_ condition: Condition, _ value: UInt32, then: String? = nil, else otherwise: String? = nil) {
        steps.append(Step(code: condition.rawValue, operand: value, then: then, otherwise: otherwise))
    }

    /// `ja`.
    mutating func go(_ name: String) { steps.append(Step(code: 0x05, operand: 0, then: name)) }

    /// `ret #count`: so many bytes of the packet, 0: none.
    mutating func end(taking count: UInt32) { append(0x06, count) }

    /// To `name` where the word behind X is one of `values`, or where those are too many; else to `drop`.
    mutating func compare(_ values: [UInt32], at offset: UInt32, then name: String) {
        guard values.count <= ArrivalFilter.maximumAddresses else { return go(name) }
        load(.word, behindX: offset)
        for value in values { jump(.equal, value, then: name) }
        go("drop")
    }

    private mutating func append(_ code: UInt16, _ operand: UInt32) {
        steps.append(Step(code: code, operand: operand))
    }

    func assembled() -> [TapFilter.Instruction] {
        steps.enumerated().map { index, step in
            let distance = { (name: String?) -> Int in
                guard let name else { return 0 }
                guard let place = places[name], place > index else { preconditionFailure("no \(name) ahead") }
                return place - index - 1
            }
            if step.code == 0x05 {
                return TapFilter.Instruction(
                    code: step.code, jumpTrue: 0, jumpFalse: 0, operand: UInt32(distance(step.then)))
            }
            return TapFilter.Instruction(
                code: step.code, jumpTrue: UInt8(distance(step.then)), jumpFalse: UInt8(distance(step.otherwise)),
                operand: step.operand)
        }
    }
}
