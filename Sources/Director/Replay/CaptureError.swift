/// Why a file is no capture that can be replayed.
enum CaptureError: Error, Hashable, Sendable {
    /// It begins with nothing that is known.
    case notACapture
    /// It is pcapng.
    case nextGeneration
    /// It ends within its header, after so many bytes.
    case shortHeader(Int)
    /// Its frames are not Ethernet's; the number is the link type (`LINKTYPE_…`).
    case notEthernet(UInt32)
    /// It cannot be read, in the system's words.
    case unreadable(String)

    /// Why, in words.
    var cause: String {
        switch self {
        case .notACapture: "it is no capture: it does not begin as a pcap file does"
        case .nextGeneration: "it is pcapng, and only classic pcap is read"
        case .shortHeader(let length): "it ends after \(length) bytes, within its header"
        case .notEthernet(let type): "its link type is \(type), and only Ethernet (1) is read"
        case .unreadable(let words): words
        }
    }

    /// What to do about it.
    var cure: String {
        switch self {
        case .notACapture, .shortHeader: "capture with `tcpdump -i INTERFACE -w FILE`"
        case .nextGeneration: "convert it: `editcap -F pcap IN OUT`, or `tcpdump -r IN -w OUT`"
        case .notEthernet: "capture one Ethernet interface by its name: `tcpdump -i INTERFACE -w FILE`"
        case .unreadable: ""
        }
    }
}
