internal import NetworkAddress

/// The first packet of a TCP connection as it came in by Ethernet, wrapped or not.
struct ArrivalFrame: Hashable, Sendable {
    /// Who put it on the wire last.
    var mac: MACAddress
    /// The tunnel's other end, where it was wrapped.
    var outerSource: IPAddress?
    var source: IPAddress
    var sourcePort: UInt16
    var destination: IPAddress
    var port: UInt16

    /// Reads an Ethernet frame, of which the beginning is enough; nil where it is none, as `ArrivalFilter` has it.
    init?(frame: UnsafeRawBufferPointer) {
        let reader = Reader(bytes: frame)
        guard let high = reader.number(at: 6, UInt16.self), let low = reader.number(at: 8, UInt32.self),
            let type = reader.number(at: 12, UInt16.self)
        else { return nil }
        mac = MACAddress(rawValue: UInt64(high) << 32 | UInt64(low))
        guard type == 0x0800 || type == 0x86DD, let outer = reader.header(at: 14) else { return nil }
        var inner = outer
        switch outer.next {
        case 6: outerSource = nil
        case 4, 41, 47, 17, 60:
            outerSource = outer.source
            guard let start = reader.wrapped(in: outer), let header = reader.header(at: start), header.next == 6 else {
                return nil
            }
            inner = header
        default: return nil
        }
        guard let ports = reader.number(at: inner.end, UInt32.self),
            let flags = reader.number(at: inner.end + 13, UInt8.self), flags & 0x12 == 0x02
        else { return nil }
        (source, destination) = (inner.source, inner.destination)
        (sourcePort, port) = (UInt16(ports >> 16), UInt16(truncatingIfNeeded: ports))
    }

    /// An IP header, and where it ends.
    private struct Header {
        var source: IPAddress
        var destination: IPAddress
        var next: UInt8
        var end: Int
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer

        func number<Number: FixedWidthInteger>(at offset: Int, _ type: Number.Type) -> Number? {
            guard offset >= 0, offset + MemoryLayout<Number>.size <= bytes.count else { return nil }
            return Number(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }

        func header(at offset: Int) -> Header? {
            guard let first = number(at: offset, UInt8.self) else { return nil }
            switch first >> 4 {
            case 4:
                guard let fragment = number(at: offset + 6, UInt16.self), fragment & 0x1FFF == 0, first & 15 >= 5,
                    let next = number(at: offset + 9, UInt8.self), let source = number(at: offset + 12, UInt32.self),
                    let destination = number(at: offset + 16, UInt32.self)
                else { return nil }
                return Header(
                    source: .v4(IPv4Address(rawValue: source)), destination: .v4(IPv4Address(rawValue: destination)),
                    next: next, end: offset + 4 * Int(first & 15))
            case 6:
                let words = (0..<4).compactMap { number(at: offset + 8 + 8 * $0, UInt64.self) }
                guard words.count == 4, let next = number(at: offset + 6, UInt8.self) else { return nil }
                return Header(
                    source: .v6(IPv6Address(high: words[0], low: words[1])),
                    destination: .v6(IPv6Address(high: words[2], low: words[3])), next: next, end: offset + 40)
            default: return nil
            }
        }

        /// Where the packet that `outer` wraps begins.
        func wrapped(in outer: Header) -> Int? {
            switch outer.next {
            case 4, 41: return outer.end
            case 47:
                switch number(at: outer.end, UInt16.self) {
                case 0: return outer.end + 4
                case 0x8000: return outer.end + 8
                default: return nil
                }
            case 17:
                guard let first = number(at: outer.end + 8, UInt8.self), first & 0x80 == 0 else { return nil }
                return first & 0x40 != 0 ? outer.end + 8 : outer.end + 12 + 4 * Int(first & 0x1F)
            case 60:
                guard let next = number(at: outer.end, UInt8.self), next == 4 || next == 41,
                    number(at: outer.end + 1, UInt8.self) == 0
                else { return nil }
                return outer.end + 8
            default: return nil
            }
        }
    }
}
