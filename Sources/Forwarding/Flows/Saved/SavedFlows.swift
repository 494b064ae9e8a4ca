/// The form in which flows outlive the program: read back by the next one on this machine, or by none.
///
/// ```
/// "rsflows\n" · version 4 · boot · milliseconds 8 · names of interfaces · servers · stations · templates ·
/// flows of IPv4 · flows of IPv6 · checksum 8
/// ```
/// Each list begins with its count (4), numbers have their lowest byte first, text begins with its length (4). The checksum is
/// SipHash-1-3 under a fixed key: it tells a damaged file, not a forged one.
enum SavedFlows {
    static let magic = Array("rsflows\n".utf8)
    static let version: UInt32 = 1
    /// What is in front of everything that depends on the version.
    static let prefixLength = magic.count + 4
    static let checksumLength = 8

    /// The checksum of everything before it.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash = SipHash(0x7273_666C_6F77_7300, UInt64(version))
        var offset = 0
        while offset + 8 <= bytes.count {
            hash.absorb(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var last = UInt64(bytes.count & 0xFF) << 56
        for place in offset..<bytes.count { last |= UInt64(bytes[place]) << UInt64(8 * (place - offset)) }
        hash.absorb(last)
        return hash.finish()
    }
}

/// Why saved flows are not resumed.
public enum SavedFlowsError: Error, Hashable, Sendable {
    /// They are no saved flows, cut short, or otherwise not as they were saved.
    case damaged
    /// Another version of the program wrote them, in this version of the format.
    case otherVersion(UInt32)
    /// They are from before the machine was started.
    case otherBoot

    /// Why, in words.
    public var cause: String {
        switch self {
        case .damaged: "they are damaged"
        case .otherVersion(let version):
            "another version of rsdirector wrote them (format \(version), this one's is \(SavedFlows.version))"
        case .otherBoot: "they are from before the machine was started"
        }
    }
}

/// What became of saved flows.
public struct Resumption: Hashable, Sendable {
    /// How many flows go on.
    public var flows = 0
    /// How many clients stay with their server.
    public var templates = 0
    /// How many flows' and templates' time came meanwhile.
    public var expired = 0
    /// How many had a server that is not in the service any more.
    public var orphaned = 0
    /// How many there was no room for, or no way back to their clients.
    public var homeless = 0
    /// How long ago they were saved, in milliseconds.
    public var age: UInt64 = 0

    /// Nothing yet.
    public init() {}
}
